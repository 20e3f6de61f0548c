"""Two dates through a change network: overlapping tiles, blended pixel by pixel, rows of logits from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from core.prepare.grid.tiles import TileGrid, hann
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

    What lies past the end of the scene mirrors what lies before it. NaN where no tile of a pixel holds data.
    """
    height, width = (tokens * side for tokens, side in zip(grid.tile, grid.patch, strict=True))
    weights = hann((height, width))
    columns = grid.token_columns * grid.patch[1]
    sums, total = np.zeros((2, height, columns), dtype=np.float32)
    starts = [start * grid.patch[0] for start in grid.row_starts]
    for top, following in zip(starts, [*starts[1:], grid.token_rows * grid.patch[0]], strict=True):
        row = _padded(rows(top, min(top + height, grid.rows)), height, columns)
        lefts = [left for left in (start * grid.patch[1] for start in grid.column_starts) if row.valid[:, left : left + width].any()]
        if lefts:
            before, after = (np.stack([each[:, :, left : left + width] for left in lefts]) for each in (row.before, row.after))
            for left, logits in zip(lefts, predict(before, after), strict=True):
                sums[:, left : left + width] += logits * weights
                total[:, left : left + width] += weights
        done = following - top
        with np.errstate(invalid="ignore"):
            yield top, sums[:done] / total[:done]
        for plane in (sums, total):
            plane[: height - done] = plane[done:].copy()
            plane[height - done :] = 0.0


def _padded(rows: PairRows, height: int, width: int) -> PairRows:
    past = ((0, height - rows.valid.shape[0]), (0, width - rows.valid.shape[1]))
    before, after = (np.pad(each, ((0, 0), *past), mode="symmetric") for each in (rows.before, rows.after))
    return PairRows(before, after, np.pad(rows.valid, past))
