"""Pixels and hectares of each class, in all and by zone, counted strip by strip."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import geometry_mask
from rasterio.transform import Affine

from core.areas.pixels import moved
from core.areas.zones import Zone
from core.types import ClassArea


class ZonalCounts:
    """What has been counted so far.

    pixels: int64 [classes]. hectares: float64 [classes].
    """

    def __init__(self, classes: int) -> None:
        self.pixels = np.zeros(classes, dtype=np.int64)
        self.hectares = np.zeros(classes, dtype=np.float64)

    def add(self, values: NDArray[np.integer], hectares: NDArray[np.float64]) -> None:
        """values: class of each pixel, any shape; those that are no class (nodata) are not counted. hectares: of each pixel, that shape."""
        is_counted = (values >= 0) & (values < len(self.pixels))
        counted = values[is_counted].astype(np.intp)
        self.pixels += np.bincount(counted, minlength=len(self.pixels))
        self.hectares += np.bincount(counted, weights=hectares[is_counted], minlength=len(self.pixels))

    def areas(self, labels: Sequence[str]) -> tuple[ClassArea, ...]:
        """One for each label, in their order, those without a pixel included."""
        total = float(self.hectares.sum())
        return tuple(
            ClassArea(label, int(pixels), float(hectares), float(hectares) / total if total else 0.0)
            for label, pixels, hectares in zip(labels, self.pixels, self.hectares, strict=True)
        )


class CountsByZone:
    """Pixels and hectares of each class in each zone, counted strip by strip. A pixel is in a zone where its centre is."""

    def __init__(self, zones: Sequence[Zone], classes: int, transform: Affine) -> None:
        self.each_counts = tuple(ZonalCounts(classes) for _ in zones)
        self._shapes = moved([zone.geometry for zone in zones], ~transform)
        self._boxes = shapely.bounds(self._shapes).reshape(-1, 4)  # left, top, right, bottom in pixels

    def add(self, top: int, values: NDArray[np.integer], hectares: NDArray[np.float64]) -> None:
        """values, hectares: [rows, width], class and area of each pixel from row `top` on; what is no class is not counted."""
        rows, width = values.shape
        for counts, area, (west, north, east, south) in zip(self.each_counts, self._shapes, self._boxes, strict=True):
            if not (np.isfinite([west, east]).all() and west < width and east > 0 and north < top + rows and south > top):
                continue  # it has no place in this CRS, or none in this strip
            left, right = max(0, int(np.floor(west))), min(width, int(np.ceil(east)))
            is_outside = geometry_mask([area], (rows, right - left), Affine.translation(left, top))
            counts.add(np.where(is_outside, -1, values[:, left:right].astype(np.int64)), hectares[:, left:right])
