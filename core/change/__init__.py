"""Two dates of one place: how far they differ, what counts as change, and the polygons that change makes."""

__all__ = [
    "band_means",
    "caveats",
    "detect",
    "evidence",
    "goals",
    "methods",
    "scratch",
    "severity",
    "shift",
    "threshold",
    "threshold_sample",
    "transitions",
]
