"""Two dates through a change network: overlapping tiles, blended pixel by pixel, rows of logits from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.inference.scenes.ahead import ahead
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
Look = Callable[[FloatImage, FloatImage], None]
"""At such tiles."""


def blended_rows(rows: Rows, grid: TileGrid, predict: Predict, look: Look = lambda before, after: None) -> Iterator[tuple[int, FloatImage]]:
    """(first row, logits float32 [rows, columns]) over the whole lattice, each row once: Hann-weighted means over the tiles of a pixel.

    grid: one whose cells are pixels. What lies beyond the scene mirrors it; the network sees it north up. NaN where no tile of a pixel
    holds data. look: shown the tiles. Rows are asked for and predicted in threads of their own, one row of tiles ahead.
    """
    height, width = grid.tile
    weights = hann((height, width))
    sums, total = np.zeros((2, height, grid.token_columns), dtype=np.float32)

    def predicted() -> Iterator[tuple[_TileRow, FloatImage | None]]:
        for row in ahead(_tile_rows(rows, grid)):
            yield row, predict(row.before, row.after) if row.lefts else None

    for row, found in ahead(predicted()):
        top, done = row.top, row.height
        if found is not None:
            look(row.before, row.after)
            for left, logits in zip(row.lefts, grid.orientation.stored(found), strict=True):
                sums[:, left : left + width] += logits * weights
                total[:, left : left + width] += weights
        with np.errstate(invalid="ignore"):
            yield top, sums[:done] / total[:done]
        for plane in (sums, total):
            plane[: height - done] = plane[done:].copy()
            plane[height - done :] = 0.0


@dataclass(frozen=True)
class _TileRow:
    """A row of tiles, north up: float32 [tiles, channels, rows, columns] of each date. height: rows that no later tile reaches."""

    top: int
    height: int
    lefts: tuple[int, ...]
    before: FloatImage
    after: FloatImage


def _tile_rows(rows: Rows, grid: TileGrid) -> Iterator[_TileRow]:
    for top, following in zip(grid.row_starts, [*grid.row_starts[1:], grid.token_rows], strict=True):
        row = rows(*grid.vertical.span(top))
        lefts = tuple(left for left in grid.column_starts if row.valid[:, slice(*grid.horizontal.span(left))].any())
        before, after = (_tiles(each, grid, top, lefts) for each in (row.before, row.after))
        yield _TileRow(top, following - top, lefts, before, after)


def _tiles(row: FloatImage, grid: TileGrid, start: int, lefts: Sequence[int]) -> FloatImage:
    if not lefts:
        return np.zeros((0, len(row), *grid.tile), dtype=np.float32)
    return grid.orientation.northed(np.stack([_tile(row, grid, start, left) for left in lefts]))


def _tile(row: FloatImage, grid: TileGrid, start: int, column: int) -> FloatImage:
    """One tile of a row of them."""
    return mirrored_beyond(row[:, :, slice(*grid.horizontal.span(column))], grid, start, column)
