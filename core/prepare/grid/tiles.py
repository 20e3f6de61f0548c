"""How a scene is cut into overlapping tiles: a lattice of cells over the whole scene, at the ground scale of the model.

Tiles start at whole cells, so the cells of neighbouring tiles lie on one another and are blended cell by cell: the lattice is the map, a
fraction of its size a side, and only its finished rows are ever brought back to pixels. It is fixed to the map, not to the scene
(lattice.py), and so are the directions in which the network sees a tile.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from core.prepare.grid.ground import MOST_ENLARGED, lattice_metres
from core.prepare.grid.lattice import NORTH_UP, TILE_VIEWS, Cutting, LatticeAxis, Orientation, fitted, orientation_of, origins, side
from core.prepare.scene_input import filled
from core.types import FloatImage, Preprocess, Scene

OVERLAP = 0.4375
"""Share of a tile's side that it has in common with the next: every place lies in two tiles a side, or nearly (benchmarks/RESULTS.md)."""
PIXEL_OVERLAP = 0.25
"""The same where the network speaks for pixels."""
CELLS_A_TOKEN = 2
"""Cells of the lattice along a token: neighbouring tiles have their tokens half a token apart."""
SPREAD = 0.75
"""Standard deviation, in tokens, of the bell by which what is said of tokens reaches cells."""
SAME_SCALE = 0.05
"""Pixels within this share of the model's are read as they are: resampling would only blur them."""


