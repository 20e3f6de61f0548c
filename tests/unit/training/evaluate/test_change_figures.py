"""What held back cities teach: a threshold, a calibration, the range of levels, and figures by turns."""

from __future__ import annotations

import numpy as np
import pytest

from core.inference.scenes.pair import change_probability
from training.evaluate.change_figures import best_threshold, calibrated, counts_by_turns, level_range, levelled, pooled_figures
from training.evaluate.change_scores import CityScores


def scores(*cities: tuple[list[float], list[bool]]) -> list[CityScores]:
    return [CityScores(str(place), np.array(logits, np.float32), np.array(changed)) for place, (logits, changed) in enumerate(cities)]


def test_the_threshold_is_that_of_the_best_pooled_f1() -> None:
    threshold, f1 = best_threshold(scores(([3.0, 2.0, 1.0, 0.0], [True, False, True, False])))
    assert (threshold, f1) == (1.0, pytest.approx(0.8))


def test_each_city_is_judged_by_the_threshold_of_the_others() -> None:
    found = counts_by_turns(scores(([5.0, 1.0], [True, False]), ([9.0, 6.0], [True, False])))
    assert found["0"].missed == 1  # the other city's best threshold, 9, is above all of this one
    assert found["1"].false == 1  # 5 lets both pixels of this one through


def test_calibrated_probabilities_are_as_frequent_as_they_say() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0.0, 3.0, 20_000).astype(np.float32)
    changed = random.random(20_000) < 1 / (1 + np.exp(-(logits - 2.0) / 1.5))
    found = calibrated([CityScores("a", logits, changed)])
    assert found.temperature == pytest.approx(1.5, rel=0.1)
    assert found.offset == pytest.approx(2.0, abs=0.15)


def test_the_interval_holds_the_figure() -> None:
    figures = pooled_figures(list(counts_by_turns(scores(([3.0, 2.0, -1.0], [True, False, False]), ([3.0, -2.0], [True, True]))).values()))
    assert set(figures) == {"f1", "precision", "recall"}
    assert all(figure.low <= figure.value <= figure.high for figure in figures.values())  # type: ignore[operator]


def ground(name: str, level: float, size: int = 1000) -> CityScores:
    """A city of which one pixel of fifty changed, four logits above all others; light and season moved everything by `level`."""
    changed = np.arange(size) % 50 == 0
    logits = np.random.default_rng(3).normal(0.0, 0.3, size) + np.where(changed, 4.0, 0.0) + level
    return CityScores(name, logits.astype(np.float32), changed)


def test_one_threshold_serves_pairs_of_different_light() -> None:
    cities = [ground("a", -7.0), ground("b", -2.0), ground("c", -4.5), ground("d", -3.0)]
    assert best_threshold(cities)[1] < 0.9
    assert best_threshold(levelled(cities, cities))[1] == 1.0
    inner = {name: count.figures().f1 for name, count in counts_by_turns(cities).items()}
    assert inner["c"] == inner["d"] == 1.0  # their levels lie between those of others


def test_a_level_is_held_within_those_of_the_other_cities() -> None:
    known = [ground("a", -7.0), ground("b", -6.0)]
    lowest, _ = level_range(known)
    strange = ground("c", -20.0)
    assert np.median(levelled([strange], known)[0].logits) == pytest.approx(-20.0 - lowest, abs=0.1)
    found = counts_by_turns([*known, strange], [*known, strange, strange])["c"]
    assert (found.hits, found.missed) == (0, int(strange.changed.sum()))


def test_the_calibration_carries_the_levels_that_it_was_made_with() -> None:
    cities = [ground("a", -7.0), ground("b", -3.0)]
    seen = ground("far", -9.0)
    found = calibrated(cities, [*cities, seen])
    assert (found.lowest_level, found.highest_level) == level_range([*cities, seen])
    for city in levelled(cities, [*cities, seen]):
        assert np.array_equal(change_probability(city.logits, found) >= found.threshold, city.changed)
