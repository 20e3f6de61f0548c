"""Whole scenes through a change network: strips make the same as the whole, and nodata is never a change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from core.inference.engine import ChangeEngine, change_engine_for
from core.inference.runtimes import Runtime
from core.inference.scenes import pair as pair_module
from core.inference.scenes import pair_tiles as pair_tiles_module
from core.inference.scenes.pair import change_probability, change_strips, pixel_grid, standards
from core.inference.scenes.pair_tiles import PairRows, blended_rows
from core.prepare.grid.pair import ScenePair, pair_of
from core.prepare.grid.tiles import grid_of_pixels
from core.types import ChangeCalibration, FloatImage
from models.change_registry import load_change_model
from tests.tiny_change import BLOCK, GRID, built, field, scene_of, two_dates, write_tiny_change_model


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> ChangeEngine:
    folder = write_tiny_change_model(tmp_path_factory.mktemp("models") / "tiny")
    return ChangeEngine(load_change_model(str(folder)), Runtime())


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, engine: ChangeEngine) -> ScenePair:
    return pair_of(*two_dates(tmp_path_factory.mktemp("scenes")), engine.model.preprocess)


def whole(pair: ScenePair, engine: ChangeEngine, rows: int | None = None) -> FloatImage:
    """[rows, columns], NaN where not valid."""
    strips = list(change_strips(pair, engine, rows))
    return np.concatenate([np.where(strip.valid, strip.probabilities[0], np.nan) for strip in strips])


def test_strips_of_any_height_make_one_scene(pair: ScenePair, engine: ChangeEngine) -> None:
    found = whole(pair, engine)
    assert found.shape == (104, 96)
    for rows in (1, 7, 50):
        assert_allclose(whole(pair, engine, rows), found, atol=1e-6)


def test_what_was_built_stands_out(pair: ScenePair, engine: ChangeEngine) -> None:
    found = whole(pair, engine)
    changed = np.zeros(found.shape, dtype=bool)
    changed[BLOCK] = True
    assert found[changed].min() > 0.6
    assert found[~changed].max() < 0.5


def test_exchanging_the_dates_changes_nothing(pair: ScenePair, engine: ChangeEngine) -> None:
    back = pair_of(pair.after, pair.before, engine.model.preprocess)
    assert_allclose(whole(back, engine), whole(pair, engine), atol=1e-5)


def test_a_scene_smaller_than_a_tile_has_every_pixel(engine: ChangeEngine, tmp_path: Path) -> None:
    small = [scene_of(tmp_path / f"{seed}.tif", field(seed, (20, 26))) for seed in (1, 2)]
    found = whole(pair_of(*small, engine.model.preprocess), engine)
    assert found.shape == (20, 26)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("step", [5.0, 30.0])
def test_pixels_of_another_size_are_brought_to_the_model_and_back(engine: ChangeEngine, tmp_path: Path, step: float) -> None:
    grid = GRID @ GRID.scale(step / 10.0)
    scenes = [scene_of(tmp_path / "a.tif", field(1), grid), scene_of(tmp_path / "b.tif", built(field(2)), grid)]
    lattice = pixel_grid(scenes[0], engine.model.preprocess)
    assert lattice.rows == round(104 * step / 10.0)
    assert whole(pair_of(*scenes, engine.model.preprocess), engine).shape == (104, 96)


def test_pixels_a_little_off_the_model_are_read_as_they_are(engine: ChangeEngine, tmp_path: Path) -> None:
    scene = scene_of(tmp_path / "a.tif", field(), GRID @ GRID.scale(1.2))
    assert pixel_grid(scene, engine.model.preprocess).rows == 104


@pytest.mark.parametrize("hidden", [0, 1])
def test_a_pixel_without_data_in_one_date_has_no_chance_of_change(engine: ChangeEngine, tmp_path: Path, hidden: int) -> None:
    pixels = [field(1), built(field(2))]
    pixels[hidden][:, 60:, :30] = 0
    scenes = [scene_of(tmp_path / f"{place}.tif", one, nodata=0) for place, one in enumerate(pixels)]
    pair = pair_of(*scenes, engine.model.preprocess)
    found = whole(pair, engine)
    assert_array_equal(np.isnan(found), pixels[hidden][0] == 0)
    assert standards(pair)[hidden].mean[0] == pytest.approx(pixels[hidden][0][pixels[hidden][0] > 0].mean() * 1e-4, rel=0.2)


def test_progress_is_told_in_tiles_and_what_it_raises_ends_the_work(pair: ScenePair, engine: ChangeEngine) -> None:
    seen: list[tuple[int, int]] = []
    list(change_strips(pair, engine, progress=lambda done, total: seen.append((done, total))))
    assert seen[-1][0] == seen[-1][1] == pixel_grid(pair.before, engine.model.preprocess).tiles

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(change_strips(pair, engine, progress=stop))


def test_tiles_that_agree_blend_into_themselves() -> None:
    """A network that answers with its input: whatever the overlap, every pixel comes back as it was."""
    values = np.random.default_rng(0).normal(size=(1, 70, 50)).astype(np.float32)
    grid = grid_of_pixels((70, 50), (32, 32))
    known = np.ones((70, 50), dtype=bool)
    rows = blended_rows(
        lambda first, last: PairRows(values[:, first:last], values[:, first:last], known[first:last]),
        grid,
        lambda before, after: before[:, 0],
    )
    assert_allclose(np.concatenate([part for _, part in rows]), values[0], atol=1e-5)


def test_the_calibration_moves_and_stretches_the_logits() -> None:
    logits = np.array([-2.0, 0.0, 3.0], dtype=np.float32)
    assert_allclose(change_probability(logits, None), 1 / (1 + np.exp(-logits)), rtol=1e-6)
    assert_allclose(change_probability(logits, ChangeCalibration(2.0, 3.0, 0.5))[2], 0.5)


def test_a_second_call_gives_the_same_engine(tmp_path: Path) -> None:
    folder = write_tiny_change_model(tmp_path / "tiny")
    assert change_engine_for(str(folder)) is change_engine_for(str(folder))


def test_a_model_that_is_not_calibrated_gives_scores(pair: ScenePair, engine: ChangeEngine) -> None:
    plain = ChangeEngine(replace(engine.model, calibration=None), engine.runtime)
    assert_allclose(whole(pair, plain), whole(pair, engine), atol=1e-6)  # the tiny calibration changes nothing


def test_the_level_of_a_scene_is_taken_from_every_pixel_of_it(pair: ScenePair, engine: ChangeEngine) -> None:
    plain = whole(pair, engine)
    logits = np.log(plain / (1 - plain))
    calibration = ChangeCalibration(1.0, 0.0, 0.5, level_quantile=0.5, lowest_level=-50.0, highest_level=50.0)
    found = ChangeEngine(replace(engine.model, calibration=calibration), engine.runtime)
    for rows in (None, 9):
        assert_allclose(whole(pair, found, rows), 1 / (1 + np.exp(np.median(logits) - logits)), atol=0.01)


def test_work_that_overlaps_gives_the_same_bits_as_work_one_after_the_other(
    pair: ScenePair, engine: ChangeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = whole(pair, engine)
    for module in (pair_module, pair_tiles_module):
        monkeypatch.setattr(module, "ahead", lambda items: (item for item in items))
    assert_array_equal(whole(pair, engine), beside)
