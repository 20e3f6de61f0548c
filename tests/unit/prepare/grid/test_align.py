"""Two dates on one grid: whether they show one place, and pixels that are read where another scene has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine

from core.errors import NoGrid, NoOverlap
from core.prepare.grid.align import is_on_grid_of, on_grid_of, overlap_or_refuse
from core.prepare.grid.bands import read_window, resolve_bands
from core.readers import read_scene
from core.readers.scenes.footprint import footprint
from core.types import FloatImage, Mask, Notice, Scene
from tests.unit.readers.scenes.geotiff_files import write_geotiff
from tests.unit.report import examples as ex

RGB = ("red", "green", "blue")
CORNER = (448_000.0, 5_411_000.0)
"""A place near Paris in EPSG:32631."""


def placed(name: str, transform: Affine, crs: int = 32631, **changes: Any) -> Scene:
    """A scene of 300 x 200 px that has no file."""
    code = CRS.from_epsg(crs)
    return ex.scene(name, crs=code, transform=transform, footprint=footprint(code, transform, 300, 200), **changes)


def north_up(left: float = CORNER[0], top: float = CORNER[1], step: float = 10.0) -> Affine:
    return Affine(step, 0, left, 0, -step, top)


def ramp(scale: float = 1.0, size: tuple[int, int] = (200, 300)) -> NDArray[np.uint16]:
    """[3, rows, columns]: 1000 + 10 a column and 3 a row, in pixels of `scale`."""
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]]
    one = 1000 + scale * (10 * (columns + 0.5) + 3 * (rows + 0.5))
    return np.broadcast_to(np.round(one), (3, *size)).astype(np.uint16)


def written(path: Path, pixels: NDArray[Any] | None = None, transform: Affine | None = None, **profile: Any) -> Scene:
    pixels = ramp() if pixels is None else pixels
    facts = {"descriptions": ("B04", "B03", "B02"), "transform": transform or north_up(), **profile}
    return read_scene([write_geotiff(path, pixels, **facts)])


def seen(scene: Scene) -> tuple[FloatImage, Mask]:
    """Digital numbers [3, rows, columns] and the valid mask of the whole scene."""
    values, valid = read_window(scene, resolve_bands(scene, RGB)[0], (0, 0, scene.width, scene.height))
    return values * 10_000, valid


def test_places_that_do_not_overlap_are_refused_with_both_footprints() -> None:
    paris, east = placed("paris.tif", north_up()), placed("east.tif", north_up(CORNER[0] + 3_000.0))
    with pytest.raises(NoOverlap) as refused:
        overlap_or_refuse(paris, east)
    for scene in (paris, east):
        assert scene.name in refused.value.message
        assert all(f"{value:.4f}" in refused.value.message for value in scene.footprint or ())


def test_places_that_share_a_corner_pixel_overlap_in_either_order() -> None:
    first, second = placed("a", north_up()), placed("b", north_up(CORNER[0] + 2_990.0, CORNER[1] - 1_990.0))
    overlap_or_refuse(first, second)
    overlap_or_refuse(second, first)


def test_coordinate_systems_are_compared_on_the_ground_and_not_by_their_numbers() -> None:
    here = placed("here", north_up())
    step = 1e-4
    west, _, _, north = here.footprint or (0.0, 0.0, 0.0, 0.0)
    degrees = placed("in degrees", Affine(step, 0, west, 0, -step, north), crs=4326)
    overlap_or_refuse(here, degrees)
    overlap_or_refuse(degrees, here)
    with pytest.raises(NoOverlap):
        overlap_or_refuse(here, placed("the same numbers, a zone further east", north_up(), crs=32632))


def test_a_turned_scene_whose_box_alone_overlaps_is_refused() -> None:
    turned = placed("turned", Affine(7.07, 7.07, CORNER[0], -7.07, 7.07, CORNER[1]))  # a diamond to the east of its first corner
    beside = placed("beside", north_up(CORNER[0], CORNER[1] + 1_400.0, step=2.0))
    assert turned.footprint is not None
    assert beside.footprint is not None
    assert beside.footprint[1] < turned.footprint[3]
    with pytest.raises(NoOverlap):
        overlap_or_refuse(turned, beside)


def test_footprints_meet_across_the_antimeridian() -> None:
    step = 0.01
    crossing = placed("crossing", Affine(step, 0, 179.0, 0, -step, 10.0), crs=4326)  # from 179 E to 178 W
    assert crossing.footprint is not None
    assert crossing.footprint[0] > crossing.footprint[2]
    overlap_or_refuse(crossing, placed("on a Pacific grid", Affine(1000, 0, 3_300_000, 0, -1000, 1_000_000), crs=3832))
    with pytest.raises(NoOverlap):
        overlap_or_refuse(crossing, placed("far", Affine(step, 0, -170.0, 0, -step, 10.0), crs=4326))


@pytest.mark.parametrize("which", [0, 1])
def test_a_scene_without_a_coordinate_system_is_refused_by_name(which: int) -> None:
    pair = [placed("first.tif", north_up()), placed("second.tif", north_up())]
    pair[which] = ex.scene("lost.tif", crs=None, transform=Affine.identity(), footprint=None)
    with pytest.raises(NoGrid, match=r"lost\.tif has no coordinate system"):
        overlap_or_refuse(*pair)


def test_a_scene_on_the_same_grid_stays_as_it_is() -> None:
    first, second = placed("a", north_up()), placed("b", north_up(CORNER[0] + 0.01))
    assert is_on_grid_of(second, first)
    assert on_grid_of(second, first) is second


@pytest.mark.parametrize(
    ("crs", "transform", "scale", "differ"),
    [
        ("EPSG:32631", north_up(CORNER[0] - 203.0, CORNER[1] + 104.0), 1.0, "other-pixels"),
        ("EPSG:32631", north_up(step=5.0), 0.5, "other-pixels"),
        ("EPSG:32631", Affine(10, 0, CORNER[0], 0, 10, CORNER[1] - 3_000.0), 1.0, "other-pixels"),
        ("EPSG:25831", north_up(CORNER[0] - 200.0, CORNER[1] + 100.0), 1.0, "other-crs"),
    ],
    ids=["shifted", "finer", "south-up", "another datum"],
)
def test_pixels_come_from_where_the_other_scene_has_them(tmp_path: Path, crs: str, transform: Affine, scale: float, differ: str) -> None:
    reference = written(tmp_path / "reference.tif")
    other = written(tmp_path / "other.tif", ramp(scale, (400, 600)), transform, crs=crs)
    aligned = on_grid_of(other, reference)
    assert (aligned.width, aligned.height, aligned.transform) == (reference.width, reference.height, reference.transform)
    assert Notice(f"scene.resampled-from-{differ}", (("name", "other.tif"), ("reference", "reference.tif"))) in aligned.assumptions
    values, valid = seen(aligned)
    rows, columns = np.mgrid[20:180, 20:280]
    x, y = reference.transform @ (columns + 0.5, rows + 0.5)
    there = ~transform @ (x, y)  # in pixels of the other file
    assert valid[20:180, 20:280].all()
    np.testing.assert_allclose(values[0, 20:180, 20:280], 1000 + scale * (10 * there[0] + 3 * there[1]), atol=1.5)


def test_a_turned_grid_can_be_the_reference(tmp_path: Path) -> None:
    turned = written(tmp_path / "turned.tif", transform=Affine(8.660254, 5.0, CORNER[0], 5.0, -8.660254, CORNER[1]))
    wide = north_up(CORNER[0] - 1_000.0, CORNER[1] + 3_000.0)
    aligned = on_grid_of(written(tmp_path / "wide.tif", ramp(size=(600, 600)), wide), turned)
    values, valid = seen(aligned)
    column, row = ~wide @ (turned.transform @ (150.5, 100.5))
    assert valid.all()
    assert values[0, 100, 150] == pytest.approx(1000 + 10 * column + 3 * row, abs=1.5)


def test_two_datums_with_the_same_numbers_are_not_taken_for_one_grid(tmp_path: Path) -> None:
    other = written(tmp_path / "other.tif", crs="EPSG:32632")
    aligned = on_grid_of(other, placed("zone 31", north_up()))
    assert not seen(aligned)[1].any()


@pytest.mark.parametrize("kind", ["nodata", "alpha", "NaN"])
def test_what_holds_no_data_holds_none_on_another_grid(tmp_path: Path, kind: str) -> None:
    pixels = ramp()
    pixels[:, 50:100, 60:120] = 0
    profile: dict[str, Any] = {"nodata": 0}
    if kind == "alpha":
        pixels = np.concatenate([pixels, np.where(pixels[:1] > 0, 65535, 0).astype(np.uint16)])
        profile = {"descriptions": (), "photometric": "RGB", "alpha": "YES"}
    if kind == "NaN":
        pixels, profile = np.where(pixels > 0, pixels / 10_000, np.nan).astype(np.float32), {"nodata": np.nan}
    other = written(tmp_path / "other.tif", pixels, north_up(CORNER[0] + 3.0, CORNER[1] + 4.0), **profile)
    values, valid = seen(on_grid_of(other, placed("reference", north_up())))
    assert not valid[52:98, 62:118].any()
    assert valid[10:40].all()
    assert values[:, valid].min() > 900, "no zero bled into its neighbours"


def test_where_the_other_scene_does_not_reach_there_is_no_data(tmp_path: Path) -> None:
    other = written(tmp_path / "other.tif", transform=north_up(CORNER[0] + 1_500.0))
    _, valid = seen(on_grid_of(other, placed("reference", north_up())))
    assert not valid[:, :149].any()
    assert valid[:, 151:].all()
