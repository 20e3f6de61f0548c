"""How a scene is cut into overlapping tiles: a lattice of tokens over the whole scene, at the ground scale of the model.

Tiles start at whole tokens, so the tokens of neighbouring tiles lie on one another and are blended token by token: the lattice is the
map, an eighth of its size a side, and only its finished rows are ever brought back to pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.prepare.grid.ground import MOST_ENLARGED
from core.prepare.scene_input import filled, pixels_a_model_pixel
from core.types import FloatImage, Preprocess, Scene

OVERLAP = 0.25
"""Share of a tile's side that it has in common with the next."""
SAME_SCALE = 0.05
"""Pixels within this share of the model's are read as they are: resampling would only blur them."""


@dataclass(frozen=True)
class TileGrid:
    """The lattice of one scene. Two scenes on one grid have equal lattices.

    width, height: pixels of the scene. columns, rows: the same ground in pixels of the model.
    across, down: scene pixels a model pixel. patch: (rows, columns) of a token in model pixels. tile: (rows, columns) of a tile in tokens.
    row_starts, column_starts: first token of each row and column of tiles. token_rows, token_columns: size of the lattice.
    """

    width: int
    height: int
    columns: int
    rows: int
    across: float
    down: float
    patch: tuple[int, int]
    tile: tuple[int, int]
    row_starts: tuple[int, ...]
    column_starts: tuple[int, ...]
    token_rows: int
    token_columns: int

    @property
    def tiles(self) -> int:
        """How many tiles there are."""
        return len(self.row_starts) * len(self.column_starts)

    def token_row_of(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Where the centres of scene rows lie between token rows, float64: 0.0 is the centre of the first token, 1.0 of the second."""
        return np.asarray((rows + 0.5) / self.down / self.patch[0] - 0.5)

    def token_column_of(self, columns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Where the centres of scene columns lie between token columns."""
        return np.asarray((columns + 0.5) / self.across / self.patch[1] - 0.5)

    def scene_rows_above(self, token_row: int) -> int:
        """How many scene rows have their centre above the upper edge of a token row; all of them for the row below the last."""
        if token_row >= self.token_rows:
            return self.height
        return min(self.height, max(0, math.ceil(token_row * self.patch[0] * self.down - 0.5)))


def tile_grid(scene: Scene, preprocess: Preprocess, patch: tuple[int, int], same_scale: float = SAME_SCALE) -> TileGrid:
    """The lattice of a scene for a model that reads tiles of preprocess.size in patches of `patch`, (rows, columns) of its own pixels.

    same_scale: pixels within this share of the model's are read as they are.
    Pixels more than MOST_ENLARGED times coarser than the model's are outside what it knows. They are read as they are: enlarging them would
    cost a multiple of the time and show the model nothing.
    """
    across, down = pixels_a_model_pixel(scene, preprocess)
    if min(across, down) * MOST_ENLARGED < 1.0:
        across, down = 1.0, 1.0
    rows, down = _fitted(scene.height, down, same_scale)
    columns, across = _fitted(scene.width, across, same_scale)
    whole = grid_of_pixels((rows, columns), preprocess.size, patch)
    return replace(whole, width=scene.width, height=scene.height, across=across, down=down)


def grid_of_pixels(shape: tuple[int, int], size: tuple[int, int], patch: tuple[int, int]) -> TileGrid:
    """The lattice of (rows, columns) pixels that are at the model's scale already. size: (rows, columns) of a tile in pixels."""
    rows, columns = shape
    tile = (size[0] // patch[0], size[1] // patch[1])
    token_rows = max(tile[0], math.ceil(rows / patch[0]))
    token_columns = max(tile[1], math.ceil(columns / patch[1]))
    return TileGrid(
        width=columns,
        height=rows,
        columns=columns,
        rows=rows,
        across=1.0,
        down=1.0,
        patch=patch,
        tile=tile,
        row_starts=_starts(token_rows, tile[0]),
        column_starts=_starts(token_columns, tile[1]),
        token_rows=token_rows,
        token_columns=token_columns,
    )


def hann(tokens: tuple[int, int]) -> FloatImage:
    """Weights of the tokens of a tile, float32 [rows, columns], largest in its middle, where a token sees most around itself.

    Sampled at the centres of tokens, so that none is zero and the edge of the scene has weights too.
    """
    rows, columns = (np.sin(np.pi * (np.arange(count) + 0.5) / count) ** 2 for count in tokens)
    return np.asarray(np.outer(rows, columns), dtype=np.float32)


def cut_tiles(values: FloatImage, share: FloatImage, grid: TileGrid) -> tuple[list[int], FloatImage, NDArray[np.float32]]:
    """The tiles of one row of tiles that hold data.

    values: float32 [channels, rows, columns] at the model's scale, as tall as a tile or cut off by the end of the scene.
    share: float32 [rows, columns], share of each pixel that holds data. What lies past the end of the scene mirrors what lies before it;
    pixels without data take the mean of their tile, so that they do not look like dark water.
    Returns first token columns; tiles, float32 [tiles, channels, tile rows, tile columns]; and the share of each that holds data.
    """
    past = (
        (0, grid.tile[0] * grid.patch[0] - values.shape[1]),
        (0, grid.token_columns * grid.patch[1] - values.shape[2]),
    )
    padded = np.pad(values, ((0, 0), *past), mode="symmetric")
    known = np.pad(share, past, mode="symmetric")
    width = grid.tile[1] * grid.patch[1]
    starts, tiles, shares = [], [], []
    for start in grid.column_starts:
        left = start * grid.patch[1]
        tile_share = known[:, left : left + width]
        if not tile_share.any():
            continue
        starts.append(start)
        tiles.append(filled(padded[:, :, left : left + width], tile_share > 0))
        shares.append(tile_share.mean())
    stacked = np.stack(tiles) if tiles else np.zeros((0, len(values), padded.shape[1], width), dtype=np.float32)
    return starts, stacked, np.asarray(shares, dtype=np.float32)


def token_shares(share: FloatImage, grid: TileGrid) -> FloatImage:
    """The share of each token that holds data: share float32 [rows, columns] at the model's scale -> float32 [token rows, token columns].

    rows: those of a row of tiles, or fewer at the end of the scene, where the rest of the tokens counts as without data.
    """
    height, width = grid.patch
    tall = np.zeros((grid.tile[0] * height, grid.token_columns * width), dtype=np.float32)
    tall[: share.shape[0], : share.shape[1]] = share
    return np.asarray(tall.reshape(grid.tile[0], height, grid.token_columns, width).mean(axis=(1, 3)), dtype=np.float32)


def _fitted(length: int, scale: float, same_scale: float) -> tuple[int, float]:
    """(model pixels, scene pixels a model pixel) that fill `length` scene pixels exactly."""
    if abs(scale - 1.0) <= same_scale:
        return length, 1.0
    count = max(1, round(length / scale))
    return count, length / count


def _starts(tokens: int, tile: int) -> tuple[int, ...]:
    """First tokens of tiles along one side; the last tile is moved back to end with the lattice."""
    step = max(1, tile - round(tile * OVERLAP))
    return (*range(0, tokens - tile, step), tokens - tile)
