"""Small pictures of a sample point: the pixel and its surroundings at each date, without anything that the map says of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.prepare.grid.align import on_grid_of
from core.render.colours import CHANGED
from core.render.ground import stretches_of
from core.render.scene import part, png, true_colour
from core.types import Scene

CHIP_SIDE = 480
"""Pixels of a chip, at the least."""
OUTLINE_WIDTH = 3
LEAST_OUTLINED = 12
"""Pixels of the outline around a pixel that would be drawn smaller."""
HALO = (0, 0, 0)
"""Around the outline, so that it is seen on ground of its own colour."""


def sample_chips(grid: Scene, scenes: Sequence[Scene], column: int, row: int, across: int) -> tuple[bytes, ...]:
    """One PNG a scene, `across` pixels of the grid wide, the point's pixel outlined; through one stretch where numbers mean the same.

    grid: the scene on whose grid the point lies. scenes: one or two dates, on any grid.
    """
    piece = part(grid, (column - across // 2, row - across // 2, across, across), CHIP_SIDE)
    stretches = stretches_of(scenes[0], scenes[1] if len(scenes) > 1 else None)
    return tuple(
        _pointed(true_colour(on_grid_of(scene, grid), stretch=stretch, grid=grid, piece=piece), column - piece.box[0], row - piece.box[1])
        for scene, stretch in zip(scenes, stretches, strict=False)
    )


def _pointed(pixels: NDArray[np.uint8], column: int, row: int) -> bytes:
    """Enlarged without smoothing, an outline around one pixel."""
    scale = max(1, -(-CHIP_SIDE // max(pixels.shape[:2])))
    large = pixels.repeat(scale, axis=0).repeat(scale, axis=1)
    half = max(scale, LEAST_OUTLINED) // 2
    x, y = int((column + 0.5) * scale), int((row + 0.5) * scale)
    _outline(large, x, y, half + OUTLINE_WIDTH, CHANGED)
    _outline(large, x, y, half + 2 * OUTLINE_WIDTH, HALO)
    return png(large)


def _outline(pixels: NDArray[np.uint8], x: int, y: int, half: int, colour: tuple[int, int, int]) -> None:
    """A square of OUTLINE_WIDTH around a place, its outer sides `half` pixels away."""
    inner = half - OUTLINE_WIDTH
    ring = np.zeros(pixels.shape[:2], dtype=bool)
    ring[max(0, y - half) : y + half + 1, max(0, x - half) : x + half + 1] = True
    ring[max(0, y - inner) : y + inner + 1, max(0, x - inner) : x + inner + 1] = False
    pixels[ring] = colour
