"""From an image to what a network takes in: display values, bands, grids, tiles, tensors."""
