"""Two dates become their change by a change model: found where it is, the same both ways, with classes only where a model gives them."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from core.change.methods.choose import method_for
from core.errors import Cancelled, MissingBands, NoOverlap, OutOfRange, WrongTask
from core.inference.engine import ChangeEngine, Engine
from core.inference.runtimes import Runtime
from core.types import Domain, Scene, notice
from core.workflows.change import detect_change
from core.workflows.change_series import change_series
from core.workflows.report_files import report_change
from core.workflows.scene_map import map_scene
from models.change_registry import load_change_model
from models.image_statistics import statistics_length
from models.registry import OodDetector
from tests.tiny_change import BLOCK, GRID, built, field, scene_of, two_dates, write_tiny_change_model
from tests.unit.change.pairs import pixels_of, tiny_engine

SIZE = (104, 96)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> ChangeEngine:
    return ChangeEngine(load_change_model(str(write_tiny_change_model(tmp_path_factory.mktemp("models") / "tiny"))), Runtime())


@pytest.fixture(scope="module")
def cover(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return tiny_engine(tmp_path_factory.mktemp("models") / "cover")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, Scene]:
    return two_dates(tmp_path_factory.mktemp("scenes"))


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_what_was_built_is_found_and_nothing_else(pair: tuple[Scene, Scene], engine: ChangeEngine, tmp_path: Path) -> None:
    result = detect_change(*pair, method_for(engine), tmp_path)
    expected = np.zeros(SIZE, dtype=np.uint8)
    expected[BLOCK] = 1
    assert_array_equal(pixels_of(result.change), expected)
    assert (result.changed_pixels, result.valid_pixels) == (expected.sum(), expected.size)
    assert result.changed_hectares == pytest.approx(expected.sum() * 0.01, rel=0.01)
    (polygon,) = result.polygons
    assert (polygon.before, polygon.after) == (None, None)
    assert polygon.probability > 0.9


def test_without_a_model_of_classes_none_are_named(pair: tuple[Scene, Scene], engine: ChangeEngine, tmp_path: Path) -> None:
    result = detect_change(*pair, method_for(engine), tmp_path)
    assert names(tmp_path) >= {"change.tif", "change_probability.tif", "changes.gpkg"}
    assert not names(tmp_path) & {"change_score.tif", "transitions.csv", "landcover_before.tif", "landcover_after.tif"}
    found = geopandas.read_file(result.polygons_file, layer="changes")
    assert list(found["from"]) == list(found["to"]) == [None]
    assert "probability" in found.columns
    assert (result.labels, result.transitions, result.landcover_before) == ((), (), None)


def test_dates_that_look_unlike_the_training_are_said_to(pair: tuple[Scene, Scene], engine: ChangeEngine, tmp_path: Path) -> None:
    statistics = statistics_length(3)
    strict = OodDetector(np.full(statistics, 100.0, np.float32), np.eye(statistics, dtype=np.float32), threshold=1.0)
    gated = ChangeEngine(replace(engine.model, ood_detector=strict), Runtime())
    result = detect_change(*pair, method_for(gated), tmp_path / "strange")
    assert (result.parameters["outside_share_before"], result.parameters["outside_share_after"]) == (1.0, 1.0)
    assert notice("change.outside", percent=100.0) in result.assumptions
    loose = ChangeEngine(replace(engine.model, ood_detector=replace(strict, threshold=1e9)), Runtime())
    assert detect_change(*pair, method_for(loose), tmp_path / "known").parameters["outside_share_after"] == 0.0


def test_a_model_of_classes_names_what_became_what(pair: tuple[Scene, Scene], engine: ChangeEngine, cover: Engine, tmp_path: Path) -> None:
    result = detect_change(*pair, method_for(engine, classes=cover), tmp_path)
    assert names(tmp_path) >= {"transitions.csv", "landcover_before.tif", "landcover_after.tif"}
    assert sum(one.pixels for one in result.transitions) == result.valid_pixels == SIZE[0] * SIZE[1]
    assert {polygon.before for polygon in result.polygons} <= set(cover.model.labels)
    change, before, after = (pixels_of(tmp_path / f"{name}.tif") for name in ("change", "landcover_before", "landcover_after"))
    for name, scene, found in (("before", pair[0], before), ("after", pair[1], after)):
        assert_array_equal(found, pixels_of(map_scene(scene, cover, tmp_path / name).landcover))
    assert sum(one.pixels for one in result.became) == result.changed_pixels == (change == 1).sum()
    assert change[BLOCK].all()
    assert result.parameters["classes_model"] == "cover"
    assert result.parameters["outside_share_before"] == 0.0


def test_exchanging_the_dates_changes_nothing_but_from_and_to(
    pair: tuple[Scene, Scene], engine: ChangeEngine, cover: Engine, tmp_path: Path
) -> None:
    there = detect_change(*pair, method_for(engine, classes=cover), tmp_path / "there")
    back = detect_change(pair[1], pair[0], method_for(engine, classes=cover), tmp_path / "back")
    assert_array_equal(pixels_of(there.change), pixels_of(back.change))
    assert {(one.before, one.after, one.pixels) for one in there.transitions} == {
        (one.after, one.before, one.pixels) for one in back.transitions
    }


def test_a_date_against_itself_gives_no_changed_pixel(pair: tuple[Scene, Scene], engine: ChangeEngine, tmp_path: Path) -> None:
    result = detect_change(pair[1], pair[1], method_for(engine), tmp_path)
    assert (result.changed_pixels, result.polygons) == (0, ())


def test_a_model_that_is_not_calibrated_writes_scores(pair: tuple[Scene, Scene], tmp_path: Path) -> None:
    plain = load_change_model(str(write_tiny_change_model(tmp_path / "plain", calibrated=False)))
    result = detect_change(*pair, method_for(ChangeEngine(plain, Runtime())), tmp_path / "out")
    assert result.score.name == "change_score.tif"
    assert "score" in geopandas.read_file(result.polygons_file, layer="changes").columns
    report, _ = report_change(result, ChangeEngine(plain, Runtime()), tmp_path / "out")
    assert any("not calibrated" in sentence.text for sentence in report.sentences)


def test_the_report_speaks_of_probabilities_and_of_missing_bands(engine: ChangeEngine, tmp_path: Path) -> None:
    before = scene_of(tmp_path / "before.tif", field())
    after = scene_of(tmp_path / "after.tif", built(field(seed=4)), bands=("B04", "B03", "B02"))
    (tmp_path / "out").mkdir()
    result = detect_change(before, after, method_for(engine), tmp_path / "out")
    report, files = report_change(result, engine, tmp_path / "out")
    text = " ".join(sentence.text for sentence in report.sentences)
    assert "mean probability of change" in text
    assert "near infrared" in text
    assert "a model trained on pixels that changed" in text
    assert all(file.is_file() for file in files)
    assert result.parameters["bands"] == ["blue", "green", "red"]


def test_zones_without_classes_sum_what_changed(pair: tuple[Scene, Scene], engine: ChangeEngine, tmp_path: Path) -> None:
    left, top = GRID @ (BLOCK[1].start, BLOCK[0].start)
    right, bottom = GRID @ (BLOCK[1].stop, BLOCK[0].stop)
    ring = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
    zone = geopandas.GeoDataFrame.from_features(
        [{"geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": {"name": "site"}}], crs="EPSG:32631"
    )
    zone.to_file(tmp_path / "zones.gpkg")
    detect_change(*pair, method_for(engine), tmp_path / "out", zones=tmp_path / "zones.gpkg")
    with (tmp_path / "out" / "zones.csv").open() as file:
        counted = {row["state"]: float(row["pixels"]) for row in csv.DictReader(file)}
    assert counted == {"unchanged": 0, "changed": 24 * 28}


def test_what_cannot_be_compared_is_refused_before_anything_is_written(
    pair: tuple[Scene, Scene], engine: ChangeEngine, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(OutOfRange, match="change model"):
        detect_change(*pair, method_for(engine, "classes"), out)
    with pytest.raises(OutOfRange, match="--min-area"):
        detect_change(*pair, method_for(engine), out, min_area_hectares=-1.0)
    with pytest.raises(NoOverlap):
        detect_change(pair[0], scene_of(tmp_path / "far.tif", field(), GRID @ GRID.translation(900, 0)), method_for(engine), out)
    with pytest.raises(MissingBands):
        detect_change(pair[0], scene_of(tmp_path / "empty.tif", field(), bands=("B02",)), method_for(engine_without_blue(engine)), out)
    with pytest.raises(WrongTask):
        detect_change(*pair, method_for(engine, classes=tiny_engine(tmp_path / "chest", Domain.RADIOGRAPH)), out)
    assert not out.exists()


def engine_without_blue(engine: ChangeEngine) -> ChangeEngine:
    """The same model, its first channel named otherwise."""
    channels = ("coastal aerosol", *engine.model.preprocess.channels[1:])
    return ChangeEngine(replace(engine.model, preprocess=replace(engine.model.preprocess, channels=channels)), engine.runtime)


def test_work_that_is_stopped_leaves_nothing(pair: tuple[Scene, Scene], engine: ChangeEngine, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise Cancelled("The work was stopped.")

    with pytest.raises(Cancelled):
        detect_change(*pair, method_for(engine), tmp_path, progress=stop)
    assert names(tmp_path) == set()


def test_three_dates_make_two_steps_and_the_whole_way(pair: tuple[Scene, Scene], engine: ChangeEngine, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    series = change_series((*pair, pair[0]), method_for(engine), tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert [name for name, _ in series] == ["01-02", "02-03", "01-03"]
    assert [result.changed_pixels > 0 for _, result in series] == [True, True, False]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1]
