"""GeoTIFF files become a Scene that says what it holds and what had to be assumed."""

from __future__ import annotations

import warnings
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp
from rasterio.transform import Affine, from_origin

from core.errors import NoGrid, NoOverlap, NotFound, OutOfRange
from core.readers import SceneOptions, open_raster, read_scene
from core.readers.digest import sha256_of
from core.types import notice
from tests.unit.readers.scenes.geotiff_files import GRID, UTM, constant, write_geotiff


def colours(path: Path) -> list[str]:
    return [band.common_name for band in read_scene([path]).bands]


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"])
@pytest.mark.parametrize("bands", [1, 2, 13])
def test_any_type_and_number_of_bands_is_read(tmp_path: Path, dtype: str, bands: int) -> None:
    scene = read_scene([write_geotiff(tmp_path / "a.tif", constant(bands, 20, 30, dtype=dtype))])
    assert (scene.dtype, len(scene.bands), scene.width, scene.height) == (dtype, bands, 30, 20)
    assert scene.crs is not None
    assert scene.crs.to_epsg() == 32631
    assert scene.transform == GRID


@pytest.mark.parametrize("profile", [{"tiled": True, "blockxsize": 16, "blockysize": 16}, {"blockysize": 1}, {"BIGTIFF": "YES"}])
def test_tiles_strips_and_bigtiff_are_read(tmp_path: Path, profile: dict[str, object]) -> None:
    assert len(read_scene([write_geotiff(tmp_path / "a.tif", **profile)]).bands) == 3


def test_names_in_the_file_win_over_colour_interpretation(tmp_path: Path) -> None:
    path = write_geotiff(
        tmp_path / "a.tif",
        descriptions=["B08", "B04", "Green"],
        colours=[ColorInterp.red, ColorInterp.green, ColorInterp.blue],
        photometric="RGB",
    )
    assert colours(path) == ["near infrared", "red", "green"]
    assert read_scene([path]).assumptions == ()


def test_colour_interpretation_is_taken_where_there_are_no_names(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "a.tif", colours=[ColorInterp.blue, ColorInterp.green, ColorInterp.red])
    assert colours(path) == ["blue", "green", "red"]


@pytest.mark.parametrize(("bands", "expected"), [(3, ["red", "green", "blue"]), (4, ["red", "green", "blue", "near infrared"])])
def test_three_or_four_unnamed_bands_are_an_assumption(tmp_path: Path, bands: int, expected: list[str]) -> None:
    path = write_geotiff(tmp_path / "a.tif", constant(bands, 8, 8, dtype="uint16"), photometric="MINISBLACK")
    scene = read_scene([path])
    assert [band.common_name for band in scene.bands] == expected
    assert scene.assumptions == (notice("scene.bands-assumed", colours=tuple(expected)),)


@pytest.mark.parametrize("bands", [1, 2, 5])
def test_other_numbers_of_unnamed_bands_are_not_guessed(tmp_path: Path, bands: int) -> None:
    assert set(colours(write_geotiff(tmp_path / "a.tif", constant(bands, 8, 8)))) == {""}


def test_the_user_has_the_last_word(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "a.tif", descriptions=["B08", "B04", "B03"])
    scene = read_scene([path], SceneOptions(bands=("red", "B03", "blue"), scale=0.0001, offset=-0.1, date=date(2020, 1, 2)))
    assert [band.common_name for band in scene.bands] == ["red", "green", "blue"]
    assert {(band.scale, band.offset) for band in scene.bands} == {(0.0001, -0.1)}
    assert scene.date == date(2020, 1, 2)
    with pytest.raises(OutOfRange, match="number of band names is 2"):
        read_scene([path], SceneOptions(bands=("red", "green")))


def test_an_alpha_band_is_a_mask_and_no_band(tmp_path: Path) -> None:
    path = write_geotiff(
        tmp_path / "a.tif",
        constant(4, 8, 8),
        photometric="RGB",
        ALPHA="YES",
    )
    assert colours(path) == ["red", "green", "blue"]


def test_scale_offset_and_nodata_of_the_file_are_kept(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "a.tif", constant(2, 8, 8, dtype="int16"), nodata=-999)
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (0.0001, 1.0), (-0.1, 0.0)
    first, second = read_scene([path]).bands
    assert (first.scale, first.offset, first.nodata) == (0.0001, -0.1, -999)
    assert (second.scale, second.offset) == (None, None)


def test_one_band_a_file_is_one_scene(shared_data: Path) -> None:
    folder = shared_data / "geotiff" / "sentinel2-one-band-a-file-paris" / "imgs_2"
    scene = read_scene(sorted(folder.glob("*.tif")), name="Paris")
    assert (scene.width, scene.height, len(scene.bands)) == (390, 408, 13)
    by_colour = {band.common_name: band for band in scene.bands}
    assert by_colour["red"].file.name.endswith("_B04.tif")
    assert by_colour["near infrared narrow"].name == "B8A"
    assert scene.date == date(2017, 11, 7)
    assert scene.footprint == pytest.approx((2.310, 48.797, 2.356, 48.845), abs=0.001)
    assert scene.assumptions == (notice("scene.date-from-name", date="2017-11-07"),)


