"""Areas on the ellipsoid, patches of one class, and what lies in which zone."""
