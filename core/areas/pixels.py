"""How many hectares a pixel covers on the ellipsoid, whatever the grid: degrees, metres of UTM or of Web Mercator, rotated or not.

Corners of pixels are brought to an equal-area projection of the grid's own ellipsoid, where plane areas are true (Snyder 1987, "Map
Projections: A Working Manual", chapters 10 and 24). A degree grid goes to the cylindrical one, in which its pixels stay rectangles, so its
areas are exact at any size of pixel; other grids go to Lambert's azimuthal one around their centre, which knows no seam and no pole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import CRSError, ProjError
from rasterio.crs import CRS
from rasterio.transform import Affine
from shapely.geometry.base import BaseGeometry

from core.errors import NoGrid

Hectares = Callable[[int, int], NDArray[np.float64]]
"""hectares(top, rows) -> float64 [rows, width]: the area of each pixel of these rows."""

SQUARE_METRES_A_HECTARE = 10_000.0
NODES_ACROSS = 64
"""Pieces that a row is cut into; within a piece the area of a pixel is interpolated linearly."""


def row_hectares(crs: CRS | None, transform: Affine, width: int, height: int) -> Hectares:
    """A function that gives the area of every pixel, in hectares, for a few rows at a time; 0 for pixels that look past the Earth.

    Raises NoGrid where there is no CRS, or none that leads to degrees of an ellipsoid.
    """
    project = _equal_area(crs, transform, width, height)
    edges = np.unique(np.linspace(0, width, min(width, NODES_ACROSS) + 1).round())  # columns, the outer ones included
    middles = (edges[:-1] + edges[1:]) / 2.0
    centres = np.arange(width) + 0.5

    def hectares(top: int, rows: int) -> NDArray[np.float64]:
        columns, lines = np.meshgrid(edges, np.arange(top, top + rows + 1, dtype=np.float64))  # corners [rows + 1, pieces + 1]
        with np.errstate(invalid="ignore"):
            areas = _quadrilaterals(*project(*places(transform, columns, lines)))
        pieces = np.where(np.isfinite(areas), areas, 0.0) / np.diff(edges) / SQUARE_METRES_A_HECTARE  # [rows, pieces], a pixel's mean
        if pieces.shape[1] == 1 or np.ptp(pieces, axis=1).max() == 0.0:
            return np.repeat(pieces[:, :1], width, axis=1)
        return np.stack([np.interp(centres, middles, row) for row in pieces])

    return hectares


def places(transform: Affine, columns: NDArray[np.float64], rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """x and y of places given in pixels, arrays of any one shape."""
    x = transform.a * columns + transform.b * rows + transform.c
    y = transform.d * columns + transform.e * rows + transform.f
    return x, y


def moved(geometries: Sequence[BaseGeometry], transform: Affine) -> NDArray[np.object_]:
    """Geometries in pixels as geometries in the CRS; the other way by the inverse of the transform."""

    def move(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(places(transform, *points.T))

    return np.asarray(shapely.transform(np.array(geometries, dtype=object), move))


def _quadrilaterals(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Areas of the cells between corners [rows + 1, columns + 1], by their diagonals: float64 [rows, columns]."""
    falling = (x[1:, 1:] - x[:-1, :-1]), (y[1:, 1:] - y[:-1, :-1])
    rising = (x[:-1, 1:] - x[1:, :-1]), (y[:-1, 1:] - y[1:, :-1])
    return np.asarray(np.abs(falling[0] * rising[1] - falling[1] * rising[0]) / 2.0)


Projection = Callable[[NDArray[np.float64], NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]


def _equal_area(crs: CRS | None, transform: Affine, width: int, height: int) -> Projection:
    """From coordinates of the CRS to metres of an equal-area projection."""
    if crs is None:
        raise NoGrid("Without a coordinate system there are no hectares.", "Give the scene one, for example with gdal_edit.py -a_srs.")
    try:
        grid = pyproj.CRS.from_wkt(crs.to_wkt())
        base, ellipsoid = grid.geodetic_crs, grid.get_geod()
        if base is None or ellipsoid is None:
            raise CRSError("no ellipsoid")
        to_base = pyproj.Transformer.from_crs(grid, base, always_xy=True)
        a_unit = math.degrees(base.axis_info[0].unit_conversion_factor)  # 1, but 0.9 where the base counts in grads
        x, y = places(transform, np.array([width / 2.0]), np.array([height / 2.0]))
        longitude, latitude = (float(axis[0]) * a_unit for axis in to_base.transform(x, y))
        shape = f"+a={ellipsoid.a} +b={ellipsoid.b} +lon_0={longitude} +over"
        kind = "+proj=cea" if grid.is_geographic else f"+proj=laea +lat_0={latitude}"
        to_metres = pyproj.Proj(f"{kind} {shape}")
    except (CRSError, ProjError):
        raise NoGrid(
            f"The coordinate system {crs.to_string()[:80]} does not lead to an ellipsoid: its pixels have no area on the ground.",
            "Reproject the scene to one of the Earth, for example with gdalwarp -t_srs EPSG:4326.",
        ) from None

    def project(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        longitudes, latitudes = to_base.transform(x, y)  # east of the base's own prime meridian, as the centre is
        return to_metres(np.asarray(longitudes) * a_unit, np.asarray(latitudes) * a_unit)

    return project
