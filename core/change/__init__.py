"""Two dates of one place: how far they differ, what counts as change, and the polygons that change makes."""

__all__ = [
    "band_means",
    "breaks",
    "caveats",
    "detect",
    "evidence",
    "goals",
    "methods",
    "polygon_ground",
    "scratch",
    "severity",
    "shift",
    "taken_back",
    "threshold",
    "threshold_sample",
    "transitions",
]
