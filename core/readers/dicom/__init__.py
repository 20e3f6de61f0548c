"""DICOM: one object, or the files of several series, with lazy pixels and a header that names no person."""

__all__ = [
    "codecs",
    "codestream",
    "decode",
    "directory",
    "fragments",
    "frames",
    "functional",
    "geometry",
    "image",
    "overlays",
    "parse",
    "pixels",
    "series",
    "stacks",
    "ways_out",
]
