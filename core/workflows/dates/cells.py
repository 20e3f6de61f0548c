"""A date read once from top to bottom: means of squares of pixels (cells), of zones, and the area where an index is above a threshold.

Only these means are kept of a date, so that memory grows neither with a scene nor with the number of dates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.areas.pixels import row_hectares
from core.areas.zonal_counts import MeansByZone
from core.areas.zones import Zone
from core.prepare.grid.bands import read_window
from core.prepare.indices import Index
from core.types import FloatImage, Scene
from core.workflows.dates.placed import PlacedDate

MOST_CELLS = 20_000
"""Places that are tested for breaks; each is a square of pixels, so that a large scene has no more of them than a small one."""
DATE_STRIP_VALUES = 2_000_000
USUAL_THRESHOLDS = {"ndvi": 0.3, "ndwi": 0.0, "ndbi": 0.0, "nbr": 0.1}
"""An index above counts as what it shows: vegetation, water (McFeeters 1996), built-up land (Zha 2003), unburnt vegetation."""


@dataclass(frozen=True)
class CellGrid:
    """Squares of `side` pixels over a scene."""

    side: int
    rows: int
    columns: int

    @property
    def count(self) -> int:
        """How many there are."""
        return self.rows * self.columns


@dataclass(frozen=True)
class DateReading:
    """What one date holds. cells: float64 [cells], mean of the first index, NaN without data on at least half.

    zones: float64 [zones, bands and indices], NaN without data; zone_shares: of each zone, the share with data.
    hectares: where each index is above its threshold. valid_share: of the pixels of the grid.
    """

    cells: NDArray[np.float64]
    zones: NDArray[np.float64]
    zone_shares: NDArray[np.float64]
    hectares: tuple[float, ...]
    valid_share: float


def cell_grid(scene: Scene) -> CellGrid:
    """Cells as small as MOST_CELLS allow."""
    side = max(1, math.ceil(math.sqrt(scene.width * scene.height / MOST_CELLS)))
    while (grid := CellGrid(side, -(-scene.height // side), -(-scene.width // side))).count > MOST_CELLS:
        side += 1
    return grid


def read_date(
    date: PlacedDate,
    bands: Sequence[str],
    indices: Sequence[Index],
    thresholds: Sequence[float],
    grid: CellGrid,
    zones: Sequence[Zone],
    first: Scene,
    step: Callable[[int], None],
) -> DateReading:
    """indices: the first is that of the cells. zones: in the CRS of the grid, which is that of `first`.
    step: told of rows; what it raises ends the work. Raises UnreadableFile.
    """
    scene, lines = date.scene, max(1, DATE_STRIP_VALUES // (date.scene.width * (len(bands) + len(indices))))
    hectares = row_hectares(first.crs, first.transform, first.width, first.height)
    sums, counts = np.zeros(grid.count), np.zeros(grid.count)
    by_zone = MeansByZone(zones, len(bands) + len(indices), first.transform)
    above, valid_pixels = np.zeros(len(indices)), 0
    for top in range(0, scene.height, lines):
        rows = min(lines, scene.height - top)
        values, valid = read_window(scene, date.bands, (0, top, scene.width, rows))
        planes = np.concatenate([values, _indices_of(values, bands, indices)])
        by_zone.add(top, planes, valid)
        area = hectares(top, rows)
        for place, threshold in enumerate(thresholds):
            above[place] += float(area[valid & (planes[len(bands) + place] > threshold)].sum())
        _add_cells(planes[len(bands)] if indices else planes[0], valid, top, grid, sums, counts)
        valid_pixels += int(valid.sum())
        step(rows)
    is_held = counts >= 0.5 * _pixels_of_cells(grid, scene)
    cells = np.where(is_held, sums / np.maximum(counts, 1), np.nan)
    shares = by_zone.weights / np.maximum(by_zone.touched, 1e-9)
    return DateReading(cells, by_zone.means(), shares, tuple(above.tolist()), valid_pixels / (scene.width * scene.height))


def _indices_of(values: FloatImage, bands: Sequence[str], indices: Sequence[Index]) -> FloatImage:
    """float32 [indices, rows, columns]."""
    made = [index.of(*(values[bands.index(colour)] for colour in index.colours)) for index in indices]
    return np.stack(made) if made else np.zeros((0, *values.shape[1:]), dtype=np.float32)


def _add_cells(
    values: FloatImage, valid: NDArray[np.bool_], top: int, grid: CellGrid, sums: NDArray[np.float64], counts: NDArray[np.float64]
) -> None:
    rows, columns = np.nonzero(valid)
    cell = (rows + top) // grid.side * grid.columns + columns // grid.side
    sums += np.bincount(cell, weights=values[rows, columns], minlength=grid.count)
    counts += np.bincount(cell, minlength=grid.count)


def _pixels_of_cells(grid: CellGrid, scene: Scene) -> NDArray[np.float64]:
    """Pixels of each cell; those at the right and the lower edge may have fewer."""
    down = np.minimum(grid.side, scene.height - np.arange(grid.rows) * grid.side)
    across = np.minimum(grid.side, scene.width - np.arange(grid.columns) * grid.side)
    return np.asarray(np.outer(down, across).ravel(), dtype=np.float64)
