"""Scores of tokens, and the same brought back to the pixels of a scene, strip by strip."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.prepare.grid.tiles import TileGrid
from core.settings import settings
from core.types import FloatImage, Mask

STRIP_BYTES = 32 * 2**20
"""Largest strip of scores; strips of wide scenes have fewer rows than the settings say."""


@dataclass(frozen=True)
class TokenRows:
    """Finished rows of a scene's token lattice (core/prepare/grid/tiles.py); they come from top to bottom, each row once.

    top: the first token row. scene_top: the first scene row that belongs to them. valid: bool [scene rows, width], those rows' mask.
    share: float32 [rows, columns], how much of each token holds data; where it is 0 the other planes mean nothing.
    probabilities: float32 [labels, rows, columns], summing to 1 where share > 0, else 0: weighted means over the tiles of a cell.
    outside_score: float32 [rows, columns], weighted likewise; NaN where share is 0, and everywhere for a model without an OOD detector.
    features: float32 [width, rows, columns], the last hidden state of each token, weighted likewise; None where not asked for.
    is_unstable: bool [rows, columns], where two halves of the tiles put other labels first, or nearly so; None where nobody asked them.
    """

    top: int
    scene_top: int
    valid: Mask
    share: FloatImage
    probabilities: FloatImage
    outside_score: FloatImage
    features: FloatImage | None = None
    is_unstable: Mask | None = None


@dataclass(frozen=True)
class Strip:
    """Finished rows of pixels, on the scene's grid; they come from top to bottom, each row once.

    probabilities: float32 [labels, height, width], bilinear between tokens, summing to 1 where valid, 0 elsewhere.
    outside_score: float32 [height, width], of the token that the pixel lies in; NaN where not valid or where the model has no OOD detector.
    valid: bool [height, width]. features: float32 [features, height, width], bilinear between tokens, 0 where not valid.
    is_unstable: bool [height, width], of the cell that the pixel lies in; nowhere where not valid, or where the rows do not tell.
    """

    top: int
    probabilities: FloatImage
    outside_score: FloatImage
    valid: Mask
    is_unstable: Mask
    features: FloatImage | None = None

    @property
    def height(self) -> int:
        """Rows of the strip."""
        return len(self.valid)


def strips_of(rows: Iterable[TokenRows], grid: TileGrid, strip_rows: int | None = None) -> Generator[Strip, None, None]:
    """Token rows brought back to pixels, in strips of at most `strip_rows` rows (settings().strip_rows where None).

    Their height depends on the grid, on `strip_rows` and on the number of planes alone.
    """
    pixels: _Pixels | None = None
    for row in rows:
        pixels = pixels or _Pixels(grid, strip_rows or settings().strip_rows, row)
        pixels.add(row)
        yield from pixels.ready()


@dataclass(frozen=True)
class _Between:
    """Where pixels lie between tokens along one side: the token before, the token after, and the weight of the latter, in [0, 1]."""

    before: NDArray[np.intp]
    after: NDArray[np.intp]
    weight: NDArray[np.float32]

    @classmethod
    def of(cls, places: NDArray[np.float64], tokens: int) -> _Between:
        """places: in tokens, 0.0 the centre of the first; beyond the outermost centres the outermost token counts alone."""
        held = np.clip(places, 0.0, tokens - 1.0)
        before = np.minimum(held.astype(np.intp), max(tokens - 2, 0))
        return cls(before, np.minimum(before + 1, tokens - 1), (held - before).astype(np.float32))

    @property
    def nearest(self) -> NDArray[np.intp]:
        return np.where(self.weight < 0.5, self.before, self.after)


class _Pixels:
    """Holds the token rows that the next strip lies between."""

    def __init__(self, grid: TileGrid, strip_rows: int, first: TokenRows) -> None:
        self._grid = grid
        self._labels = len(first.probabilities)
        planes = self._labels + (0 if first.features is None else len(first.features))
        self._step = min(strip_rows, max(1, STRIP_BYTES // (4 * planes * grid.width)))
        self._columns = _Between.of(grid.horizontal.cell_of(np.arange(grid.width)), grid.token_columns)
        self._next = 0  # the first row of the next strip
        self._top = 0  # the first token row that is held
        self._planes = np.zeros((planes, 0, grid.token_columns), dtype=np.float32)  # probabilities and features, times the share
        self._share = np.zeros((0, grid.token_columns), dtype=np.float32)
        self._outside = np.zeros((0, grid.token_columns), dtype=np.float32)
        self._unstable = np.zeros((0, grid.token_columns), dtype=np.bool_)
        self._valid = np.zeros((0, grid.width), dtype=np.bool_)

    def add(self, row: TokenRows) -> None:
        planes = row.probabilities if row.features is None else np.concatenate([row.probabilities, row.features])
        self._planes = np.concatenate([self._planes, planes * row.share], axis=1)
        self._share = np.concatenate([self._share, row.share])
        self._outside = np.concatenate([self._outside, row.outside_score])
        unstable = np.zeros(row.share.shape, dtype=np.bool_) if row.is_unstable is None else row.is_unstable
        self._unstable = np.concatenate([self._unstable, unstable])
        self._valid = np.concatenate([self._valid, row.valid])

    def ready(self) -> Iterator[Strip]:
        """The strips that need no token row below those that are held."""
        while self._next < self._grid.height:
            bottom = min(self._next + self._step, self._grid.height)
            rows = _Between.of(self._grid.vertical.cell_of(np.arange(self._next, bottom)), self._grid.token_rows)
            if rows.after[-1] >= self._top + len(self._share):
                return
            yield self._strip(rows, bottom - self._next)
            self._next = bottom
            self._drop(int(rows.before[-1]))

    def _drop(self, first: int) -> None:
        """Token rows above `first` are needed no more."""
        above = first - self._top
        self._planes, self._share = self._planes[:, above:], self._share[above:]
        self._outside, self._unstable = self._outside[above:], self._unstable[above:]
        self._top = first

    def _strip(self, rows: _Between, height: int) -> Strip:
        held = _Between(rows.before - self._top, rows.after - self._top, rows.weight)
        valid, self._valid = self._valid[:height], self._valid[height:]
        planes = np.empty((len(self._planes), height, self._grid.width), dtype=np.float32)
        share = _interpolated(self._share, held, self._columns)
        divisor = np.where(valid, share, np.float32(np.inf))  # what is not valid becomes 0
        for place, plane in enumerate(self._planes):
            np.divide(_interpolated(plane, held, self._columns), divisor, out=planes[place])
        outside = self._outside[held.nearest][:, self._columns.nearest]
        return Strip(
            top=self._next,
            probabilities=planes[: self._labels],
            outside_score=np.where(valid, outside, np.float32(np.nan)),
            valid=valid,
            is_unstable=valid & self._unstable[held.nearest][:, self._columns.nearest],
            features=planes[self._labels :] if len(planes) > self._labels else None,
        )


def _interpolated(plane: FloatImage, rows: _Between, columns: _Between) -> FloatImage:
    """[token rows, token columns] -> [rows, columns] of pixels, bilinear."""
    tall = plane[rows.before] + (plane[rows.after] - plane[rows.before]) * rows.weight[:, np.newaxis]  # [rows, token columns]
    wide = np.take(tall, columns.before, axis=1)
    step = np.take(np.diff(tall, axis=1, append=tall[:, -1:]), columns.before, axis=1)
    step *= columns.weight
    wide += step
    return wide
