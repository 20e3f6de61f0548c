"""Curves for the card: they say what the images say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.config.recipe import Recipe, read_recipe
from training.evaluate.curves import answered, operating_points, reliability
from training.evaluate.figures import Held


@pytest.fixture
def recipe(recipe_file: Path) -> Recipe:
    return replace(read_recipe(recipe_file), labels=("normal", "first", "second"), parents={"found": ["first", "second"]})


def held(count: int, seed: int) -> Held:
    """Images whose probability of not being normal is right: one of 0.7 is found in 7 of 10."""
    random = np.random.default_rng(seed)
    share = random.random(count)
    is_found = random.random(count) < share
    probs = np.stack([1 - share, share * 0.6, share * 0.4], axis=1).astype(np.float32)
    return Held(np.where(is_found, 3, 0).astype(np.int64), probs, [str(number) for number in range(count)])


def test_probabilities_that_are_right_lie_on_the_diagonal() -> None:
    random = np.random.default_rng(0)
    confidence = random.uniform(0.5, 1.0, 40_000)
    truth = (random.random(40_000) > confidence).astype(np.int64)  # label 0 is right as often as it says
    bins = reliability(truth, np.stack([confidence, 1 - confidence], axis=1).astype(np.float32))
    assert sum(one.count for one in bins) == 40_000
    assert all(abs(one.confidence - one.accuracy) < 0.02 for one in bins)


def test_the_surest_images_are_answered_first() -> None:
    truth = np.array([0, 0, 1, 1])
    probs = np.array([[0.99, 0.01], [0.9, 0.1], [0.6, 0.4], [0.55, 0.45]], dtype=np.float32)
    found = {one.share: one.accuracy for one in answered(truth, probs)}
    assert found[0.5] == 1.0
    assert found[1.0] == 0.5


def test_thresholds_give_the_sensitivity_that_they_were_chosen_for(recipe: Recipe) -> None:
    calibration = held(4000, seed=1)
    half, ninety, ninety_five = operating_points(recipe, held(20_000, seed=2), calibration)
    assert (half.aim, half.threshold) == (None, 0.5)
    assert half.sensitivity == pytest.approx(0.75, abs=0.02)
    assert ninety.sensitivity == pytest.approx(0.9, abs=0.02)
    assert ninety_five.sensitivity == pytest.approx(0.95, abs=0.02)
    assert ninety_five.threshold < ninety.threshold
    assert ninety_five.specificity < ninety.specificity


def test_images_of_one_side_alone_give_no_operating_point(recipe: Recipe) -> None:
    one = held(50, seed=1)
    assert operating_points(recipe, replace(one, labels=np.zeros(50, dtype=np.int64)), one) == []
