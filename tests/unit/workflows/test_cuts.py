"""Maps of the trained model do not depend on where the knife falls, nor on how a scene is stored. No area of any class is claimed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine

from core.inference.engine import Engine, engine_for
from core.inference.scenes.scores import iterate_scores
from core.readers import read_scene
from core.settings import settings
from core.types import Scene

PROJECT = Path(__file__).resolve().parents[3]
MARGIN = 64
LEFT, TOP = 300, 260
"""Where the part of the bundled scene begins that is mapped."""


@pytest.fixture(scope="module")
def engine() -> Engine:
    if not (settings().zoo / "land-cover" / "config.json").is_file():
        pytest.skip("models/zoo/land-cover is not here: this test needs the trained model")
    return engine_for("land-cover")


@pytest.fixture(scope="module")
def pixels() -> NDArray[np.uint16]:
    """uint16 [4, 230, 250] of the bundled scene."""
    with rasterio.open(PROJECT / "sample_data" / "earth-after.tif") as file:
        return np.asarray(file.read()[:, TOP : TOP + 230, LEFT : LEFT + 250])


@pytest.fixture(scope="module")
def place() -> Affine:
    with rasterio.open(PROJECT / "sample_data" / "earth-after.tif") as file:
        return file.transform @ Affine.translation(LEFT, TOP)


def written(path: Path, pixels: NDArray[np.uint16], transform: Affine) -> Scene:
    with rasterio.open(PROJECT / "sample_data" / "earth-after.tif") as source:
        profile = {**source.profile, "height": pixels.shape[1], "width": pixels.shape[2], "transform": transform}
        with rasterio.open(path, "w", **profile) as file:
            file.write(pixels)
            file.descriptions, file.scales, file.offsets = source.descriptions, source.scales, source.offsets
    return read_scene([path])


def classes(scene: Scene, engine: Engine) -> NDArray[np.intp]:
    return np.concatenate([strip.probabilities.argmax(axis=0) for strip in iterate_scores(scene, engine)])


@pytest.fixture(scope="module")
def whole(engine: Engine, pixels: NDArray[np.uint16], place: Affine, tmp_path_factory: pytest.TempPathFactory) -> NDArray[np.intp]:
    return classes(written(tmp_path_factory.mktemp("whole") / "w.tif", pixels, place), engine)


def test_two_cuts_of_one_scene_have_the_same_classes_inside(
    engine: Engine, pixels: NDArray[np.uint16], place: Affine, whole: NDArray[np.intp], tmp_path: Path
) -> None:
    left, top = 37, 21
    cut = written(tmp_path / "c.tif", pixels[:, top:, left:], place @ Affine.translation(left, top))
    inside = np.s_[MARGIN:-MARGIN, MARGIN:-MARGIN]
    assert (classes(cut, engine)[inside] == whole[top:, left:][inside]).mean() >= 0.995


def test_a_scene_that_is_stored_south_up_or_turned_has_the_classes_of_the_same_one_north_up(
    engine: Engine, pixels: NDArray[np.uint16], place: Affine, whole: NDArray[np.intp], tmp_path: Path
) -> None:
    up = written(tmp_path / "u.tif", pixels[:, ::-1], place @ Affine.translation(0, pixels.shape[1]) @ Affine.scale(1, -1))
    assert (classes(up, engine)[::-1] == whole).mean() >= 0.995
    turned = written(tmp_path / "t.tif", np.rot90(pixels, axes=(1, 2)), place @ Affine(0, -1, pixels.shape[2], 1, 0, 0))
    assert (np.rot90(classes(turned, engine), -1) == whole).mean() >= 0.995
