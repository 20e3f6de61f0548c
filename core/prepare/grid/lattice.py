"""Where tiles lie along one side of a scene: on a lattice that is fixed in the coordinates of its map.

Tiles and tokens begin at whole multiples of their size from the origin of the coordinate system, and so do the model's pixels where a scene
is resampled. So two cuts of one grid have the same tiles where they overlap, and a scene that is stored upside down or turned by quarter
turns has those of the same scene stored north-up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.types import Scene

_ALMOST = 1e-6
"""Model pixels within which two edges are one: what floating point leaves of whole numbers."""
_ROUNDING = 0.317
"""Where whole pixels are counted from, in pixels past an edge of the lattice: at none of the places that grids are drawn at."""


@dataclass(frozen=True)
class Cutting:
    """How one side is cut, in model pixels: cells of the map, tiles of whole cells, and steps of whole cells between tiles."""

    cell: int
    tile: int
    step: int


@dataclass(frozen=True)
class LatticeAxis:
    """The lattice along the rows or the columns of a scene.

    length: scene pixels. scale: scene pixels a model pixel. count: model pixels that touch the scene. phase: scene pixels by which the
    first of these begins before the scene. before: model pixels of the lattice before that one. first_tile: its number on the map, in steps
    from the origin, along the direction of the scene's pixels. starts: first cell of each tile. cells: of the whole lattice.
    """

    length: int
    scale: float
    count: int
    phase: float
    before: int
    cutting: Cutting
    first_tile: int
    starts: tuple[int, ...]
    cells: int

    def cell_of(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Where the centres of scene pixels lie between cells, float64: 0.0 is the centre of the first cell, 1.0 of the second."""
        return np.asarray((((places + 0.5) + self.phase) / self.scale + self.before) / self.cutting.cell - 0.5)

    def pixels_before(self, cell: int) -> int:
        """How many scene pixels have their centre before the near edge of a cell; all of them for the cell after the last."""
        if cell >= self.cells:
            return self.length
        edge = (cell * self.cutting.cell - self.before) * self.scale - self.phase
        return min(self.length, max(0, math.ceil(edge - 0.5)))

    def span(self, start: int) -> tuple[int, int]:
        """Model pixels [first, last) of the scene in the tile that starts at a cell; the rest of the tile lies beyond the scene."""
        first = start * self.cutting.cell - self.before
        return max(0, first), min(self.count, first + self.cutting.tile)

    def beyond(self, start: int) -> tuple[int, int]:
        """How many model pixels of that tile lie beyond the scene, before it and after it."""
        (first, last), wanted = self.span(start), start * self.cutting.cell - self.before
        return first - wanted, wanted + self.cutting.tile - last

    def number(self, place: int, *, is_mirrored: bool) -> int:
        """The number of a tile on the map, along x or against y, by its place among the starts."""
        return -(self.first_tile + place) if is_mirrored else self.first_tile + place

    @property
    def around(self) -> tuple[int, int]:
        """Model pixels of the whole lattice that lie beyond the scene, before it and after it."""
        return self.before, self.cells * self.cutting.cell - self.before - self.count

    @property
    def mirrored(self) -> LatticeAxis:
        """The same places, counted from the other end."""
        tiles = self.cutting.tile // self.cutting.cell
        return replace(
            self,
            phase=self.count * self.scale - self.phase - self.length,
            before=self.around[1],
            first_tile=-(self.first_tile + len(self.starts) - 1),
            starts=tuple(self.cells - tiles - start for start in reversed(self.starts)),
        )


