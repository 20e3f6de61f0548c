"""Areas on the ellipsoid, polygons of one class, and what lies in which zone."""

__all__ = ["pixels", "polygons", "zonal_counts", "zones"]
