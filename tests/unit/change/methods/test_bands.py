"""Change without a model: differences of an index, and IR-MAD."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from core.change.evidence import STEPS
from core.change.methods.choose import bands_method
from core.change.threshold import ScoreHistogram
from core.errors import MissingBands, NoGrid, OutOfRange
from core.prepare.indices import INDICES
from core.readers import read_scene
from core.types import ChangeMap, Scene
from core.workflows.change import detect_change
from tests.unit.change.pairs import BLOCK, SIZE, pixels_of, written

NAMES = ("B03", "B04", "B08", "B11", "B12")
GREEN = (0.06, 0.04, 0.40, 0.20, 0.10)
"""Reflectance of a wood in those bands."""
BURNT = (0.05, 0.07, 0.12, 0.25, 0.28)


def wood(seed: int = 3) -> NDArray[np.float64]:
    """Reflectance [5, rows, columns] of a wood; texture that all bands share, and some of their own."""
    noise = np.random.default_rng(seed)
    texture = noise.normal(0.0, 0.01, SIZE) + noise.normal(0.0, 0.004, (len(NAMES), *SIZE))
    return np.clip(np.array(GREEN)[:, None, None] + texture, 0.001, 1.0)


def burnt(reflectance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same with a burn on it."""
    changed = reflectance.copy()
    changed[:, *BLOCK] += (np.array(BURNT) - np.array(GREEN))[:, None, None]
    return np.clip(changed, 0.001, 1.0)


def scene(path: Path, reflectance: NDArray[np.float64], names: tuple[str, ...] = NAMES, **profile: Any) -> Scene:
    return written(path, np.rint(reflectance * 10_000).astype(np.uint16), descriptions=names, **profile)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, Scene]:
    folder = tmp_path_factory.mktemp("scenes")
    other = burnt(wood()) + np.random.default_rng(9).normal(0.0, 0.002, (len(NAMES), *SIZE))
    return scene(folder / "before_20240601.tif", wood()), scene(folder / "after_20240901.tif", np.clip(other, 0.001, 1.0))


def changed(result: ChangeMap) -> NDArray[np.bool_]:
    return np.asarray(pixels_of(result.change) == 1)


def test_a_burn_is_where_nbr_fell_by_a_tenth(pair: tuple[Scene, Scene], tmp_path: Path) -> None:
    result = detect_change(*pair, bands_method("index", "nbr"), tmp_path)
    values = [np.rint(pixels_of_all(one) * 1.0).astype(np.float32) * np.float32(1e-4) for one in pair]
    nbr = [(one[2] - one[4]) / (one[2] + one[4]) for one in values]
    assert_allclose(pixels_of(result.score), nbr[0] - nbr[1], atol=1 / STEPS)
    expected = np.zeros(SIZE, dtype=bool)
    expected[BLOCK] = True
    assert_array_equal(changed(result), expected)
    assert (result.parameters["threshold"], result.parameters["index"], result.model, result.labels) == (0.1, "nbr", "", ())
    assert (result.polygons[0].before, result.polygons[0].after) == (None, None)


def pixels_of_all(one: Scene) -> NDArray[np.float64]:
    import rasterio

    with rasterio.open(one.files[0]) as file:
        return np.asarray(file.read(), dtype=np.float64)


def test_a_burn_backwards_is_none(pair: tuple[Scene, Scene], tmp_path: Path) -> None:
    result = detect_change(pair[1], pair[0], bands_method("index", "nbr"), tmp_path)
    assert result.changed_pixels == 0
    assert pixels_of(result.score).min() < -0.5


@pytest.mark.parametrize("name", ["ndvi", "ndwi", "ndbi"])
def test_the_other_indices_count_either_way(pair: tuple[Scene, Scene], tmp_path: Path, name: str) -> None:
    there = detect_change(*pair, bands_method("index", name), tmp_path / "there")
    back = detect_change(pair[1], pair[0], bands_method("index", name), tmp_path / "back")
    assert_array_equal(pixels_of(there.score), pixels_of(back.score))
    assert there.changed_pixels == back.changed_pixels > 0
    assert there.parameters["threshold"] == 0.2


