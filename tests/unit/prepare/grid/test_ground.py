"""How large a pixel is on the ground, whatever the CRS."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine, from_origin

from core.errors import NoGrid
from core.prepare.grid.bands import read_window, resolve_bands
from core.prepare.grid.ground import pixel_metres, refuse_off_earth, refuse_too_coarse
from core.readers import read_scene
from tests.unit.readers.scenes.geotiff_files import constant, write_geotiff
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


MARS, MOON = "+proj=longlat +a=3396190 +b=3376200 +no_defs", "+proj=longlat +R=1737400 +no_defs"


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        (MARS, from_origin(10, 10, 0.001, 0.001)),
        (MOON, from_origin(10, 10, 0.001, 0.001)),
        ("EPSG:4326", from_origin(500_000, 5_000_000, 10, 10)),
    ],
    ids=["Mars", "the Moon", "metres taken for degrees"],
)
def test_what_lies_on_no_ground_of_the_earth_is_refused(tmp_path: Path, crs: str, transform: Affine) -> None:
    scene = read_scene([write_geotiff(tmp_path / "a.tif", crs=crs, transform=transform)])
    with pytest.raises(NoGrid, match=r"a\.tif lies on no ground of the Earth"):
        refuse_off_earth(scene)


def test_half_a_pixel_beyond_the_pole_is_of_the_earth(tmp_path: Path) -> None:
    scene = read_scene([write_geotiff(tmp_path / "a.tif", constant(1, 181, 360), crs="EPSG:4326", transform=from_origin(-180, 90.5, 1, 1))])
    refuse_off_earth(scene)
    assert scene.footprint == (-180.0, -90.0, 180.0, 90.0)


@pytest.mark.parametrize(("metres", "is_refused"), [(30, False), (100, False), (149, False), (151, True), (78_000, True)])
def test_pixels_far_coarser_than_the_model_reads_are_refused(tmp_path: Path, metres: int, is_refused: bool) -> None:
    scene = read_scene([write_geotiff(tmp_path / "a.tif", constant(3, 8, 8), transform=from_origin(500_000, 5_000_000, metres, metres))])
    if not is_refused:
        return refuse_too_coarse(scene, ex.LAND)
    with pytest.raises(NoGrid, match=r"m on the ground; the model was trained at 10 m"):
        refuse_too_coarse(scene, ex.LAND)
    return None


@pytest.mark.parametrize("nodata", [None, 0])
def test_ground_control_points_place_a_scene(tmp_path: Path, nodata: int | None) -> None:
    """A file that only its points place, turned by 20 degrees: its pixels come to lie where the points say."""
    turned = Affine.translation(500_000, 5_000_000) @ Affine.rotation(20) @ Affine.scale(10, -10)
    rows, columns = np.mgrid[0:80, 0:100]
    ramp = np.broadcast_to(1000 + 10 * columns + 3 * rows, (3, 80, 100)).astype(np.uint16)
    path = write_geotiff(tmp_path / "gcp.tif", ramp, crs=None, transform=None, descriptions=("B04", "B03", "B02"), nodata=nodata)
    corners = [(row, column) for row in (0, 40, 80) for column in (0, 50, 100)]
    points = [GroundControlPoint(row, column, *(turned @ (column, row))) for row, column in corners]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "r+") as file:
            file.gcps = (points, CRS.from_epsg(32631))
    scene = read_scene([path])
    assert (scene.crs, len(scene.bands)) == (CRS.from_epsg(32631), 3)
    assert pixel_metres(scene) == pytest.approx((10, 10), rel=0.01)
    values, valid = read_window(scene, resolve_bands(scene, ("red",))[0], (0, 0, scene.width, scene.height))
    there = ~turned @ (scene.transform @ (scene.width // 2 + 0.5, scene.height // 2 + 0.5))
    assert values[0, scene.height // 2, scene.width // 2] * 10_000 == pytest.approx(
        1000 + 10 * (there[0] - 0.5) + 3 * (there[1] - 0.5), abs=2
    )
    assert valid.mean() == pytest.approx(80 * 100 / valid.size, abs=0.03)
    assert not valid[0, 0]
