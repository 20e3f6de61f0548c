"""Where on Earth a raster lies, in degrees of longitude and latitude."""

from __future__ import annotations

import numpy as np
import pyproj
from numpy.typing import NDArray
from pyproj.exceptions import CRSError, ProjError
from rasterio.crs import CRS
from rasterio.transform import Affine

_POINTS_A_SIDE = 33  # the edges are curves in another projection; 32 pieces follow them closely

pyproj.network.set_network_enabled(active=False)  # type: ignore[attr-defined]  # grids are taken from the disk or not at all


def footprint(crs: CRS, transform: Affine, width: int, height: int) -> tuple[float, float, float, float] | None:
    """(west, south, east, north) of a raster in degrees; west > east where it crosses the antimeridian (RFC 7946 section 5.2).

    None where the CRS has no way to longitude and latitude of the Earth.
    """
    x, y = _ring(transform, width, height)
    try:
        lonlat = pyproj.Transformer.from_crs(pyproj.CRS.from_wkt(crs.to_wkt()), 4326, always_xy=True)
        longitude, latitude = (np.asarray(axis) for axis in lonlat.transform(x, y))
    except (CRSError, ProjError):
        return None
    is_seen = np.isfinite(longitude) & np.isfinite(latitude)
    if not is_seen.all():  # a geostationary disc: its corners look past the Earth
        return _of_the_visible(lonlat, transform, width, height)
    return _on_earth(_of_the_ring(longitude, latitude))


def in_words(place: tuple[float, float, float, float] | None, digits: int = 4) -> str:
    """ "47.7870 to 47.8460° N, 10.3350 to 10.4220° E", "no place on Earth" for None. place: (west, south, east, north) in degrees."""
    if place is None:
        return "no place on Earth"
    west, south, east, north = place
    return f"{_degrees(south, north, 'S', 'N', digits)}, {_degrees(west, east, 'W', 'E', digits)}"


def _degrees(low: float, high: float, below: str, above: str, digits: int) -> str:
    if low >= 0 and high >= 0:
        return f"{low:.{digits}f} to {high:.{digits}f}° {above}"
    if low < 0 and high < 0:
        return f"{-low:.{digits}f} to {-high:.{digits}f}° {below}"
    return f"{abs(low):.{digits}f}° {below if low < 0 else above} to {abs(high):.{digits}f}° {above if high >= 0 else below}"


def _on_earth(place: tuple[float, float, float, float]) -> tuple[float, float, float, float] | None:
    """Cut at the poles, beyond which a global grid may reach by half a pixel; None where all lies beyond: metres taken for degrees."""
    west, south, east, north = place
    return (west, max(south, -90.0), east, min(north, 90.0)) if south < 90.0 and north > -90.0 else None


def _ring(transform: Affine, width: int, height: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """x and y of points along the outline, once around and closed."""
    along = np.linspace(0.0, 1.0, _POINTS_A_SIDE)
    columns = np.concatenate([along, np.ones_like(along), 1 - along, np.zeros_like(along)]) * width
    rows = np.concatenate([np.zeros_like(along), along, np.ones_like(along), 1 - along]) * height
    return _at(transform, columns, rows)


def _at(transform: Affine, columns: NDArray[np.float64], rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x = transform.a * columns + transform.b * rows + transform.c
    y = transform.d * columns + transform.e * rows + transform.f
    return x, y


def _of_the_ring(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> tuple[float, float, float, float]:
    unwrapped = np.unwrap(longitude, period=360.0)
    south, north = float(latitude.min()), float(latitude.max())
    if abs(unwrapped[-1] - unwrapped[0]) > 180:  # the outline goes once around the Earth: a pole is inside
        return (-180.0, south, 180.0, 90.0) if latitude.mean() > 0 else (-180.0, -90.0, 180.0, north)
    west, east = float(unwrapped.min()), float(unwrapped.max())
    if east - west >= 360.0 - 1e-6:
        return -180.0, south, 180.0, north
    return _wrapped(west), south, _wrapped(east, is_east=True), north


def _of_the_visible(lonlat: pyproj.Transformer, transform: Affine, width: int, height: int) -> tuple[float, float, float, float] | None:
    columns, rows = np.meshgrid(np.linspace(0, width, 65), np.linspace(0, height, 65))
    longitude, latitude = (np.asarray(axis) for axis in lonlat.transform(*_at(transform, columns.ravel(), rows.ravel())))
    is_seen = np.isfinite(longitude) & np.isfinite(latitude)
    if not is_seen.any():
        return None
    longitude, latitude = np.sort(longitude[is_seen] % 360.0), latitude[is_seen]
    gaps = np.diff(np.append(longitude, longitude[0] + 360.0))
    widest = int(gaps.argmax())  # the footprint is what the widest empty stretch of longitudes leaves
    west, east = float(longitude[(widest + 1) % len(longitude)]), float(longitude[widest])
    return _wrapped(west), float(latitude.min()), _wrapped(east, is_east=True), float(latitude.max())


def _wrapped(longitude: float, is_east: bool = False) -> float:
    """Into [-180, 180); an eastern edge of 180 stays 180."""
    wrapped = (longitude + 180.0) % 360.0 - 180.0
    return 180.0 if is_east and wrapped == -180.0 else wrapped
