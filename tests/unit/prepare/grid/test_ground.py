"""How large a pixel is on the ground, whatever the CRS."""

from __future__ import annotations

import pytest
from rasterio.crs import CRS
from rasterio.transform import Affine

from core.prepare.grid.ground import pixel_metres
from tests.unit.report import examples as ex


def test_a_projected_pixel_has_the_size_of_its_transform_but_for_the_scale_of_the_projection() -> None:
    assert pixel_metres(ex.scene()) == pytest.approx((10.0, 10.0), rel=1e-3)


def test_a_degree_of_longitude_shrinks_with_the_cosine_of_the_latitude() -> None:
    step = 1e-4
    size = pixel_metres(ex.scene(crs=CRS.from_epsg(4326), transform=Affine(step, 0, 10, 0, -step, 60.01)))
    assert size == pytest.approx((5.58, 11.14), rel=2e-3)


def test_a_metre_of_web_mercator_is_half_a_metre_at_sixty_degrees() -> None:
    size = pixel_metres(ex.scene(crs=CRS.from_epsg(3857), transform=Affine(10, 0, 0, 0, -10, 8_400_700)))
    assert size == pytest.approx((5.0, 5.0), rel=1e-2)


def test_a_rotated_pixel_keeps_its_size() -> None:
    turned = Affine(8.660254, 5.0, 448000, 5.0, -8.660254, 5411000)
    assert pixel_metres(ex.scene(transform=turned)) == pytest.approx((10.0, 10.0), rel=1e-3)


def test_without_a_crs_nobody_knows() -> None:
    assert pixel_metres(ex.scene(crs=None)) is None


def test_a_place_that_is_not_on_earth_is_not_known_either() -> None:
    beyond = ex.scene(crs=CRS.from_epsg(4326), transform=Affine(1, 0, 500, 0, -1, 900))
    assert pixel_metres(beyond) is None
