"""Hectares of pixels against an independent measure: the geodesic area of an outline (Karney 2013)."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
from rasterio.crs import CRS
from rasterio.transform import Affine

from core.areas.pixels import row_hectares
from core.errors import NoGrid

ELLIPSOID = pyproj.Geod(ellps="WGS84")


def geodesic_hectares(crs: str, transform: Affine, width: int, height: int, pieces: int = 2000) -> float:
    """Area of the outline of a grid, its sides followed closely."""
    along = np.linspace(0.0, 1.0, pieces)
    columns = np.concatenate([along, np.ones(pieces), 1 - along, np.zeros(pieces)]) * width
    rows = np.concatenate([np.zeros(pieces), along, np.ones(pieces), 1 - along]) * height
    x = transform.a * columns + transform.b * rows + transform.c
    y = transform.d * columns + transform.e * rows + transform.f
    longitude, latitude = pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform(x, y)
    return abs(ELLIPSOID.polygon_area_perimeter(longitude, latitude)[0]) / 10_000


ROTATED = Affine.translation(448_000, 5_411_000) @ Affine.rotation(30) @ Affine.scale(10, -20)


@pytest.mark.parametrize(
    ("crs", "transform", "width", "height"),
    [
        ("EPSG:4326", Affine(1e-4, 0, 10, 0, -1e-4, 60.05), 1000, 900),
        ("EPSG:4326", Affine(1e-2, 0, 179.5, 0, -1e-2, -16), 100, 100),
        ("EPSG:32631", Affine(10, 0, 300_000, 0, -10, 7_411_000), 3000, 500),
        ("EPSG:32631", Affine(10, 0, 448_000, 0, 10, 5_400_000), 300, 200),
        ("EPSG:32631", ROTATED, 300, 200),
        ("EPSG:3857", Affine(20, 0, 1_100_000, 0, -20, 8_400_000), 700, 600),
        ("EPSG:3857", Affine(4000, 0, -1_100_000, 0, -4000, 8_400_000), 500, 500),
        ("EPSG:3031", Affine(1000, 0, -300_000, 0, -1000, 300_000), 600, 600),
    ],
    ids=["degrees at 60 N", "antimeridian", "edge of a UTM zone", "south-up", "rotated", "Web Mercator", "Web Mercator, wide", "pole"],
)
def test_pixels_sum_to_the_geodesic_area_of_the_grid(crs: str, transform: Affine, width: int, height: int) -> None:
    hectares = row_hectares(CRS.from_string(crs), transform, width, height)
    total = sum(hectares(top, min(128, height - top)).sum() for top in range(0, height, 128))
    assert total == pytest.approx(geodesic_hectares(crs, transform, width, height), rel=1e-4)


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:27572", Affine(10, 0, 600_000, 0, -10, 2_200_000)),
        ("EPSG:27561", Affine(10, 0, 600_000, 0, -10, 200_000)),
        ("EPSG:26591", Affine(10, 0, 1_500_000, 0, -10, 5_000_000)),
        ("EPSG:31251", Affine(10, 0, 0, 0, -10, 5_200_000)),
        ("EPSG:4807", Affine(1e-4, 0, 0.1, 0, -1e-4, 52.0)),
    ],
    ids=["NTF (Paris), grads", "its northern zone", "Monte Mario (Rome)", "MGI (Ferro)", "degrees are grads"],
)
def test_areas_do_not_depend_on_the_unit_or_the_meridian_of_the_geographic_base(crs: str, transform: Affine) -> None:
    total = row_hectares(CRS.from_string(crs), transform, 128, 128)(0, 128).sum()
    assert total == pytest.approx(geodesic_hectares(crs, transform, 128, 128), rel=2e-4)  # the base's ellipsoid is not that of WGS 84


def test_the_pixels_of_the_world_sum_to_its_surface() -> None:
    hectares = row_hectares(CRS.from_epsg(4326), Affine(1, 0, -180, 0, -1, 90), 360, 180)
    assert hectares(0, 180).sum() == pytest.approx(51_006_562_172, rel=1e-9)  # WGS 84: 510,065,621.72 km2


def test_a_degree_at_60_north_is_half_as_wide_as_at_the_equator() -> None:
    hectares = row_hectares(CRS.from_epsg(4326), Affine(1, 0, 0, 0, -1, 60.5), 1, 61)
    assert hectares(0, 1)[0, 0] / hectares(60, 1)[0, 0] == pytest.approx(0.5, abs=0.01)


def test_web_mercator_at_60_north_shows_four_times_the_area() -> None:
    y = 8_399_738  # of 60 degrees north
    hectares = row_hectares(CRS.from_epsg(3857), Affine(10, 0, 0, 0, -10, y), 2, 2)
    np.testing.assert_allclose(hectares(0, 2), 0.01 / 4, rtol=0.01)


def test_rows_do_not_depend_on_how_many_are_asked_for_at_a_time() -> None:
    hectares = row_hectares(CRS.from_epsg(32631), ROTATED, 70, 40)
    np.testing.assert_array_equal(hectares(0, 40)[25:31], hectares(25, 6))


@pytest.mark.parametrize("crs", [None, CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1]]')])
def test_without_a_way_to_the_ellipsoid_there_are_no_hectares(crs: CRS | None) -> None:
    with pytest.raises(NoGrid):
        row_hectares(crs, Affine(10, 0, 0, 0, -10, 0), 5, 5)


def test_pixels_that_look_past_the_earth_have_no_area() -> None:
    disc = CRS.from_string("+proj=geos +h=35785831 +lon_0=0 +ellps=WGS84")
    hectares = row_hectares(disc, Affine(100_000, 0, -5_600_000, 0, -100_000, 5_600_000), 112, 112)(0, 112)
    assert np.isfinite(hectares).all()
    assert hectares[0, 0] == 0.0
    assert hectares[56, 56] == pytest.approx(1_000_000, rel=0.01)
