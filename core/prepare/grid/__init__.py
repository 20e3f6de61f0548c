"""Scenes on the ground: metres a pixel, aligned grids, tiles, rows and bands."""
