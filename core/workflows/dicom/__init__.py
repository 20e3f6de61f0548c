"""Ways that end in DICOM files."""

__all__ = ["export", "export_files"]