def test_the_grid_of_a_scene_is_that_of_its_finest_file(shared_data: Path) -> None:
    city = shared_data / "change-sentinel2" / "beirut"
    scene = read_scene([city / "before_20m.tif", city / "before_10m.tif"])
    with open_raster(city / "before_10m.tif") as fine:
        assert (scene.width, scene.height, scene.transform) == (fine.width, fine.height, fine.transform)
    assert [band.name for band in scene.bands] == ["B11", "B12", "B02", "B03", "B04", "B08"]


def test_files_of_different_places_are_refused_with_both_footprints(tmp_path: Path) -> None:
    here = write_geotiff(tmp_path / "here.tif")
    there = write_geotiff(tmp_path / "there.tif", transform=from_origin(900_000, 5_000_000, 10, 10))
    with pytest.raises(NoOverlap, match=r"here\.tif and there\.tif do not overlap"):
        read_scene([here, there])


def test_files_of_different_coordinate_systems_are_no_scene(tmp_path: Path) -> None:
    one, other = write_geotiff(tmp_path / "a.tif"), write_geotiff(tmp_path / "b.tif", crs="EPSG:32632")
    with pytest.raises(NoGrid, match="different coordinate systems"):
        read_scene([one, other])


def test_no_coordinate_system_is_noted(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "a.tif", constant(1, 8, 8), crs=None, transform=None)
    scene = read_scene([path])
    assert scene.crs is None
    assert scene.footprint is None
    assert scene.assumptions == (notice("scene.no-crs", name="a.tif"),)


def test_control_points_rotation_and_south_up_are_noted(tmp_path: Path) -> None:
    points = [GroundControlPoint(row, col, 500_000 + col, 5_000_000 - row) for row, col in ((0, 0), (0, 8), (8, 0))]
    path = write_geotiff(tmp_path / "gcp.tif", constant(1, 8, 8), crs=None, transform=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "r+") as file:
            file.gcps = (points, rasterio.crs.CRS.from_epsg(32631))
    assert read_scene([path]).assumptions == (notice("scene.control-points", name="gcp.tif", points=3),)
    turned = write_geotiff(tmp_path / "turned.tif", transform=GRID @ Affine.rotation(20))
    assert notice("scene.rotated", name="turned.tif") in read_scene([turned]).assumptions
    south_up = write_geotiff(tmp_path / "south.tif", transform=Affine(10, 0, 500_000, 0, 10, 5_000_000))
    assert notice("scene.south-up", name="south.tif") in read_scene([south_up]).assumptions


def test_a_palette_is_noted(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "a.tif", constant(1, 8, 8))
    with rasterio.open(path, "r+") as file:
        file.write_colormap(1, {0: (0, 0, 0, 255), 1: (255, 0, 0, 255)})
    assert notice("scene.palette", name="a.tif") in read_scene([path]).assumptions


def test_the_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "a.tif")
    assert read_scene([path]).sha256 == sha256_of(path)
    copy = tmp_path / "copy.tif"
    copy.write_bytes(path.read_bytes())
    assert read_scene([copy]).sha256 == sha256_of(path)


def test_no_file_is_an_error() -> None:
    with pytest.raises(NotFound):
        read_scene([])


def test_every_real_geotiff_is_read(shared_data: Path) -> None:
    for path in sorted((shared_data / "geotiff").rglob("*.tif")):
        scene = read_scene([path])
        assert scene.bands, path.name
        assert scene.crs is None or scene.footprint is not None, path.name


def test_a_file_in_the_crs_of_another_planet_has_no_footprint(tmp_path: Path) -> None:
    mars = (
        'GEOGCS["Mars 2000",DATUM["D_Mars_2000",SPHEROID["Mars_2000_IAU_IAG",3396190,169.894447223612]],'
        'PRIMEM["Reference_Meridian",0],UNIT["Degree",0.0174532925199433]]'
    )
    path = write_geotiff(tmp_path / "a.tif", constant(1, 8, 8), crs=mars, transform=from_origin(10, 10, 0.1, 0.1))
    scene = read_scene([path])
    assert scene.crs is not None
    assert scene.footprint is None
    assert notice("scene.no-footprint") in scene.assumptions


def test_projected_and_geographic_footprints_agree(tmp_path: Path) -> None:
    scene = read_scene([write_geotiff(tmp_path / "a.tif", np.zeros((1, 100, 100), np.uint8), crs=UTM)])
    assert scene.footprint == pytest.approx((3.0, 45.1445, 3.0127, 45.1535), abs=0.001)
