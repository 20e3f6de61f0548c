"""Objects of DICOM that carry an answer back into the study of its source, by highdicom: one file a kind, each a new series."""

__all__ = ["codes", "content", "encapsulated_pdf", "objects", "pm", "pr", "sc", "seg", "source", "sr"]
