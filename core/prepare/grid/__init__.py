"""Scenes on the ground: metres a pixel, aligned grids, tiles, rows and bands."""

__all__ = ["align", "bands", "ground", "lattice", "pair", "reflectance", "rows", "tiles", "warp"]
