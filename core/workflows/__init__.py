"""Whole ways through the house, from files to answers: what the pages and the command line both start."""

__all__ = [
    "accuracy",
    "bands",
    "change",
    "change_files",
    "change_series",
    "ct_places",
    "ct_search",
    "drawn_region",
    "evaluation",
    "explaining",
    "faults",
    "files",
    "image",
    "large_images",
    "render_files",
    "report_files",
    "scene_map",
    "scene_prediction",
    "series",
    "volumes",
]
