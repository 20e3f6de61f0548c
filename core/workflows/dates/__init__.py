"""Series of dates of one place: on one grid, their shifts, what they hold by date, and breaks."""

__all__ = ["cells", "files", "placed", "series_map", "written"]
