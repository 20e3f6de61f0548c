"""The Earth page: scenes, map, land cover, change, reports."""

__all__ = [
    "accuracy_panel", "assessment", "change_panel", "comparison", "cover_panel", "intake", "labelling_panel", "map", "models",
    "page_state", "polygons", "questions", "report_panel", "scenes_panel", "strip", "work", "zones",
]  # fmt: skip
