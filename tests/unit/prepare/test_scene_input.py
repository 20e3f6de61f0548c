"""Scenes as reflectance on one grid, and the window of a scene that a model reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.transform import Affine

from core.errors import MissingBands, OutOfRange
from core.prepare.grid.bands import read_reduced, read_window, rendering, resolve_bands
from core.prepare.inputs import to_input
from core.prepare.scene_input import input_at, window_size
from core.readers import SceneOptions, read_scene
from core.report.notices import say
from core.types import CloudKind, CloudMask, Notice, Scene, notice
from tests.unit.readers.scenes.geotiff_files import GRID, write_geotiff
from tests.unit.report import examples as ex

UTM = CRS.from_epsg(32631)
RGB = ("red", "green", "blue")


def written(path: Path, pixels: NDArray[Any], names: tuple[str, ...] = ("B04", "B03", "B02"), step: float = 10.0, **profile: Any) -> Path:
    """A GeoTIFF of pixels [bands, rows, columns] with its corner at one place near Paris."""
    facts = {"crs": UTM, "transform": Affine(step, 0, 448000, 0, -step, 5411000), "dtype": pixels.dtype, **profile}
    bands, rows, columns = pixels.shape
    with rasterio.open(path, "w", driver="GTiff", count=bands, height=rows, width=columns, **facts) as raster:
        raster.write(pixels)
        for index, name in enumerate(names, start=1):
            raster.set_band_description(index, name)
    return path


def numbers(rows: int = 100, columns: int = 120, bands: int = 3) -> NDArray[np.uint16]:
    return np.random.default_rng(4).integers(100, 4000, (bands, rows, columns)).astype(np.uint16)


def scene_of(tmp_path: Path, pixels: NDArray[Any], **profile: Any) -> Scene:
    return read_scene([written(tmp_path / "scene.tif", pixels, **profile)])


def test_bands_come_in_the_models_order_with_their_scale_and_offset(tmp_path: Path) -> None:
    pixels = numbers()
    path = written(tmp_path / "bgr.tif", pixels, ("B02", "B03", "B04"))
    scene = read_scene([path], SceneOptions(scale=0.0001, offset=-0.1))
    bands, assumptions = resolve_bands(scene, RGB)
    assert ([band.name for band in bands], assumptions) == (["B04", "B03", "B02"], ())
    reflectance, valid = read_window(scene, bands, (10, 20, 30, 40))
    assert reflectance.shape == (3, 40, 30)
    assert valid.all()
    np.testing.assert_allclose(reflectance[0], pixels[2, 20:60, 10:40] * 0.0001 - 0.1, atol=1e-6)


@pytest.mark.parametrize(
    ("pixels", "top_value", "assumed"),
    [
        (np.full((3, 70, 70), 2750, np.uint16), 1.0, notice("scene.scale-assumed", scale=0.0001)),
        (np.full((3, 70, 70), 255, np.uint8), 1.0, notice("scene.rendering-assumed")),
        (np.full((3, 70, 70), 0.1375, np.float32), 0.5, notice("scene.reflectance-assumed")),
    ],
)
def test_a_scale_that_no_file_tells_is_assumed_aloud(tmp_path: Path, pixels: NDArray[Any], top_value: float, assumed: Notice) -> None:
    made = to_input(scene_of(tmp_path, pixels), ex.LAND)
    assert assumed in made.assumptions
    np.testing.assert_allclose(made.shown, top_value, atol=1e-5)


def test_a_rendered_l1c_scene_is_what_eurosat_made_of_it(tmp_path: Path) -> None:
    pixels = numbers(64, 64)
    made = to_input(scene_of(tmp_path, pixels), ex.LAND)
    np.testing.assert_allclose(made.shown, np.clip(pixels.astype(np.float32), 0, 2750) / 2750, atol=1e-5)
    assert made.box == (0.0, 0.0, 64.0, 64.0)


def test_a_pixel_is_invalid_where_all_bands_say_nodata_and_not_where_one_is_dark(tmp_path: Path) -> None:
    pixels = numbers()
    pixels[:, :10, :] = 0
    pixels[0, 50, 50] = 0
    scene = scene_of(tmp_path, pixels, nodata=0)
    _, valid = read_window(scene, resolve_bands(scene, RGB)[0], (0, 0, 120, 100))
    assert not valid[:10].any()
    assert valid[10:].all()


def test_not_a_number_is_never_valid(tmp_path: Path) -> None:
    pixels = numbers().astype(np.float32) / 10_000
    pixels[1, 3, 4] = np.nan
    scene = scene_of(tmp_path, pixels)
    reflectance, valid = read_window(scene, resolve_bands(scene, RGB)[0], (0, 0, 120, 100))
    assert not valid[3, 4]
    assert valid.sum() == valid.size - 1
    assert np.isfinite(reflectance).all()


def test_alpha_and_masks_are_respected(tmp_path: Path) -> None:
    pixels = np.concatenate([np.full((3, 70, 70), 90, np.uint8), np.full((1, 70, 70), 255, np.uint8)])
    pixels[3, :, :35] = 0
    path = written(tmp_path / "rgba.tif", pixels, (), photometric="RGB")
    with rasterio.open(path, "r+") as raster:
        raster.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
    made = to_input(read_scene([path]), ex.LAND)
    assert made.valid_share == pytest.approx(0.5, abs=0.02)
    assert np.ptp(made.shown) < 1e-4  # what is not valid takes the mean of the rest


def test_a_coarser_file_is_brought_to_the_finest_grid(tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:50, 0:60]
    fine = written(tmp_path / "fine.tif", np.full((2, 100, 120), 1000, np.uint16), ("B04", "B03"))
    coarse = written(tmp_path / "coarse.tif", (1000 + 10 * columns + 0 * rows)[None].astype(np.uint16), ("B02",), step=20.0)
    scene = read_scene([fine, coarse])
    values, valid = read_window(scene, resolve_bands(scene, RGB)[0], (0, 0, 120, 100))
    assert valid.all()
    middle = np.arange(10, 110)
    np.testing.assert_allclose(values[2, 50, middle] * 10_000, 1000 + 10 * ((middle + 0.5) / 2 - 0.5), atol=1.0)


def test_where_one_file_of_a_scene_does_not_reach_there_is_no_data(tmp_path: Path) -> None:
    wide = written(tmp_path / "wide.tif", np.full((2, 100, 120), 1000, np.uint16), ("B04", "B03"))
    narrow = written(tmp_path / "narrow.tif", np.full((1, 100, 60), 1000, np.uint16), ("B02",))
    scene = read_scene([wide, narrow])
    _, valid = read_window(scene, resolve_bands(scene, RGB)[0], (0, 0, scene.width, scene.height))
    assert valid[:, :59].all()
    assert not valid[:, 61:].any()


def test_a_scene_without_the_bands_gives_an_empty_input_that_names_the_option(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, numbers(bands=2), names=("B08", "B11"))
    with pytest.raises(MissingBands, match="red, green, blue"):
        resolve_bands(scene, RGB)
    made = to_input(scene, ex.LAND)
    assert made.is_empty
    assert made.refusal == notice("scene.missing-bands", name="scene.tif", missing=RGB, has=("B08", "B11"))
    assert "--bands" in say(made.refusal)


def test_the_centre_of_a_larger_scene_is_read_at_the_models_ground_scale(tmp_path: Path) -> None:
    made = to_input(scene_of(tmp_path, numbers(200, 300)), ex.LAND)
    assert made.box == (118.0, 68.0, 64.0, 64.0)
    fine = read_scene([written(tmp_path / "fine.tif", numbers(200, 300), step=5.0)])
    assert to_input(fine, ex.LAND).box == (86.0, 36.0, 128.0, 128.0)


def test_a_window_near_the_edge_moves_inside(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, numbers(200, 300))
    assert input_at(scene, ex.LAND, 299, 0).box == (236.0, 0.0, 64.0, 64.0)
    with pytest.raises(OutOfRange, match="at"):
        input_at(scene, ex.LAND, 300, 0)


def test_coarse_pixels_are_enlarged_and_that_is_said(tmp_path: Path) -> None:
    made = to_input(scene_of(tmp_path, numbers(200, 300), step=30.0), ex.LAND)
    assert made.box[2:] == (21.0, 21.0)
    assert notice("scene.pixels-enlarged", metres=pytest.approx(30, rel=1e-3), model_metres=10.0) in made.assumptions


@pytest.mark.parametrize(("step", "is_said"), [(0.5, True), (5.0, True), (9.8, False), (10.0, False)])
def test_pixels_finer_than_the_models_are_averaged_and_that_is_said(tmp_path: Path, step: float, is_said: bool) -> None:
    made = to_input(scene_of(tmp_path, numbers(2000, 2000), step=step), ex.LAND)
    expected = notice("scene.pixels-averaged", metres=pytest.approx(step, rel=1e-2), model_metres=10.0)
    assert (expected in made.assumptions) is is_said


@pytest.mark.parametrize(("step", "coarsest", "is_known"), [(15, None, True), (20, None, False), (30, 30.0, True), (38, 30.0, False)])
def test_pixels_coarser_than_any_that_the_training_showed_are_outside(
    tmp_path: Path, step: float, coarsest: float | None, is_known: bool
) -> None:
    made = to_input(scene_of(tmp_path, numbers(200, 300), step=step), replace(ex.LAND, coarsest_m=coarsest))
    assert (made.refusal is None) is is_known
    assert any(each.code == "scene.pixels-enlarged" for each in made.assumptions), "no scene is enlarged in silence"
    if coarsest is not None and not is_known:
        assert (
            say(made.refusal)
            == f"The pixels of the scene are {step} m on the ground; the model was trained at 10 m, and shown pixels of up to 30 m."
        )


def test_a_scene_without_a_crs_is_read_pixel_by_pixel_and_that_is_said(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, numbers(200, 300), crs=None)
    assert window_size(scene, ex.LAND) == (64, 64)
    assert notice("scene.pixel-size-assumed", metres=10.0) in to_input(scene, ex.LAND).assumptions


def test_a_scene_that_covers_too_little_is_too_coarse_or_holds_no_data_is_refused(tmp_path: Path) -> None:
    small = to_input(scene_of(tmp_path, numbers(100, 100), step=0.5), ex.LAND)
    assert say(small.refusal) == "The scene covers only 50 x 50 m; the model reads 640 x 640 m."
    coarse = to_input(scene_of(tmp_path, numbers(100, 100), step=250.0), ex.LAND)
    assert say(coarse.refusal) == "The pixels of the scene are 250 m on the ground; the model was trained at 10 m."
    empty = to_input(scene_of(tmp_path, np.zeros((3, 80, 80), np.uint16), nodata=0), ex.LAND)
    assert empty.refusal == notice("scene.window-empty")
    assert np.isfinite(empty.values).all()


def test_a_scene_is_no_radiograph_but_still_answered(tmp_path: Path) -> None:
    made = to_input(scene_of(tmp_path, numbers(300, 500)), ex.CHEST)
    assert made.refusal == notice("input.geotiff", domain="radiograph")
    assert made.values.shape == (1, 224, 224)
    assert made.shown.min() == 0.0
    assert made.shown.max() == 1.0


def test_rendering_clips_at_the_models_top() -> None:
    shown = rendering(np.array([-0.1, 0.0, 0.1375, 0.275, 0.9], np.float32), ex.LAND)
    np.testing.assert_allclose(shown, [0.0, 0.0, 0.5, 1.0, 1.0], atol=1e-6)


def test_real_scenes_give_plausible_inputs(shared_data: Path) -> None:
    paris = shared_data / "change-sentinel2" / "paris"
    made = to_input(read_scene([paris / "before_10m.tif", paris / "before_20m.tif"]), ex.LAND)
    assert made.refusal is None
    assert made.valid_share == 1.0
    assert 0.2 < made.shown.mean() < 0.8
    assert made.box[2] > made.box[3]  # degrees of longitude are shorter than those of latitude


def test_a_whole_scene_is_reduced_to_the_means_of_what_has_data(tmp_path: Path) -> None:
    pixels = np.random.default_rng(2).integers(200, 2500, (3, 60, 80)).astype(np.uint16)
    pixels[:, :30, :40] = 0
    pixels[:, 30:33, :2] = 0
    scene = read_scene([write_geotiff(tmp_path / "a.tif", pixels, descriptions=("B04", "B03", "B02"), nodata=0)])
    bands, _ = resolve_bands(scene, RGB)
    values, valid = read_reduced(scene, bands, (6, 8))
    assert not valid[:3, :4].any() and valid[3:].all() and valid[:, 4:].all()
    held = np.ma.masked_equal(pixels, 0).reshape(3, 6, 10, 8, 10).mean(axis=(2, 4)).filled(0) * 1e-4
    np.testing.assert_allclose(values, held, atol=1e-4)
    cloud = write_geotiff(tmp_path / "cloud.tif", (np.arange(60 * 80).reshape(1, 60, 80) >= 50 * 80).astype(np.uint8))
    cloudy = replace(scene, clouds=CloudMask(CloudKind.OWN, cloud))
    assert (~read_reduced(cloudy, bands, (6, 8))[1][5]).all() and read_reduced(cloudy, bands, (6, 8))[1][3:5].all()
    two = [write_geotiff(tmp_path / f"x_{name}.tif", pixels[place : place + 1]) for place, name in enumerate(("B04", "B03"))]
    coarse = write_geotiff(tmp_path / "x_B02.tif", pixels[2:, ::2, ::2], transform=GRID @ Affine.scale(2))
    mixed = read_scene([*two, coarse])
    values, _ = read_reduced(mixed, resolve_bands(mixed, RGB)[0], (6, 8))
    np.testing.assert_allclose(values[2, 4:, 5:], held[2, 4:, 5:], atol=0.03)
