"""Ways that end in DICOM files."""

__all__ = ["deidentify", "export", "export_files"]
