"""Whole ways through the house, from files to answers: what the pages and the command line both start."""

__all__ = [
    "bands",
    "change",
    "change_files",
    "change_series",
    "cities",
    "ct_places",
    "ct_search",
    "evaluate",
    "evaluate_change",
    "faults",
    "files",
    "image",
    "large",
    "report_files",
    "scene_map",
    "scene_prediction",
    "series",
]
