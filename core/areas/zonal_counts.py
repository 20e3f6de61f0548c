"""Pixels and hectares of each class, in all and by zone, counted strip by strip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import geometry_mask
from rasterio.transform import Affine
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from core.areas.pixels import moved
from core.areas.zones import Zone
from core.types import ClassArea, FloatImage, Mask

_ROWS_UP = Affine.scale(1.0, -1.0)
"""exactextract has its rows from south to north; those of a raster go down."""


class ZonalCounts:
    """What has been counted so far.

    pixels: float64 [classes], whole numbers unless pixels were counted in parts. hectares: float64 [classes].
    """

    def __init__(self, classes: int) -> None:
        self.pixels = np.zeros(classes, dtype=np.float64)
        self.hectares = np.zeros(classes, dtype=np.float64)

    def add(self, values: NDArray[np.integer], hectares: NDArray[np.float64], shares: NDArray[np.float64] | None = None) -> None:
        """values: class of each pixel, any shape; those that are no class (nodata) are not counted. hectares: of each pixel, that shape.

        shares: how much of each pixel counts, 0 to 1; all of it by default.
        """
        is_counted = (values >= 0) & (values < len(self.pixels))
        counted, area, size = values[is_counted].astype(np.intp), hectares[is_counted], len(self.pixels)
        if shares is None:
            self.pixels += np.bincount(counted, minlength=size)
            self.hectares += np.bincount(counted, weights=area, minlength=size)
            return
        part = shares[is_counted]
        self.pixels += np.bincount(counted, weights=part, minlength=size)
        self.hectares += np.bincount(counted, weights=area * part, minlength=size)

    def areas(self, labels: Sequence[str]) -> tuple[ClassArea, ...]:
        """One for each label, in their order, those without a pixel included."""
        total = float(self.hectares.sum())
        return tuple(
            ClassArea(label, round(pixels), float(hectares), float(hectares) / total if total else 0.0)
            for label, pixels, hectares in zip(labels, self.pixels.tolist(), self.hectares, strict=True)
        )


class CountsByZone:
    """Pixels and hectares of each class in each zone, counted strip by strip. A pixel at the edge counts by the share of it that is inside.

    Baston 2025, exactextract: the share of each pixel that a polygon covers, exactly.
    """

    def __init__(self, zones: Sequence[Zone], classes: int, transform: Affine) -> None:
        self.each_counts = tuple(ZonalCounts(classes) for _ in zones)
        self._grid = _ZonesInStrips(zones, transform)

    def add(self, top: int, values: NDArray[np.integer], hectares: NDArray[np.float64]) -> None:
        """values, hectares: [rows, width], class and area of each pixel from row `top` on; what is no class is not counted."""
        for number, part, cells, shares in self._grid.covered(top, *values.shape):
            self.each_counts[number].add(values[:, part].astype(np.int64).ravel()[cells], hectares[:, part].ravel()[cells], shares)


def _covered(area: BaseGeometry, shape: tuple[int, int], corner: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """(places in the flattened part of a raster, the share of each that an area covers), of pixels that it touches.

    shape: (rows, columns) of the part. corner: its (left, top) in pixels.
    """
    from exactextract import exact_extract  # here, since few maps have zones
    from exactextract.raster import NumPyRasterSource

    (left, top), (rows, columns) = corner, shape
    source = NumPyRasterSource(np.zeros(shape, dtype=np.uint8), xmin=left, xmax=left + columns, ymin=-top - rows, ymax=-top)
    feature = {"type": "Feature", "properties": {}, "geometry": mapping(area)}
    (found,) = exact_extract(source, [feature], ["cell_id", "coverage"])
    told = found["properties"]
    return np.asarray(told["cell_id"], dtype=np.intp), np.asarray(told["coverage"], dtype=np.float64)


class MeansByZone:
    """Means of numbers in each zone, strip by strip, pixels at the edge by the share that is inside.

    sums: float64 [zones, planes], of value times share. weights: float64 [zones], of the shares of pixels with data; touched: of all.
    """

    def __init__(self, zones: Sequence[Zone], planes: int, transform: Affine) -> None:
        self.sums = np.zeros((len(zones), planes))
        self.weights, self.touched = np.zeros(len(zones)), np.zeros(len(zones))
        self._grid = _ZonesInStrips(zones, transform)

    def add(self, top: int, values: FloatImage, valid: Mask) -> None:
        """values: [planes, rows, width] from row `top` on. valid: bool [rows, width], which of them count."""
        for zone, part, cells, shares in self._grid.covered(top, *valid.shape):
            held = np.where(valid[:, part].ravel()[cells], shares, 0.0)
            self.sums[zone] += values[:, :, part].reshape(len(values), -1)[:, cells].astype(np.float64) @ held
            self.weights[zone] += held.sum()
            self.touched[zone] += shares.sum()

    def means(self) -> NDArray[np.float64]:
        """float64 [zones, planes], NaN where a zone has no data."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.sums / np.where(self.weights > 0, self.weights, np.nan)[:, np.newaxis])


class _ZonesInStrips:
    """Zones in the pixels of a raster that is read strip by strip."""

    def __init__(self, zones: Sequence[Zone], transform: Affine) -> None:
        self._shapes = moved([zone.geometry for zone in zones], _ROWS_UP @ ~transform)
        self._boxes = shapely.bounds(self._shapes).reshape(-1, 4)  # left, bottom, right, top in pixels, rows counted from 0 down to -height

    def covered(self, top: int, rows: int, width: int) -> Iterator[tuple[int, slice, NDArray[np.intp], NDArray[np.float64]]]:
        """(number of a zone, its columns, places in that flattened part, the share of each that is inside) of those that meet the rows."""
        for number, (area, (west, south, east, north)) in enumerate(zip(self._shapes, self._boxes, strict=True)):
            if not (np.isfinite([west, east]).all() and west < width and east > 0 and south < -top and north > -top - rows):
                continue  # it has no place in this CRS, or none in this strip
            left, right = max(0, int(np.floor(west))), min(width, int(np.ceil(east)))
            cells, shares = _covered(area, (rows, right - left), (left, top))
            yield number, slice(left, right), cells, shares


class InsideZones:
    """Which pixels of a raster have their centre in one of the zones."""

    def __init__(self, zones: Sequence[Zone], transform: Affine) -> None:
        shapes = moved([zone.geometry for zone in zones], ~transform)
        self._shapes = [shape for shape in shapes if np.isfinite(shape.bounds).all()]

    def rows(self, top: int, rows: int, width: int) -> Mask:
        """bool [rows, width], from row `top` on."""
        here = [shape for shape in self._shapes if shape.bounds[1] < top + rows and shape.bounds[3] > top]
        if not here:
            return np.zeros((rows, width), dtype=np.bool_)
        return np.asarray(geometry_mask(here, (rows, width), Affine.translation(0, top), invert=True))

    def window(self, width: int, height: int) -> tuple[int, int, int, int]:
        """(left, top, width, height) around the zones, cut to a raster of that size; of no pixels where no zone lies there."""
        boxes = np.array([shape.bounds for shape in self._shapes]).reshape(-1, 4)
        if not len(boxes):
            return 0, 0, 0, 0
        left, top = (max(0, int(np.floor(boxes[:, side].min()))) for side in (0, 1))
        right, bottom = (min(end, int(np.ceil(boxes[:, side].max()))) for side, end in ((2, width), (3, height)))
        return left, top, max(0, right - left), max(0, bottom - top)
