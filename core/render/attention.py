"""What one token attends to, and what attends to it: a small map for each layer and head."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.render.colours import heat
from core.render.scene import png
from core.types import FloatImage

GAP = 2
"""Dark pixels between two maps of the mosaic, before it is enlarged."""


def attention_of(attention: FloatImage, grid: tuple[int, int], token: int, is_source: bool) -> tuple[FloatImage, FloatImage]:
    """(patches, before): attention from the token to each patch, or to it from each, float32 [layers, heads, rows, columns]; and the
    same of the tokens before the patches ([CLS], registers), float32 [layers, heads, tokens before].

    attention: [layers, heads, tokens, tokens], patches last and row by row over the grid; rows attend, columns are attended to.
    token: its number from 0, those before the patches included.
    """
    taken = attention[:, :, token, :] if is_source else attention[:, :, :, token]
    before = taken.shape[2] - grid[0] * grid[1]
    return np.asarray(taken[:, :, before:].reshape(*attention.shape[:2], *grid), np.float32), np.asarray(taken[:, :, :before], np.float32)


def scaled_attention(maps: FloatImage) -> FloatImage:
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
            picture[top : top + rows, left : left + columns] = heat(scaled_attention(maps[layer, head]))
    return png(picture), picture.shape[1], picture.shape[0]
