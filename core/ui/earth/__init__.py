"""The Earth page: scenes, map, land cover, change, reports."""

__all__ = ["change_panel", "cover_panel", "intake", "map", "page_state", "questions", "report_panel", "scenes_panel", "work"]
