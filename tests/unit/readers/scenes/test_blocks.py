"""A GeoTIFF that declares pixels and does not hold them is refused at the door; where some blocks are missing there is no data."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from core.errors import NoPixels, TooLarge
from core.prepare.grid.bands import read_window, resolve_bands
from core.readers import read_scene
from core.types import Notice, Scene
from tests.conftest import PROJECT
from tests.unit.readers.scenes.geotiff_files import GRID, UTM

NAMES = ("B04", "B03", "B02")


def sparse(path: Path, side: int, *tiles: tuple[int, int], block: int = 256, interleave: str = "pixel", **profile: object) -> Path:
    """A file of side x side pixels that holds some of its tiles (column, row), everywhere 7."""
    with rasterio.open(
        path, "w", driver="GTiff", width=side, height=side, count=3, dtype="uint16", crs=UTM, transform=GRID, tiled=True,
        blockxsize=block, blockysize=block, SPARSE_OK="TRUE", interleave=interleave, compress="deflate", BIGTIFF="YES", **profile,
    ) as file:  # fmt: skip
        for index, name in enumerate(NAMES, start=1):
            file.set_band_description(index, name)
        for column, row in tiles:
            width, height = min(block, side - column * block), min(block, side - row * block)
            file.write(np.full((3, height, width), 7, np.uint16), window=Window(column * block, row * block, width, height))
    return path


def codes(scene: Scene) -> set[str]:
    return {one.code for one in scene.assumptions if isinstance(one, Notice)}


def valid_of(scene: Scene) -> np.ndarray:
    return read_window(scene, resolve_bands(scene, ("red", "green", "blue"))[0], (0, 0, scene.width, scene.height))[1]


@pytest.mark.parametrize(("side", "block"), [(512, 256), (100_000, 4096)])
@pytest.mark.parametrize("interleave", ["pixel", "band"])
def test_a_file_without_any_block_holds_no_pixels(tmp_path: Path, side: int, block: int, interleave: str) -> None:
    path = sparse(tmp_path / "a.tif", side, block=block, interleave=interleave)
    started = time.monotonic()
    with pytest.raises(NoPixels, match=rf"a\.tif declares {side:,} x {side:,} pixels and holds none of them"):
        read_scene([path])
    assert time.monotonic() - started < 10


def test_a_vast_file_that_holds_hardly_anything_is_refused_and_a_part_of_a_scene_is_not(tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match=r"holds 0\.16 % of them"):
        read_scene([sparse(tmp_path / "vast.tif", 100_000, (3, 4), block=4096)])
    assert read_scene([sparse(tmp_path / "part.tif", 20_000, (0, 0), (4, 4), block=4096)]).width == 20_000


@pytest.mark.parametrize("profile", [{}, {"nodata": 0}])
def test_where_a_block_is_missing_there_is_no_data(tmp_path: Path, profile: dict[str, object]) -> None:
    scene = read_scene([sparse(tmp_path / "a.tif", 600, (0, 0), (2, 1), **profile)])
    expected = np.zeros((600, 600), dtype=np.bool_)
    expected[:256, :256] = expected[256:512, 512:] = True
    np.testing.assert_array_equal(valid_of(scene), expected)
    assert ("scene.blocks-missing" in codes(scene)) == (not profile)
    upside_down = replace(scene, transform=GRID @ rasterio.Affine(1, 0, 0, 0, -1, 600))
    np.testing.assert_array_equal(valid_of(upside_down), expected[::-1])


def test_a_band_that_is_zero_everywhere_may_be_missing_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    profile = {"width": 64, "height": 64, "count": 3, "dtype": "uint16", "crs": UTM, "transform": GRID, "interleave": "band"}
    with rasterio.open(path, "w", driver="GTiff", SPARSE_OK="TRUE", **profile) as file:
        file.write(np.full((2, 64, 64), 9, np.uint16), [2, 3])
        file.descriptions = NAMES
    assert valid_of(read_scene([path])).all()


def test_the_empty_file_of_the_cases_is_refused_within_seconds() -> None:
    case = PROJECT.parent / "shared" / "cases" / "huge-declared" / "empty.tif"
    if not case.is_file():
        pytest.skip("../shared/cases is not here")
    with pytest.raises(NoPixels):
        read_scene([case])
