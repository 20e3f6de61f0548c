"""How a scene is cut into overlapping tiles: a lattice of cells over the whole scene, at the ground scale of the model.

Tiles start at whole cells, so the cells of neighbouring tiles lie on one another and are blended cell by cell: the lattice is the map, a
fraction of its size a side, and only its finished rows are ever brought back to pixels. It is fixed to the map, not to the scene
(lattice.py), and so are the directions in which the network sees a tile.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.prepare.grid.ground import MOST_ENLARGED, lattice_metres
from core.prepare.grid.lattice import NORTH_UP, Cutting, Orientation, Side, fitted, orientation, origins, side
from core.prepare.scene_input import filled
from core.types import FloatImage, Preprocess, Scene

OVERLAP = 0.25
"""Share of a tile's side that it has in common with the next."""
SAME_SCALE = 0.05
"""Pixels within this share of the model's are read as they are: resampling would only blur them."""


@dataclass(frozen=True)
class TileGrid:
    """The lattice of one scene. Two scenes on one grid have equal lattices.

    vertical, horizontal: along its rows and its columns. orientation: how it is stored, against a scene that is stored north-up.
    """

    vertical: Side
    horizontal: Side
    orientation: Orientation = NORTH_UP

    @property
    def height(self) -> int:
        """Rows of the scene."""
        return self.vertical.length

    @property
    def width(self) -> int:
        """Columns of the scene."""
        return self.horizontal.length

    @property
    def rows(self) -> int:
        """Rows of the scene at the model's scale."""
        return self.vertical.count

    @property
    def columns(self) -> int:
        """Columns of the scene at the model's scale."""
        return self.horizontal.count

    @property
    def patch(self) -> tuple[int, int]:
        """(rows, columns) of a cell in model pixels."""
        return self.vertical.cutting.cell, self.horizontal.cutting.cell

    @property
    def tile(self) -> tuple[int, int]:
        """(rows, columns) of a tile in cells."""
        vertical, horizontal = self.vertical.cutting, self.horizontal.cutting
        return vertical.tile // vertical.cell, horizontal.tile // horizontal.cell

    @property
    def row_starts(self) -> tuple[int, ...]:
        """First cell of each row of tiles."""
        return self.vertical.starts

    @property
    def column_starts(self) -> tuple[int, ...]:
        """First cell of each column of tiles."""
        return self.horizontal.starts

    @property
    def token_rows(self) -> int:
        """Rows of cells."""
        return self.vertical.cells

    @property
    def token_columns(self) -> int:
        """Columns of cells."""
        return self.horizontal.cells

    @property
    def tiles(self) -> int:
        """How many tiles there are."""
        return len(self.row_starts) * len(self.column_starts)

    def scene_rows_above(self, token_row: int) -> int:
        """How many scene rows have their centre above the upper edge of a row of cells; all of them for the row below the last."""
        return self.vertical.pixels_before(token_row)


def tile_grid(scene: Scene, preprocess: Preprocess, patch: tuple[int, int], same_scale: float = SAME_SCALE) -> TileGrid:
    """The lattice of a scene for a model that reads tiles of preprocess.size in patches of `patch`, (rows, columns) of its own pixels.

    same_scale: pixels within this share of the model's are read as they are.
    Pixels more than MOST_ENLARGED times coarser than the model's are outside what it knows. They are read as they are: enlarging them would
    cost a multiple of the time and show the model nothing.
    """
    across, down = (1.0 if abs(scale - 1.0) <= same_scale else scale for scale in _scales(scene, preprocess))
    stored, (row, column) = orientation(scene), origins(scene)
    if preprocess.size[0] != preprocess.size[1] or patch[0] != patch[1]:
        stored = NORTH_UP  # oblong tiles cannot be turned
    vertical, horizontal = _cuttings(preprocess.size, patch)
    return TileGrid(
        side(scene.height, row, down, vertical, is_mirrored=stored.rows_mirrored),
        side(scene.width, column, across, horizontal, is_mirrored=stored.columns_mirrored),
        stored,
    )


