"""Values that cannot be reflectance are asked about, and those that can are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.prepare.grid.bands import resolve_bands
from core.prepare.grid.reflectance import offset_doubt, scale_doubt, value_doubts
from core.readers import SceneOptions, read_scene
from core.types import Scene
from tests.unit.readers.scenes.geotiff_files import write_geotiff

NAMES = ("B04", "B03", "B02", "B08")
SIDE = 60


def scene_of(path: Path, low: float, high: float, dtype: str, options: SceneOptions | None = None, **profile: Any) -> Scene:
    """Four bands whose values lie evenly between low and high."""
    values = np.random.default_rng(0).uniform(low, high, (4, SIDE, SIDE)).astype(dtype)
    return read_scene([write_geotiff(path, values, descriptions=NAMES, **profile)], options)


@pytest.mark.parametrize(
    ("low", "high", "dtype"),
    [
        (8, 9_580, "float64"),
        (7_300, 43_600, "uint16"),
        (0, 65_535, "uint16"),
        (5, 100, "float32"),
        (0, 255, "float32"),
        (0.75, 0.95, "float32"),
    ],
    ids=["digital numbers as float", "Landsat Collection 2", "EO Browser, 16 bits", "per cent", "8 bits as float", "snow"],
)
def test_values_that_are_no_reflectance_by_the_usual_scale_are_asked_about(tmp_path: Path, low: float, high: float, dtype: str) -> None:
    scene = scene_of(tmp_path / "a.tif", low, high, dtype)
    assert scale_doubt(scene) is not None
    assert resolve_bands(scene, ("red",))[1][0] == scale_doubt(scene), "the doubt is said before what was assumed"


@pytest.mark.parametrize(
    ("low", "high", "dtype"),
    [(0, 0.5, "float32"), (100, 4_000, "uint16"), (1, 12_000, "uint16"), (0, 255, "uint8"), (-50, 3_000, "int16")],
    ids=["reflectance", "Sentinel-2", "with clouds", "rendered", "below zero"],
)
def test_values_that_are_reflectance_are_not_asked_about(tmp_path: Path, low: float, high: float, dtype: str) -> None:
    assert value_doubts(scene_of(tmp_path / "a.tif", low, high, dtype)) == ()


def test_a_few_roofs_that_saturate_the_sensor_raise_no_question(tmp_path: Path) -> None:
    values = np.full((3, 200, 200), 900, np.uint16)
    values[:, 7, 3:9] = 28_000
    assert value_doubts(read_scene([write_geotiff(tmp_path / "a.tif", values, descriptions=NAMES[:3])])) == ()


def test_who_tells_the_scale_is_not_asked(tmp_path: Path) -> None:
    landsat = SceneOptions(scale=0.0000275, offset=-0.2)
    assert value_doubts(scene_of(tmp_path / "a.tif", 7_300, 20_000, "uint16", landsat)) == ()
    assert scale_doubt(scene_of(tmp_path / "b.tif", 8, 9_580, "float64", SceneOptions(scale=1.0))) is not None, (
        "that is no reflectance either"
    )


@pytest.mark.parametrize(("low", "is_asked"), [(1_000, True), (1_040, True), (990, False), (80, False)])
def test_an_offset_of_a_thousand_is_asked_about_where_no_value_lies_below_it(tmp_path: Path, low: int, is_asked: bool) -> None:
    scene = scene_of(tmp_path / "a.tif", low, 4_000, "uint16")
    assert (offset_doubt(scene) is not None) == is_asked
    assert scale_doubt(scene) is None
    assert value_doubts(scene_of(tmp_path / "b.tif", low, 4_000, "uint16", SceneOptions(scale=1e-4, offset=-0.1))) == ()


def test_kelvin_beside_reflectance_raises_no_question(tmp_path: Path) -> None:
    values = np.random.default_rng(0).uniform(0, 0.4, (2, SIDE, SIDE)).astype(np.float32)
    values[1] += 290
    assert value_doubts(read_scene([write_geotiff(tmp_path / "LC08.tif", values, descriptions=("B4", "B10"))])) == ()


def test_nothing_is_asked_of_a_scene_without_data(tmp_path: Path) -> None:
    assert value_doubts(scene_of(tmp_path / "a.tif", 0, 0, "uint16", nodata=0)) == ()
