"""From which distance on embeddings count as different."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.change.evidence import STEPS
from core.change.threshold import LEAST_DISTANCE, MOST_DISTANCE, ScoreHistogram


def threshold(*strips: NDArray[np.float64], deviations: float = 4.0) -> float:
    histogram = ScoreHistogram()
    for strip in strips:
        histogram.add(strip.astype(np.float32))
    return histogram.unusual(deviations)


def test_it_lies_so_many_robust_deviations_above_the_median() -> None:
    scores = np.random.default_rng(0).normal(0.3, 0.02, 50_000)
    assert threshold(scores) == pytest.approx(0.3 + 4 * 0.02, abs=0.002)
    assert threshold(scores, deviations=2.0) == pytest.approx(0.3 + 2 * 0.02, abs=0.002)


def test_a_tenth_of_a_scene_that_changed_does_not_move_it_much() -> None:
    usual, changed = np.random.default_rng(0).normal(0.3, 0.02, 45_000), np.full(5_000, 0.9)
    assert threshold(usual, changed) == pytest.approx(threshold(usual), abs=0.02)


def test_dates_that_hardly_differ_have_the_least_distance() -> None:
    assert threshold(np.zeros(1000)) == LEAST_DISTANCE
    assert threshold(np.full(3, np.nan)) == LEAST_DISTANCE


def test_a_scene_that_changed_all_over_has_changed() -> None:
    assert threshold(np.random.default_rng(0).normal(0.95, 0.02, 1000).clip(0, 1)) == MOST_DISTANCE


def test_the_median_is_that_of_all_strips_together() -> None:
    parts = np.array_split(np.rint(np.random.default_rng(1).random(999) * STEPS) / STEPS * 0.2, 7)
    assert threshold(*parts) == threshold(np.concatenate(parts))
