"""Areas on the ellipsoid, patches of one class, and what lies in which zone."""

__all__ = ["pixels", "polygons", "tally", "zones"]