@dataclass(frozen=True)
class TileGrid:
    """The lattice of one scene. Two scenes on one grid have equal lattices.

    vertical, horizontal: along its rows and its columns. orientation: how it is stored, against a scene that is stored north-up.
    """

    vertical: LatticeAxis
    horizontal: LatticeAxis
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

    def view(self, row: int, column: int) -> Orientation:
        """As which of TILE_VIEWS the network sees a tile, by its places among the starts: of any two by two, one by each quarter turn."""
        if self.vertical.cutting != self.horizontal.cutting:
            return NORTH_UP
        how = self.orientation
        down = self.vertical.number(row, is_mirrored=how.rows_mirrored)
        across = self.horizontal.number(column, is_mirrored=how.columns_mirrored)
        if how.is_transposed:
            down, across = across, down
        return TILE_VIEWS[(across + 2 * down) % 4 + 4 * ((across // 2 + down // 2) % 2)]

    def is_even(self, row: int, column: int) -> bool:
        """Which half of the lattice a tile belongs to; its neighbours belong to the other."""
        return (self.vertical.first_tile + row + self.horizontal.first_tile + column) % 2 == 0

    def scene_rows_above(self, token_row: int) -> int:
        """How many scene rows have their centre above the upper edge of a row of cells; all of them for the row below the last."""
        return self.vertical.pixels_before(token_row)


def tile_grid(scene: Scene, preprocess: Preprocess, patch: tuple[int, int]) -> TileGrid:
    """The lattice of a scene for a model that reads tiles of preprocess.size in tokens of `patch`, (rows, columns) of its own pixels.

    Pixels more than MOST_ENLARGED times coarser than the model's are outside what it knows. They are read as they are: enlarging them would
    cost a multiple of the time and show the model nothing.
    """
    vertical, horizontal = (_in_tokens(length, token) for length, token in zip(preprocess.size, patch, strict=True))
    return _laid_over(scene, preprocess, (vertical, horizontal), SAME_SCALE)


def tile_grid_in_pixels(scene: Scene, preprocess: Preprocess, same_scale: float) -> TileGrid:
    """The same for a model that speaks for pixels. same_scale: pixels within this share of the model's are read as they are."""
    return _laid_over(scene, preprocess, _in_pixels(preprocess.size), same_scale)


def grid_of_pixels(shape: tuple[int, int], size: tuple[int, int]) -> TileGrid:
    """The lattice of (rows, columns) pixels that are at the model's scale already and have no place; it ends with them.

    size: (rows, columns) of a tile in pixels, for which the model speaks one by one.
    """
    vertical, horizontal = _in_pixels(size)
    return TileGrid(fitted(shape[0], vertical), fitted(shape[1], horizontal))


def _laid_over(scene: Scene, preprocess: Preprocess, cuttings: tuple[Cutting, Cutting], same_scale: float) -> TileGrid:
    across, down = (1.0 if abs(scale - 1.0) <= same_scale else scale for scale in _scales(scene, preprocess))
    (row, column), (vertical, horizontal) = origins(scene), cuttings
    stored = orientation_of(scene) if vertical == horizontal else NORTH_UP  # oblong tiles cannot be turned
    return TileGrid(
        side(scene.height, row, down, vertical, is_mirrored=stored.rows_mirrored),
        side(scene.width, column, across, horizontal, is_mirrored=stored.columns_mirrored),
        stored,
    )


def _in_tokens(length: int, token: int) -> Cutting:
    """Steps are odd numbers of cells, so that the tokens of neighbouring tiles lie between each other."""
    cell = token // CELLS_A_TOKEN if token % CELLS_A_TOKEN == 0 else token
    tile = length // token * token
    wanted = (1.0 - OVERLAP) * tile / cell
    return Cutting(cell, tile, min(tile, (2 * int(wanted / 2) + 1) * cell))


def _in_pixels(size: tuple[int, int]) -> tuple[Cutting, Cutting]:
    rows, columns = (Cutting(1, length, max(1, round(length * (1.0 - PIXEL_OVERLAP)))) for length in size)
    return rows, columns


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


def arch(cells: tuple[int, int]) -> FloatImage:
    """The same for tiles that overlap by nearly half: less pointed, so that more tiles have a say at each place."""
    rows, columns = (np.sin(np.pi * (np.arange(count) + 0.5) / count) for count in cells)
    return np.asarray(np.outer(rows, columns), dtype=np.float32)


def spread(tokens: FloatImage, cells: tuple[int, int]) -> FloatImage:
    """What is said of tokens brought to the cells of their tile: [..., rows, columns] -> [..., *cells].

    Means of the tokens by a bell of SPREAD, so that the classes of a map change where the ground does, and not where tokens meet.
    """
    down, across = (_bell(count, length) for count, length in zip(cells, tokens.shape[-2:], strict=True))
    return np.asarray(down @ tokens @ across.T, dtype=np.float32)


@cache
def _bell(cells: int, tokens: int) -> FloatImage:
    """float32 [cells, tokens], rows that sum to 1."""
    places = (np.arange(cells) + 0.5) * tokens / cells - 0.5
    weights = np.exp(-0.5 * ((places[:, np.newaxis] - np.arange(tokens)) / SPREAD) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def cut_tiles(values: FloatImage, share: FloatImage, grid: TileGrid, start: int) -> tuple[list[int], FloatImage, NDArray[np.float32]]:
    """The tiles of one row of tiles that hold data, north up.

    start: first cell of that row. values: float32 [channels, rows, columns], the scene's part of it at the model's scale.
    share: float32 [rows, columns], share of each pixel that holds data. What lies beyond the scene mirrors what the tile holds of it, and
    counts as without data; pixels without data take the mean of their tile, so that they do not look like dark water.
    Returns places among the columns of tiles; tiles, float32 [tiles, channels, tile rows, tile columns]; the share of each that holds data.
    """
    height, width = grid.vertical.cutting.tile, grid.horizontal.cutting.tile
    places, tiles, shares = [], [], []
    for place, column in enumerate(grid.column_starts):
        held = share[:, slice(*grid.horizontal.span(column))]
        if not held.any():
            continue
        seen = mirrored_beyond(values[:, :, slice(*grid.horizontal.span(column))], grid, start, column)
        places.append(place)
        tiles.append(grid.orientation.northed(filled(seen, mirrored_beyond(held, grid, start, column) > 0)))
        shares.append(held.sum(dtype=np.float64) / (height * width))
    stacked = np.stack(tiles) if tiles else np.zeros((0, len(values), height, width), dtype=np.float32)
    return places, stacked, np.asarray(shares, dtype=np.float32)


def mirrored_beyond(values: FloatImage, grid: TileGrid, start: int, column: int) -> FloatImage:
    """The scene's part of a tile, [..., rows, columns], made whole by its mirror images. start, column: the tile's first cell."""
    around = grid.vertical.beyond(start), grid.horizontal.beyond(column)
    if not any(map(any, around)):  # most tiles: np.pad takes longer over nothing than all the rest
        return values
    return np.pad(values, [*[(0, 0)] * (values.ndim - 2), *around], mode="symmetric")


def cell_shares(share: FloatImage, grid: TileGrid, start: int) -> FloatImage:
    """The share of each cell that holds data: share of `cut_tiles` -> float32 [cell rows of a tile, cell columns of the lattice]."""
    height, width = grid.patch
    whole = np.pad(share, (grid.vertical.beyond(start), grid.horizontal.around))
    return np.asarray(whole.reshape(grid.tile[0], height, grid.token_columns, width).mean(axis=(1, 3)), dtype=np.float32)
