"""Figures of a change model on cities: pooled over pixels, by city, and truth only where it is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import NotFound, SightlineError, WrongTask
from core.workflows.evaluation.change import ChangeCounts, count_pixels, evaluate_change
from core.workflows.evaluation.labelled_cities import read_city
from tests.tiny import write_tiny_model
from tests.tiny_change import BLOCK, write_tiny_change_model
from tests.unit.training.cities import write_city


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tiny_change_model(tmp_path_factory.mktemp("models") / "tiny"))


def test_a_city_whose_change_is_seen_has_an_f1_of_one_and_one_without_change_has_no_recall(model: str, tmp_path: Path) -> None:
    write_city(tmp_path / "built")
    write_city(tmp_path / "quiet", is_built=False)
    seen: list[tuple[int, int]] = []
    found = evaluate_change(model, tmp_path, lambda done, total: seen.append((done, total)))
    assert (found.n, found.n_failed) == (2, 0)
    assert found.cities["built"].f1 == pytest.approx(1.0, abs=0.01)
    assert found.cities["quiet"].recall is None
    assert found.pooled.pixels == 2 * 104 * 96
    assert found.pooled.changed == 24 * 28
    assert seen == [(1, 2), (2, 2)]
    assert found.as_json()["cities"]["built"]["recall"] == pytest.approx(1.0, abs=0.01)


def test_the_pooled_figures_count_pixels_not_cities() -> None:
    many, few = ChangeCounts(90, 10, 10, 1000), ChangeCounts(0, 10, 10, 1000)
    pooled = (many + few).figures()
    assert pooled.f1 == pytest.approx(2 * 90 / (110 + 110))
    assert (pooled.precision, pooled.recall) == (pytest.approx(90 / 110), pytest.approx(90 / 110))


def test_hits_false_and_missed_pixels_are_told_apart() -> None:
    found = np.array([[True, True], [False, False]])
    changed = np.array([[True, False], [True, False]])
    assert count_pixels(found, changed) == ChangeCounts(1, 1, 1, 4)


def test_a_city_that_cannot_be_read_is_told_and_the_others_go_on(model: str, tmp_path: Path) -> None:
    write_city(tmp_path / "good")
    write_city(tmp_path / "poor")
    (tmp_path / "poor" / "after_10m.tif").unlink()
    (tmp_path / "poor" / "after_20m.tif").unlink()
    failed: list[str] = []

    def note(city: str, error: SightlineError) -> None:
        failed.append(f"{city}: {error}")

    found = evaluate_change(model, tmp_path, failed=note)
    assert (found.n, found.n_failed) == (1, 1)
    assert failed[0].startswith("poor: ") and "after_*.tif" in failed[0]


def test_a_second_date_on_another_grid_is_brought_to_the_labels(model: str, tmp_path: Path) -> None:
    write_city(tmp_path / "shifted", moved=3)
    city = read_city(tmp_path / "shifted")
    assert (city.after.width, city.after.height) == (city.before.width, city.before.height)
    figures = evaluate_change(model, tmp_path).cities["shifted"]
    assert figures.f1 is not None and figures.f1 > 0.9
    assert city.changed[BLOCK].all()


def test_what_is_no_folder_of_cities_is_refused(model: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such folder"):
        evaluate_change(model, tmp_path / "nothing")
    with pytest.raises(NotFound, match="holds no city"):
        evaluate_change(model, tmp_path)
    write_city(tmp_path / "city")
    with pytest.raises(WrongTask):
        evaluate_change(str(write_tiny_model(tmp_path / "chest")), tmp_path)