def anchored(length: int, origin: float, scale: float, cutting: Cutting) -> LatticeAxis:
    """The lattice along a side. origin: where its first pixel begins, in scene pixels from the origin of the map.

    Of the tiles that reach past an end, the one that reaches least far is kept, since every pixel needs one.
    """
    if scale == 1.0:
        origin = float(math.floor(origin + _ROUNDING))
    first = math.floor(origin / scale + _ALMOST)
    count = max(1, math.ceil((origin + length) / scale - _ALMOST) - first)
    start = first // cutting.step
    stop = max(start, -((cutting.tile - first - count) // cutting.step))
    starts = tuple(tile * cutting.step // cutting.cell for tile in range(stop - start + 1))
    return LatticeAxis(
        length=length,
        scale=scale,
        count=count,
        phase=origin - first * scale,
        before=first - start * cutting.step,
        cutting=cutting,
        first_tile=start,
        starts=starts,
        cells=starts[-1] + cutting.tile // cutting.cell,
    )


def fitted(length: int, cutting: Cutting) -> LatticeAxis:
    """The lattice along a side of pixels without a place, at the model's scale: it begins with them, and its last tile ends with them."""
    tile = cutting.tile // cutting.cell
    cells = max(tile, math.ceil(length / cutting.cell))
    starts = (*range(0, cells - tile, cutting.step // cutting.cell), cells - tile)
    return LatticeAxis(length, 1.0, length, 0.0, 0, cutting, 0, starts, cells)


@dataclass(frozen=True)
class Orientation:
    """How a scene is stored, against one that is stored north-up: its own rows and columns mirrored, then both exchanged.

    is_transposed: whether rows run along x. rows_mirrored, columns_mirrored: whether rows or columns run against the map, on which x grows
    and y falls.
    """

    is_transposed: bool = False
    rows_mirrored: bool = False
    columns_mirrored: bool = False

    def northed(self, tiles: NDArray[np.float32]) -> NDArray[np.float32]:
        """Tiles [..., rows, columns] of the scene as they lie on the map, north up."""
        mirrored = tiles[..., :: -1 if self.rows_mirrored else 1, :: -1 if self.columns_mirrored else 1]
        return mirrored.swapaxes(-2, -1) if self.is_transposed else mirrored

    def stored(self, tiles: NDArray[np.float32]) -> NDArray[np.float32]:
        """The other way round."""
        turned = tiles.swapaxes(-2, -1) if self.is_transposed else tiles
        return turned[..., :: -1 if self.rows_mirrored else 1, :: -1 if self.columns_mirrored else 1]


NORTH_UP = Orientation()
TILE_VIEWS = (
    NORTH_UP,
    Orientation(is_transposed=True, rows_mirrored=True),
    Orientation(rows_mirrored=True, columns_mirrored=True),
    Orientation(is_transposed=True, columns_mirrored=True),
    Orientation(columns_mirrored=True),
    Orientation(is_transposed=True),
    Orientation(rows_mirrored=True),
    Orientation(is_transposed=True, rows_mirrored=True, columns_mirrored=True),
)
"""The quarter turns, and their mirror images."""


def orientation_of(scene: Scene) -> Orientation:
    """How a scene is stored, to the nearest quarter turn; as it is where it has no place."""
    if scene.crs is None:
        return NORTH_UP
    t = scene.transform
    if abs(t.a) + abs(t.e) >= abs(t.b) + abs(t.d):
        return Orientation(rows_mirrored=t.e > 0, columns_mirrored=t.a < 0)
    return Orientation(is_transposed=True, rows_mirrored=t.b < 0, columns_mirrored=t.d > 0)


def origins(scene: Scene) -> tuple[float, float]:
    """(rows, columns): where the first row and column begin, in pixels of the scene from the origin of its map; 0 without a place."""
    if scene.crs is None:
        return 0.0, 0.0
    column, row = ~scene.transform @ (0.0, 0.0)
    return -row, -column


def side(length: int, origin: float, scale: float, cutting: Cutting, *, is_mirrored: bool) -> LatticeAxis:
    """The lattice along a side of a scene. is_mirrored: whether it runs against the map, whose tiles it has all the same."""
    if is_mirrored:
        return anchored(length, -(origin + length), scale, cutting).mirrored
    return anchored(length, origin, scale, cutting)
