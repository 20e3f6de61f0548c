"""From arrays to pictures, for pages, reports and the command line alike."""

__all__ = [
    "area_chart", "attention", "change_details", "change_polygon", "colours", "ground", "heatmap", "indices", "map_sheet",
    "outlines", "preview", "report_pictures", "report_scenes", "sample_chip", "scene",
]  # fmt: skip
