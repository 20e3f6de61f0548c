"""Two dates through a change network: overlapping tiles, blended pixel by pixel, rows of logits from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from core.prepare.grid.tiles import TileGrid, hann, mirrored_beyond
from core.types import FloatImage, Mask


@dataclass(frozen=True)
class PairRows:
    """Rows of both dates at the model's scale.

    before, after: float32 [channels, rows, columns], standardised. valid: bool [rows, columns], where both hold data.
    """

    before: FloatImage
    after: FloatImage
    valid: Mask


Rows = Callable[[int, int], PairRows]
"""Rows [first, last) at the model's scale; first never lies before that of an earlier call."""
Predict = Callable[[FloatImage, FloatImage], FloatImage]
"""Tiles of both dates, float32 [tiles, channels, rows, columns] each, to logits, float32 [tiles, rows, columns]."""


def blended_rows(rows: Rows, grid: TileGrid, predict: Predict) -> Iterator[tuple[int, FloatImage]]:
    """(first row, logits float32 [rows, columns]) over the whole lattice, each row once: Hann-weighted means over the tiles of a pixel.

    grid: one whose cells are pixels. What lies beyond the scene mirrors it; the network sees it north up. NaN where no tile of a pixel
    holds data.
    """
    height, width = grid.tile
    weights = hann((height, width))
    sums, total = np.zeros((2, height, grid.token_columns), dtype=np.float32)
    north = grid.orientation.northed
    for top, following in zip(grid.row_starts, [*grid.row_starts[1:], grid.token_rows], strict=True):
        row = rows(*grid.vertical.span(top))
        lefts = [left for left in grid.column_starts if row.valid[:, slice(*grid.horizontal.span(left))].any()]
        if lefts:
            before, after = (north(np.stack([_tile(each, grid, top, left) for left in lefts])) for each in (row.before, row.after))
            for left, logits in zip(lefts, grid.orientation.stored(predict(before, after)), strict=True):
                sums[:, left : left + width] += logits * weights
                total[:, left : left + width] += weights
        done = following - top
        with np.errstate(invalid="ignore"):
            yield top, sums[:done] / total[:done]
        for plane in (sums, total):
            plane[: height - done] = plane[done:].copy()
            plane[height - done :] = 0.0


def _tile(row: FloatImage, grid: TileGrid, start: int, column: int) -> FloatImage:
    """One tile of a row of them."""
    return mirrored_beyond(row[:, :, slice(*grid.horizontal.span(column))], grid, start, column)
