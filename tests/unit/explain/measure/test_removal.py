"""Deletion and insertion on networks of which one knows what they look at."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import NotFound, OutOfRange
from core.explain.measure.removal import forwards_needed, ranks, removal_scores, shuffled
from core.inference.engine import Engine
from core.types import FloatImage, ModelInput, RemovalScore, Target
from tests.unit.explain.constructed import bright_input, quadrant_engine, quadrant_map

PATCH = (8, 8)


def scores(engine: Engine, saliency: FloatImage, steps: int = 16, maps: int = 20, seed: int = 0) -> tuple[RemovalScore, RemovalScore]:
    image = bright_input()
    return removal_scores(engine, image, saliency, Target.of_label("normal"), np.zeros_like(image.values), steps, maps, seed)


def softmax_of_first(logits: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    return np.exp(logits / temperature) / (np.exp(logits / temperature) + 2.0)


def test_the_true_map_beats_random_maps_and_its_inverse_is_worse_than_they_are(engine: Engine) -> None:
    constructed = quadrant_engine(engine)
    deletion, insertion = scores(constructed, quadrant_map())
    assert (deletion.verdict, insertion.verdict) == ("below", "above")
    deletion, insertion = scores(constructed, 1.0 - quadrant_map())
    assert (deletion.verdict, insertion.verdict) == ("above", "below")


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_flat_map_is_no_better_than_chance(engine: Engine, level: float) -> None:
    deletion, insertion = scores(quadrant_engine(engine), np.full((32, 32), level, dtype=np.float32))
    assert (deletion.verdict, insertion.verdict) == ("within", "within")


def test_curves_and_areas_are_those_worked_out_by_hand(engine: Engine) -> None:
    constructed = quadrant_engine(engine, gain=0.02)
    temperature = engine.model.calibration.temperature if engine.model.calibration else 1.0
    deletion, insertion = scores(constructed, quadrant_map(), steps=8)
    # The quadrant is a quarter of the pixels: it is gone after two of eight steps.
    left = softmax_of_first(np.array([256, 128, 0, 0, 0, 0, 0, 0, 0]) * 0.02, temperature)
    found = softmax_of_first(np.array([0, 128, 256, 256, 256, 256, 256, 256, 256]) * 0.02, temperature)
    np.testing.assert_allclose(deletion.curve, left, rtol=1e-5)
    np.testing.assert_allclose(insertion.curve, found, rtol=1e-5)
    assert deletion.value == pytest.approx(((left[1:] + left[:-1]) / 2).mean(), rel=1e-5)
    assert insertion.value == pytest.approx(((found[1:] + found[:-1]) / 2).mean(), rel=1e-5)


def test_the_band_of_random_maps_holds_their_mean_and_repeats_with_its_seed(engine: Engine) -> None:
    constructed = quadrant_engine(engine)
    first, again, other = (scores(constructed, quadrant_map(), seed=seed)[0] for seed in (1, 1, 2))
    assert first.random_low < first.random_mean < first.random_high
    assert (first.random_maps, first.curve.shape, first.random_curve.shape) == (20, (17,), (17,))
    assert first.random_mean == again.random_mean != other.random_mean


def test_pixels_go_by_saliency_and_equal_ones_patch_by_patch() -> None:
    saliency = np.array([[0, 0, 5, 0], [0, 0, 0, 0]], dtype=np.float32)
    order = ranks(saliency, (2, 2), np.random.default_rng(0))
    assert order[0, 2] == 0
    assert sorted(order.ravel().tolist()) == list(range(8))
    assert np.ptp(order[:, :2]) == 3, "the four equal pixels of the left patch follow each other"


def test_a_random_map_has_the_patches_of_the_map_at_other_places() -> None:
    random = np.random.default_rng(0)
    order = ranks(random.random((16, 24), dtype=np.float32), PATCH, random)
    mixed = shuffled(order, PATCH, random)

    def patches(values: NDArray[np.int64]) -> list[list[int]]:
        return [values[top : top + 8, left : left + 8].ravel().tolist() for top in (0, 8) for left in (0, 8, 16)]

    assert patches(mixed) != patches(order)
    assert sorted(patches(mixed)) == sorted(patches(order))


@pytest.mark.parametrize("steps", [1, 5, 16])
def test_the_forward_passes_are_as_many_as_was_said(engine: Engine, image: ModelInput, steps: int) -> None:
    told: list[tuple[int, int]] = []
    saliency = np.ones((32, 32), dtype=np.float32)
    baseline = np.zeros_like(image.values)
    removal_scores(
        engine, image, saliency, Target.of_label("normal"), baseline, steps, 20, progress=lambda done, total: told.append((done, total))
    )
    assert told[-1] == (forwards_needed(steps, 20), forwards_needed(steps, 20))
    assert told == sorted(told)


def test_fewer_than_twenty_random_maps_are_refused(engine: Engine) -> None:
    with pytest.raises(OutOfRange, match="at least 20"):
        scores(engine, quadrant_map(), maps=19)


def test_no_step_and_no_such_label_are_refused(engine: Engine, image: ModelInput) -> None:
    with pytest.raises(OutOfRange):
        scores(engine, quadrant_map(), steps=0)
    with pytest.raises(NotFound, match=r"lung.*normal, bacterial-pneumonia, viral-pneumonia"):
        removal_scores(engine, image, quadrant_map(), Target.of_label("lung"), np.zeros_like(image.values), 4, 20)
