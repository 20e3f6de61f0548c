"""Small pictures of a change polygon: it and its surroundings at both dates, its box outlined."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.explain.overlay import coloured
from core.prepare.grid.align import on_grid_of
from core.render.colours import CHANGED
from core.render.ground import stretches_of
from core.render.scene import Piece, part, png, true_colour
from core.types import ChangePolygon, FloatImage, Scene

_SIDE = 320
"""Pixels of a picture's longer side."""
ROOM_AROUND = 2.0
"""A picture shows so many times the polygon, so that its surroundings are seen."""
LEAST = 48
"""Pixels of the scene across that a picture shows at least: a polygon of four pixels alone is no picture."""
OUTLINE = 2
_NOTHING = (38, 43, 51)
"""Colour of a cell that brings nothing."""


def before_and_after(before: Scene, after: Scene, polygon: ChangePolygon) -> tuple[bytes, bytes]:
    """The polygon and its surroundings at both dates, as PNG, through one stretch where their numbers mean the same."""
    piece = part(before, around(polygon.window), _SIDE)
    scenes, stretches = (before, on_grid_of(after, before)), stretches_of(before, after)
    first, second = (
        _outlined(true_colour(scene, stretch=stretch, grid=before, piece=piece), piece, polygon)
        for scene, stretch in zip(scenes, stretches, strict=True)
    )
    return first, second


def around(window: tuple[int, int, int, int]) -> tuple[float, float, float, float]:
    """A square around a window (left, top, width, height), with room."""
    left, top, width, height = window
    side = max(ROOM_AROUND * width, ROOM_AROUND * height, LEAST)
    return left + width / 2 - side / 2, top + height / 2 - side / 2, side, side


def _outlined(pixels: NDArray[np.uint8], piece: Piece, polygon: ChangePolygon) -> bytes:
    """Enlarged without smoothing to SIDE, with the polygon's box in the colour of change."""
    scale = max(1, _SIDE // max(piece.shape))
    enlarged = pixels.repeat(scale, axis=0).repeat(scale, axis=1)
    factor = scale / piece.reduction
    left, top = ((polygon.window[axis] - piece.box[axis]) * factor for axis in (0, 1))
    right, bottom = left + polygon.window[2] * factor, top + polygon.window[3] * factor
    rows, columns = enlarged.shape[:2]
    x = np.clip(np.rint([left, right]).astype(int), 0, columns)
    y = np.clip(np.rint([top, bottom]).astype(int), 0, rows)
    for row in (y[0], y[1] - OUTLINE):
        enlarged[max(0, row) : max(0, row) + OUTLINE, x[0] : x[1]] = CHANGED
    for column in (x[0], x[1] - OUTLINE):
        enlarged[y[0] : y[1], max(0, column) : max(0, column) + OUTLINE] = CHANGED
    return png(enlarged)


def effects_picture(cells: FloatImage) -> bytes:
    """The cells of a polygon by their effect, as PNG, enlarged without smoothing; dark where one has none.

    cells: float32 [rows, columns], NaN where there is no cell.
    """
    effects = np.clip(np.nan_to_num(cells, nan=0.0), 0.0, None)
    strongest = float(effects.max())
    drawn = coloured((effects / strongest if strongest > 0 else effects).astype(np.float32), is_signed=False)
    opacity = drawn[..., 3:].astype(np.float32) / 255.0
    scale = max(1, _SIDE // max(effects.shape))
    return png(
        (drawn[..., :3] * opacity + np.array(_NOTHING) * (1.0 - opacity)).astype(np.uint8).repeat(scale, axis=0).repeat(scale, axis=1)
    )
