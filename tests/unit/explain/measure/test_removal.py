"""Deletion and insertion on networks of which one knows what they look at."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import OutOfRange
from core.explain.measure.removal import areas, check_removal, order_of, passes_of, removal_curves
from core.inference.engine import Engine
from core.types import FloatImage, ModelInput, Target
from tests.unit.explain.constructed import bright_input, quadrant_engine, quadrant_map

NORMAL = Target.of_label("normal")


def softmax_of_first(logits: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    return np.exp(logits / temperature) / (np.exp(logits / temperature) + 2.0)


def curves(engine: Engine, cells: FloatImage, steps: int = 8) -> NDArray[np.float64]:
    image = bright_input()
    return removal_curves(engine, image, np.zeros_like(image.values), order_of(cells[None], 0), NORMAL, steps, lambda done, total: None)[0]


@pytest.mark.parametrize("grid", [1, 8])
def test_curves_and_areas_are_those_worked_out_by_hand(engine: Engine, grid: int) -> None:
    constructed = quadrant_engine(engine, gain=0.02)
    temperature = engine.model.calibration.temperature if engine.model.calibration else 1.0
    found = curves(constructed, quadrant_map()[::grid, ::grid])
    # The quadrant is a quarter of the pixels: it is gone after two of eight steps.
    left = softmax_of_first(np.array([256, 128, 0, 0, 0, 0, 0, 0, 0]) * 0.02, temperature)
    back = softmax_of_first(np.array([0, 128, 256, 256, 256, 256, 256, 256, 256]) * 0.02, temperature)
    np.testing.assert_allclose(found, [left, back], rtol=1e-5)
    by_hand = [((each[1:] + each[:-1]) / 2).mean() for each in (left, back)]
    np.testing.assert_allclose(areas(found[None])[0], by_hand, rtol=1e-5)


def test_cells_go_by_saliency_and_equal_ones_in_an_order_that_the_seed_decides() -> None:
    cells = np.array([[0, 0, 5, 0], [0, 7, 0, 0]], dtype=np.float32)
    first, again, other = (order_of(cells, seed) for seed in (0, 0, 1))
    assert (first[1, 1], first[0, 2]) == (0, 1)
    assert sorted(first.ravel().tolist()) == list(range(8))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("steps", [2, 5])
def test_the_passes_are_as_many_as_was_said(engine: Engine, image: ModelInput, steps: int) -> None:
    told: list[tuple[int, int]] = []
    orders = order_of(np.random.default_rng(0).random((3, 4, 4), dtype=np.float32), 0)
    removal_curves(engine, image, np.zeros_like(image.values), orders, NORMAL, steps, lambda done, total: told.append((done, total)))
    assert told[-1] == (passes_of(3, steps), passes_of(3, steps))
    assert told == sorted(told)


def test_too_few_steps_and_random_maps_are_refused() -> None:
    with pytest.raises(OutOfRange, match="at least 2"):
        check_removal(1, 100)
    with pytest.raises(OutOfRange, match="at least 20"):
        check_removal(8, 19)