def grid_of_pixels(shape: tuple[int, int], size: tuple[int, int], patch: tuple[int, int]) -> TileGrid:
    """The lattice of (rows, columns) pixels that are at the model's scale already and have no place; it ends with them.

    size: (rows, columns) of a tile in pixels.
    """
    vertical, horizontal = _cuttings(size, patch)
    return TileGrid(fitted(shape[0], vertical), fitted(shape[1], horizontal))


def _cuttings(size: tuple[int, int], patch: tuple[int, int]) -> tuple[Cutting, Cutting]:
    """Of rows and columns."""
    vertical, horizontal = (
        Cutting(cell, length // cell * cell, max(1, round(length // cell * (1.0 - OVERLAP))) * cell)
        for length, cell in zip(size, patch, strict=True)
    )
    return vertical, horizontal


def _scales(scene: Scene, preprocess: Preprocess) -> tuple[float, float]:
    """(across, down): pixels of the scene that one pixel of the model covers; 1.0 where the scene does not tell, or is too coarse."""
    metres, gsd = lattice_metres(scene), preprocess.ground_sample_distance_m
    if metres is None or gsd is None or max(metres) > MOST_ENLARGED * gsd:
        return 1.0, 1.0
    return gsd / metres[0], gsd / metres[1]


def hann(tokens: tuple[int, int]) -> FloatImage:
    """Weights of the tokens of a tile, float32 [rows, columns], largest in its middle, where a token sees most around itself.

    Sampled at the centres of tokens, so that none is zero and the edge of the scene has weights too.
    """
    rows, columns = (np.sin(np.pi * (np.arange(count) + 0.5) / count) ** 2 for count in tokens)
    return np.asarray(np.outer(rows, columns), dtype=np.float32)


def cut_tiles(values: FloatImage, share: FloatImage, grid: TileGrid, start: int) -> tuple[list[int], FloatImage, NDArray[np.float32]]:
    """The tiles of one row of tiles that hold data, north up.

    start: first cell of that row. values: float32 [channels, rows, columns], the scene's part of it at the model's scale.
    share: float32 [rows, columns], share of each pixel that holds data. What lies beyond the scene mirrors what the tile holds of it, and
    counts as without data; pixels without data take the mean of their tile, so that they do not look like dark water.
    Returns first columns of cells; tiles, float32 [tiles, channels, tile rows, tile columns]; and the share of each that holds data.
    """
    height, width = grid.vertical.cutting.tile, grid.horizontal.cutting.tile
    starts, tiles, shares = [], [], []
    for column in grid.column_starts:
        held = share[:, slice(*grid.horizontal.span(column))]
        if not held.any():
            continue
        seen = mirrored_beyond(values[:, :, slice(*grid.horizontal.span(column))], grid, start, column)
        starts.append(column)
        tiles.append(grid.orientation.northed(filled(seen, mirrored_beyond(held, grid, start, column) > 0)))
        shares.append(held.sum(dtype=np.float64) / (height * width))
    stacked = np.stack(tiles) if tiles else np.zeros((0, len(values), height, width), dtype=np.float32)
    return starts, stacked, np.asarray(shares, dtype=np.float32)


def mirrored_beyond(values: FloatImage, grid: TileGrid, start: int, column: int) -> FloatImage:
    """The scene's part of a tile, [..., rows, columns], made whole by its mirror images. start, column: the tile's first cell."""
    around = [(0, 0)] * (values.ndim - 2)
    return np.pad(values, [*around, grid.vertical.beyond(start), grid.horizontal.beyond(column)], mode="symmetric")


def cell_shares(share: FloatImage, grid: TileGrid, start: int) -> FloatImage:
    """The share of each cell that holds data: share of `cut_tiles` -> float32 [cell rows of a tile, cell columns of the lattice]."""
    height, width = grid.patch
    whole = np.pad(share, (grid.vertical.beyond(start), grid.horizontal.around))
    return np.asarray(whole.reshape(grid.tile[0], height, grid.token_columns, width).mean(axis=(1, 3)), dtype=np.float32)
