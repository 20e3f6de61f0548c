"""Scenes on the ground: metres a pixel, aligned grids, tiles, rows and bands."""

__all__ = ["align", "bands", "clouds", "cover", "ground", "lattice", "pair", "reflectance", "rows", "tiles", "warp"]
