"""From an image to what a network takes in: display values, bands, grids, tiles, tensors."""

__all__ = ["ct", "domains", "grid", "indices", "inputs", "kinds", "lookup", "lungs", "scene_input", "suitability", "tensor", "windowing"]
