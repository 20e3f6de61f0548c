"""The Radiology page: what is open, findings, explanation, study and export."""

__all__ = [
    "candidates",
    "deidentified_copy",
    "dicom_downloads",
    "explanation_panel",
    "exports",
    "image_list",
    "models",
    "page_state",
    "study_facts",
    "study_panel",
    "study_places",
    "study_show",
    "study_viewer",
    "thumbnail",
    "ways_out_panel",
    "work",
]
