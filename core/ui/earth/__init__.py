"""The Earth page: scenes, map, land cover, change, reports."""
