"""Probabilities that mean what they say, and sets that hold the truth as often as they promise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.errors import OutOfRange
from core.inference.calibration import conformal_set, fit_conformal_threshold, fit_temperature, probabilities
from core.types import Calibration

LABELS = ("a", "b", "c", "d")


def drawn(count: int, seed: int, sharpness: float = 2.0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits whose softmax is the true chance of each label, and labels drawn by it."""
    random = np.random.default_rng(seed)
    logits = random.normal(0.0, sharpness, (count, len(LABELS)))
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (probs.cumsum(axis=1) > random.random((count, 1))).argmax(axis=1)
    return logits, labels


def test_probabilities_are_the_softmax_of_the_cooled_logits() -> None:
    logits = np.array([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0]], dtype=np.float32)
    expected = torch.softmax(torch.from_numpy(logits) / 2.0, dim=-1).numpy()
    found = probabilities(logits, Calibration(temperature=2.0, conformal_threshold=0.5))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-7)
    np.testing.assert_allclose(probabilities(logits, None).sum(axis=-1), 1.0, atol=1e-6)


def test_huge_logits_do_not_overflow() -> None:
    assert probabilities(np.array([1e4, 0.0]), None).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_spoiled_the_logits_is_found(temperature: float) -> None:
    logits, labels = drawn(20_000, seed=1)
    assert fit_temperature(logits * temperature, labels) == pytest.approx(temperature, rel=0.05)


def test_no_other_temperature_is_likelier() -> None:
    logits, labels = drawn(500, seed=2)
    found = fit_temperature(logits * 1.7, labels)

    def loss(temperature: float) -> float:
        return float(torch.nn.functional.cross_entropy(torch.from_numpy(logits * 1.7 / temperature), torch.from_numpy(labels)))

    assert loss(found) < min(loss(found * 1.02), loss(found / 1.02))


def test_validation_without_an_error_does_not_ask_for_certainty() -> None:
    logits, labels = np.eye(4) * 5.0, np.arange(4)
    assert fit_temperature(logits, labels) == pytest.approx(0.05)


def test_logits_that_know_nothing_are_made_even() -> None:
    logits, _ = drawn(2000, seed=3)
    assert fit_temperature(logits, np.random.default_rng(4).integers(0, 4, 2000)) > 10.0
    assert fit_temperature(logits, logits.argmin(axis=1)) == pytest.approx(20.0)


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_sets_hold_the_truth_as_often_as_they_promise(coverage: float) -> None:
    held, new = drawn(4000, seed=5), drawn(4000, seed=6)
    threshold = fit_conformal_threshold(probabilities(held[0], None), held[1], coverage)
    calibration = Calibration(1.0, threshold, coverage)
    sets = [conformal_set(probs, LABELS, calibration) for probs in probabilities(new[0], calibration)]
    covered = np.mean([LABELS[label] in likely for label, likely in zip(new[1], sets, strict=True)])
    assert covered == pytest.approx(coverage, abs=0.02)
    assert 1.0 < np.mean([len(likely) for likely in sets]) < 3.0


def test_the_threshold_is_the_finite_sample_quantile() -> None:
    probs = np.stack([np.linspace(0.05, 0.95, 19), 1.0 - np.linspace(0.05, 0.95, 19)], axis=1)
    # 1 - probability of the truth is 0.05, 0.10 ... 0.95; ceil(20 * 0.9) = 18
    assert fit_conformal_threshold(probs, np.zeros(19, dtype=int), 0.9) == pytest.approx(0.90)


def test_too_few_images_promise_nothing_but_every_label() -> None:
    threshold = fit_conformal_threshold(np.full((5, 2), 0.5), np.zeros(5, dtype=int), 0.9)
    assert conformal_set(np.array([1.0, 0.0]), ("a", "b"), Calibration(1.0, threshold)) == ("a", "b")


@pytest.mark.parametrize("coverage", [0.0, 1.0, 90.0])
def test_a_coverage_is_a_share(coverage: float) -> None:
    with pytest.raises(OutOfRange, match="coverage"):
        fit_conformal_threshold(np.full((5, 2), 0.5), np.zeros(5, dtype=int), coverage)


def test_a_set_names_the_most_probable_first() -> None:
    probs = np.array([0.15, 0.5, 0.05, 0.3], dtype=np.float32)
    assert conformal_set(probs, LABELS, Calibration(1.0, 0.85)) == ("b", "d", "a")
    assert conformal_set(probs, LABELS, Calibration(1.0, 0.4)) == ()


def test_without_a_calibration_there_is_no_set() -> None:
    assert conformal_set(np.array([1.0, 0.0, 0.0, 0.0]), LABELS, None) == ()
