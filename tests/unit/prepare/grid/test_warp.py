"""A scene read on a grid that is turned, mirrored or south-up against its own: the same ground, as sharp as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.transform import Affine
from scipy.ndimage import map_coordinates

from core.prepare.grid.bands import read_window, resolve_bands
from core.readers import read_scene
from core.types import FloatImage, Mask, Scene
from tests.conftest import PROJECT
from tests.unit.readers.scenes.geotiff_files import write_geotiff

RGB = ("red", "green", "blue")
SIDE = 120
PLACE = Affine(10, 0, 448_000, 0, -10, 5_411_000)
TURNS = {
    "a quarter to the left": (Affine(0, -1, SIDE, 1, 0, 0), lambda pixels: np.rot90(pixels, 1, axes=(1, 2))),
    "a quarter to the right": (Affine(0, 1, 0, -1, 0, SIDE), lambda pixels: np.rot90(pixels, -1, axes=(1, 2))),
    "half a turn": (Affine(-1, 0, SIDE, 0, -1, SIDE), lambda pixels: np.rot90(pixels, 2, axes=(1, 2))),
    "south-up": (Affine(1, 0, 0, 0, -1, SIDE), lambda pixels: pixels[:, ::-1]),
    "mirrored": (Affine(-1, 0, SIDE, 0, 1, 0), lambda pixels: pixels[:, :, ::-1]),
}
"""Columns and rows of the turned copy -> those of the original; and what is stored in the copy."""


def noise(bands: int = 3, side: int = SIDE) -> NDArray[np.uint16]:
    return np.random.default_rng(1).integers(100, 2700, (bands, side, side)).astype(np.uint16)


def written(path: Path, pixels: NDArray[np.uint16], transform: Affine = PLACE, crs: str = "EPSG:32631") -> Scene:
    return read_scene([write_geotiff(path, np.ascontiguousarray(pixels), descriptions=("B04", "B03", "B02"), transform=transform, crs=crs)])


def on(scene: Scene, grid: Scene) -> tuple[FloatImage, Mask]:
    """Digital numbers [3, rows, columns] and the valid mask of a scene as it is read on another grid."""
    moved = replace(scene, crs=grid.crs, transform=grid.transform, width=grid.width, height=grid.height)
    values, valid = read_window(moved, resolve_bands(moved, RGB)[0], (0, 0, grid.width, grid.height))
    return values * 10_000, valid


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("is_reference_turned", [True, False])
def test_an_exact_copy_that_is_stored_turned_is_read_back_exactly(tmp_path: Path, turn: str, is_reference_turned: bool) -> None:
    to_original, stored = TURNS[turn]
    original = written(tmp_path / "a.tif", noise())
    copy = written(tmp_path / "b.tif", stored(noise()), PLACE @ to_original)
    values, valid = on(original, copy) if is_reference_turned else on(copy, original)
    assert valid.all()
    np.testing.assert_allclose(values, stored(noise()) if is_reference_turned else noise(), atol=0.01)


@pytest.mark.parametrize("degrees", [7.0, 30.0, 45.0, 80.0])
def test_a_turned_reference_gets_the_pixels_between_their_neighbours_and_no_blur(tmp_path: Path, degrees: float) -> None:
    original = written(tmp_path / "a.tif", noise())
    turned = PLACE @ Affine.translation(60, 20) @ Affine.rotation(degrees)
    grid = replace(original, transform=turned, width=40, height=40)
    columns, rows = ~PLACE @ (turned @ tuple(np.meshgrid(np.arange(40) + 0.5, np.arange(40) + 0.5)))
    values, valid = on(original, grid)
    inside = (columns > 1) & (columns < SIDE - 1) & (rows > 1) & (rows < SIDE - 1)
    expected = map_coordinates(noise()[0].astype(float), [rows - 0.5, columns - 0.5], order=1, mode="nearest")
    assert valid[inside].all()
    np.testing.assert_allclose(values[0][inside], expected[inside], atol=25)  # of noise between 100 and 2,700; GDAL places within 1/8 px


def test_half_as_many_pixels_of_a_turned_grid_are_means_and_not_picked(tmp_path: Path) -> None:
    original = written(tmp_path / "a.tif", noise())
    to_original, _ = TURNS["a quarter to the left"]
    grid = replace(original, transform=PLACE @ to_original @ Affine.scale(2), width=SIDE // 2, height=SIDE // 2)
    values, _ = on(original, grid)
    assert values[0, 2:-2, 2:-2].std() < 0.62 * noise()[0].std()  # a triangle over 4 x 4 pixels leaves 0.47, one pixel of four 1.0


@pytest.mark.parametrize("bands", [3, 4, 5])
@pytest.mark.parametrize("is_turned", [True, False])
def test_an_alpha_band_counts_behind_any_number_of_bands(tmp_path: Path, bands: int, is_turned: bool) -> None:
    pixels = np.concatenate([noise(bands), np.full((1, SIDE, SIDE), 65535, np.uint16)])
    pixels[:, :, SIDE // 2 :] = 0
    names = ("B04", "B03", "B02", "B08", "B11")[:bands]
    colours = [*(ColorInterp.undefined for _ in range(bands)), ColorInterp.alpha]
    scene = read_scene([write_geotiff(tmp_path / "a.tif", pixels, descriptions=names, colours=colours, transform=PLACE)])
    assert len(scene.bands) == bands
    grid = replace(scene, transform=PLACE @ TURNS["half a turn"][0]) if is_turned else scene
    values, valid = on(scene, grid)
    expected = pixels[-1] > 0
    np.testing.assert_array_equal(valid, expected[::-1, ::-1] if is_turned else expected)
    assert values[:, valid].min() >= 99, "no zero bled into its neighbours"


def test_four_bands_and_an_alpha_band_of_a_real_export_are_valid_on_the_left(tmp_path: Path) -> None:
    case = PROJECT.parent / "shared" / "cases" / "alpha-beside-four-bands" / "alpha16.tif"
    if not case.is_file():
        pytest.skip("../shared/cases is not here")
    scene = read_scene([case])
    _, valid = read_window(scene, resolve_bands(scene, RGB)[0], (0, 0, 128, 128))
    assert (valid.sum(), valid[:, :64].sum()) == (8192, 8192)
