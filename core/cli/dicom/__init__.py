"""Commands of DICOM files that ask no model."""

__all__ = ["export", "render", "volume"]
