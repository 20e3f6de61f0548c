"""Commands of DICOM files that ask no model."""

__all__ = ["render", "volume"]
