"""DICOM: one object, or the files of several series, with lazy pixels and a header that names no person."""
