"""Commands of DICOM files that ask no model."""

__all__ = ["deidentify", "export", "render", "volume"]