def test_otsu_parts_a_burn_from_the_rest(pair: tuple[Scene, Scene], tmp_path: Path) -> None:
    result = detect_change(*pair, bands_method("index", "nbr", "otsu"), tmp_path)
    assert 0.1 < result.parameters["threshold"] < 0.8
    assert changed(result)[BLOCK].all()
    assert result.changed_pixels == 32 * 32


def test_otsu_of_scores_that_are_all_alike_is_the_usual_threshold() -> None:
    scores = ScoreHistogram(-2.0, 2.0)
    scores.add(np.full((3, 3), 0.25, np.float32))
    assert scores.otsu(0.1) == 0.1


@pytest.mark.parametrize("method", [("index", "ndvi"), ("mad", "")])
def test_a_date_against_itself_gives_no_changed_pixel(pair: tuple[Scene, Scene], tmp_path: Path, method: tuple[str, str]) -> None:
    result = detect_change(pair[1], pair[1], bands_method(*method), tmp_path)
    assert (result.changed_pixels, result.polygons) == (0, ())


def test_mad_finds_the_burn_and_little_else(pair: tuple[Scene, Scene], tmp_path: Path) -> None:
    found = changed(detect_change(*pair, bands_method("mad"), tmp_path))
    assert found[BLOCK].mean() > 0.99
    found[BLOCK] = False
    assert found.mean() < 0.02


def test_mad_is_blind_to_linear_light(pair: tuple[Scene, Scene], tmp_path: Path) -> None:
    dimmer = scene(tmp_path / "dimmer.tif", np.clip(pixels_of_all(pair[1]) * 1e-4 * 1.5 + 0.03, 0.0, 1.0))
    plain = pixels_of(detect_change(*pair, bands_method("mad"), tmp_path / "plain").score)
    dimmed = pixels_of(detect_change(pair[0], dimmer, bands_method("mad"), tmp_path / "dimmed").score)
    assert np.abs(plain - dimmed).mean() < 0.02


def test_mad_is_the_same_both_ways(pair: tuple[Scene, Scene], tmp_path: Path) -> None:
    there, back = (pixels_of(detect_change(*dates, bands_method("mad"), tmp_path / name).score)
                   for dates, name in ((pair, "there"), (pair[::-1], "back")))  # fmt: skip
    assert_allclose(there, back, atol=2 / STEPS)


def test_no_data_of_either_date_is_never_a_change(pair: tuple[Scene, Scene], tmp_path: Path) -> None:
    hidden = pixels_of_all(pair[1]) * 1e-4
    hidden[:, :10] = 0.0
    other = scene(tmp_path / "hidden.tif", hidden)
    for place, method in enumerate((bands_method("index", "nbr"), bands_method("mad"))):
        result = detect_change(pair[0], other, method, tmp_path / str(place))
        assert_array_equal(pixels_of(result.change)[:10], 255)
        assert np.isnan(pixels_of(result.score)[:10]).all()
        assert np.isfinite(pixels_of(result.score)[10:]).all()


def test_two_black_pixels_have_an_index_of_zero() -> None:
    black = np.zeros(1, np.float32)
    assert INDICES["ndvi"].of(black, black) == 0.0


def test_what_cannot_be_used_is_named(pair: tuple[Scene, Scene], tmp_path: Path) -> None:
    with pytest.raises(OutOfRange, match="ndvi, ndwi, ndbi, nbr"):
        bands_method("index", "evi")
    with pytest.raises(OutOfRange, match="--threshold"):
        bands_method("mad", "", "much")
    grey = read_scene([scene(tmp_path / "two.tif", wood()[:2], NAMES[:2]).files[0]])
    with pytest.raises(MissingBands, match="near infrared"):
        detect_change(pair[0], grey, bands_method("index", "ndvi"), tmp_path / "out")
    lost = scene(tmp_path / "lost.tif", wood(), crs=None)
    with pytest.raises(NoGrid):
        detect_change(lost, pair[1], bands_method("mad"), tmp_path / "out")
    assert not (tmp_path / "out").exists()
