"""What one patch attends to, and what attends to it: a small map for each layer and head."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.render.colours import heat
from core.render.scene import png
from core.types import FloatImage

GAP = 2
"""Dark pixels between two maps of the mosaic, before it is enlarged."""


def attention_of(attention: FloatImage, grid: tuple[int, int], patch: tuple[int, int], is_source: bool) -> FloatImage:
    """float32 [layers, heads, rows, columns]: attention from the patch to each patch, or to it from each.

    attention: [layers, heads, patches, patches], row by row over the grid; rows are what attends, columns what is attended to.
    patch: (row, column).
    """
    index = patch[0] * grid[1] + patch[1]
    taken = attention[:, :, index, :] if is_source else attention[:, :, :, index]
    return np.asarray(taken.reshape(*attention.shape[:2], *grid), dtype=np.float32)


def scaled(maps: FloatImage) -> FloatImage:
    """Each map over its own largest value: heads differ a thousandfold in how sharp they are."""
    top = maps.max(axis=(-2, -1), keepdims=True)
    return np.asarray(maps / np.maximum(top, 1e-12), dtype=np.float32)


def mosaic(maps: FloatImage) -> tuple[bytes, int, int]:
    """(PNG, columns, rows): layers from top to bottom, heads from left to right."""
    layers, heads, rows, columns = maps.shape
    picture: NDArray[np.uint8] = np.zeros((layers * (rows + GAP) - GAP, heads * (columns + GAP) - GAP, 3), dtype=np.uint8)
    for layer in range(layers):
        for head in range(heads):
            top, left = layer * (rows + GAP), head * (columns + GAP)
            picture[top : top + rows, left : left + columns] = heat(scaled(maps[layer, head]))
    return png(picture), picture.shape[1], picture.shape[0]
