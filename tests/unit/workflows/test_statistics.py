"""A cut of two dates is answered as the whole was, where the statistics of the whole are given."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.testing import assert_array_equal
from rasterio.windows import Window

from core.change.methods.choose import method_for
from core.errors import InputError, NotFound
from core.inference.engine import ChangeEngine, change_engine_for
from core.inference.runtimes import Runtime
from core.inference.scenes.pair_statistics import read_statistics
from core.readers import read_scene
from core.settings import settings
from core.types import ChangeCalibration, Scene
from core.workflows.change import detect_change
from core.workflows.report_files import write_changes
from models.change_registry import load_change_model
from tests.tiny_change import SIDE, two_dates, write_tiny_change_model
from tests.unit.change.pairs import pixels_of, tiny_engine

PROJECT = Path(__file__).resolve().parents[3]
LEVELLED = ChangeCalibration(2.0, 0.5, 0.6, level_quantile=0.5, lowest_level=-50.0, highest_level=50.0)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> ChangeEngine:
    """A tiny change model with levels, so that every statistic counts."""
    model = load_change_model(str(write_tiny_change_model(tmp_path_factory.mktemp("models") / "tiny")))
    return ChangeEngine(replace(model, calibration=LEVELLED), Runtime())


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, Scene]:
    return two_dates(tmp_path_factory.mktemp("scenes"))


@pytest.fixture(scope="module")
def told(pair: tuple[Scene, Scene], engine: ChangeEngine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report.json of the whole."""
    out = tmp_path_factory.mktemp("whole")
    write_changes(pair, method_for(engine), engine, out)
    return out / "report.json"


def cut(scene: Scene, path: Path, window: tuple[int, int, int, int]) -> Scene:
    """(left, top, width, height) of a scene of one file."""
    with rasterio.open(scene.files[0]) as source:
        place = Window(*window)
        profile = {**source.profile, "width": window[2], "height": window[3], "transform": source.window_transform(place)}
        with rasterio.open(path, "w", **profile) as file:
            file.write(source.read(window=place))
            file.descriptions, file.scales, file.offsets = source.descriptions, source.scales, source.offsets
            file.update_tags(**source.tags())
    return read_scene([path])


def cuts_of(pair: tuple[Scene, Scene], folder: Path, window: tuple[int, int, int, int]) -> tuple[Scene, Scene]:
    before, after = (cut(scene, folder / f"{place}.tif", window) for place, scene in enumerate(pair))
    return before, after


def test_a_report_holds_the_statistics_of_the_whole_and_gives_them_back(told: Path, engine: ChangeEngine, tmp_path: Path) -> None:
    held = json.loads(told.read_text(encoding="utf-8"))["parameters"]["statistics"]
    found = read_statistics(told)
    assert found.as_values() == held
    assert found.bands == ("blue", "green", "red", "near infrared", "short-wave infrared 1", "short-wave infrared 2")
    assert (found.weights, found.threshold) == (engine.model.weights_hash, 0.6)
    assert found.level != 0.0
    alone = tmp_path / "statistics.json"
    alone.write_text(json.dumps(held), encoding="utf-8")
    assert read_statistics(alone).as_values() == held


def test_the_same_dates_are_answered_the_same_by_their_own_statistics(
    pair: tuple[Scene, Scene], engine: ChangeEngine, told: Path, tmp_path: Path
) -> None:
    result = detect_change(*pair, method_for(engine, statistics=read_statistics(told)), tmp_path)
    assert_array_equal(pixels_of(result.score), pixels_of(told.parent / "change_probability.tif"))
    assert result.parameters["statistics"] == read_statistics(told).as_values()


def test_a_cut_is_answered_as_the_whole_was(pair: tuple[Scene, Scene], engine: ChangeEngine, told: Path, tmp_path: Path) -> None:
    left, top, width, height = window = (3, 5, 90, 80)
    pieces = cuts_of(pair, tmp_path, window)
    inside = np.s_[SIDE:-SIDE, SIDE:-SIDE]
    whole = pixels_of(told.parent / "change_probability.tif")[top : top + height, left : left + width][inside]
    known = detect_change(*pieces, method_for(engine, statistics=read_statistics(told)), tmp_path / "known")
    np.testing.assert_allclose(pixels_of(known.score)[inside], whole, atol=1e-3)
    alone = detect_change(*pieces, method_for(engine), tmp_path / "alone")
    assert np.abs(pixels_of(alone.score)[inside] - whole).max() > 0.01, "else the statistics would not matter"


def test_a_cut_of_the_bundled_dates_is_answered_as_the_whole_was(tmp_path: Path) -> None:
    if not (settings().zoo / "change-sentinel2" / "config.json").is_file():
        pytest.skip("models/zoo/change-sentinel2 is not here: this test needs the trained model")
    scenes = [read_scene([PROJECT / "sample_data" / f"earth-{when}.tif"]) for when in ("before", "after")]
    engine = change_engine_for("change-sentinel2")
    large = cuts_of((scenes[0], scenes[1]), tmp_path, (200, 120, 384, 400))
    write_changes(large, method_for(engine), engine, tmp_path / "whole")
    (tmp_path / "small").mkdir()
    small = cuts_of(large, tmp_path / "small", (31, 57, 290, 300))
    result = detect_change(*small, method_for(engine, statistics=read_statistics(tmp_path / "whole" / "report.json")), tmp_path / "cut")
    inside = np.s_[96:-96, 96:-96]
    whole = pixels_of(tmp_path / "whole" / "change.tif")[57:357, 31:321][inside]
    assert (pixels_of(result.change)[inside] == whole).mean() >= 0.995


@pytest.mark.parametrize(
    ("change", "match"),
    [({"weights": "other"}, "weights other"), ({"bands": ["red"]}, "no statistics"), ({"level": None}, "no statistics")],
)
def test_statistics_of_another_model_or_of_nothing_are_refused(
    pair: tuple[Scene, Scene], engine: ChangeEngine, told: Path, tmp_path: Path, change: dict[str, Any], match: str
) -> None:
    held = json.loads(told.read_text(encoding="utf-8"))["parameters"]["statistics"]
    path = tmp_path / "statistics.json"
    path.write_text(json.dumps({**held, **change}), encoding="utf-8")
    with pytest.raises(InputError, match=match):
        detect_change(*pair, method_for(engine, statistics=read_statistics(path)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_no_report_of_a_change_model_is_refused(told: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="missing"):
        read_statistics(tmp_path / "missing.json")
    for text in ("", "[]", "{}", '{"parameters": {}}', "\x00"):
        (tmp_path / "odd.json").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match="no statistics"):
            read_statistics(tmp_path / "odd.json")
    with pytest.raises(InputError, match="uses no statistics"):
        method_for(tiny_engine(tmp_path / "cover"), statistics=read_statistics(told))
