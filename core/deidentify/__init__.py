"""What of a header may be kept: attributes and terms that identify nobody. Everything read from DICOM passes here at the door."""

__all__ = ["header", "pixels", "profile", "pseudonyms", "terms"]
