"""From an image to what a network takes in: display values, bands, grids, tiles, tensors."""

__all__ = [
    "body",
    "composite",
    "ct",
    "ct_lungs",
    "cue",
    "domains",
    "grid",
    "indices",
    "inputs",
    "kinds",
    "lookup",
    "lung_fields",
    "nodule_outline",
    "scene_input",
    "sides",
    "suitability",
    "tensor",
    "windowing",
]
