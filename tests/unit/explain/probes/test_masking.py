"""Masking tokens: what is masked changes the answer, and only networks that were trained for it do without tokens."""

from __future__ import annotations

import json

import numpy as np
import pytest

from core.errors import OutOfRange, WrongTask
from core.explain.probes.masking import Fill, fills_for, masked_probabilities, strongest_tokens
from core.inference.calibration import probabilities
from core.inference.engine import Engine, engine_for
from core.types import ModelInput
from tests.tiny import write_tiny_model
from tests.unit.explain.constructed import random_input


def grid_of(engine: Engine, given: ModelInput) -> tuple[int, int]:
    (height, width), (rows, columns) = engine.model.patch, given.values.shape[1:]
    return rows // height, columns // width


@pytest.fixture(scope="module")
def trained_to_drop(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = write_tiny_model(tmp_path_factory.mktemp("masking") / "dropping")
    measured = {
        "origin": "made", "count": 1, "labels": ["a"], "confusion": [], "reliability": [], "answered": [],
        "dropped": [{"share": 0.5, "accuracy": 0.9}], "operating_points": [],
    }  # fmt: skip
    (folder / "measured.json").write_text(json.dumps([measured]), encoding="utf-8")
    return engine_for(str(folder))


@pytest.mark.parametrize("fill", [Fill.MEAN, Fill.BLUR])
def test_the_masked_input_is_that_with_its_tokens_replaced(engine: Engine, image: ModelInput, fill: Fill) -> None:
    mask = np.zeros(grid_of(engine, image), dtype=bool)
    mask[0, 1] = True
    before, after = masked_probabilities(engine, image, mask, fill)
    plain = probabilities(engine.forward(image.values[None], exact=True).logits, engine.model.calibration)[0]
    np.testing.assert_array_equal(before, plain)
    assert np.abs(after - before).max() > 0.0
    assert after.sum() == pytest.approx(1.0, abs=1e-5)


def test_the_mean_is_zero_in_what_the_network_reads(engine: Engine, image: ModelInput) -> None:
    rows, columns = engine.model.patch
    mask = np.zeros(grid_of(engine, image), dtype=bool)
    mask[0, 1] = True
    changed = image.values.copy()
    changed[:, :rows, columns : 2 * columns] = 0.0
    expected = probabilities(engine.forward(changed[None], exact=True).logits, engine.model.calibration)[0]
    np.testing.assert_allclose(masked_probabilities(engine, image, mask, Fill.MEAN)[1], expected, atol=1e-6)


def test_a_mask_of_nothing_changes_nothing(trained_to_drop: Engine) -> None:
    given = random_input()
    nothing = np.zeros(grid_of(trained_to_drop, given), dtype=bool)
    for fill in fills_for(trained_to_drop.model):
        before, after = masked_probabilities(trained_to_drop, given, nothing, fill)
        np.testing.assert_allclose(before, after, atol=1e-5)


def test_a_dropped_token_is_read_by_nobody(trained_to_drop: Engine) -> None:
    given = random_input()
    rows, columns = trained_to_drop.model.patch
    mask = np.zeros(grid_of(trained_to_drop, given), dtype=bool)
    mask[1, 2] = True
    other = given.values.copy()
    inside = other[:, rows : 2 * rows, 2 * columns : 3 * columns]
    inside[...] = np.random.default_rng(8).normal(size=inside.shape)
    changed = ModelInput(other, given.shown, given.box)
    dropped = [masked_probabilities(trained_to_drop, each, mask, Fill.DROPPED)[1] for each in (given, changed)]
    np.testing.assert_allclose(dropped[0], dropped[1], atol=1e-6)


def test_tokens_are_dropped_only_where_the_network_was_trained_for_it(engine: Engine, trained_to_drop: Engine, image: ModelInput) -> None:
    assert Fill.DROPPED in fills_for(trained_to_drop.model) and Fill.DROPPED not in fills_for(engine.model)
    mask = np.zeros(grid_of(engine, image), dtype=bool)
    with pytest.raises(WrongTask, match="not trained to do without tokens"):
        masked_probabilities(engine, image, mask, Fill.DROPPED)


def test_a_mask_of_another_grid_and_of_everything_are_refused(trained_to_drop: Engine) -> None:
    given = random_input()
    with pytest.raises(OutOfRange, match="token grid"):
        masked_probabilities(trained_to_drop, given, np.zeros((1, 1), dtype=bool), Fill.MEAN)
    with pytest.raises(OutOfRange, match="tokens left"):
        masked_probabilities(trained_to_drop, given, np.ones(grid_of(trained_to_drop, given), dtype=bool), Fill.DROPPED)


def test_the_strongest_tokens_are_the_largest_and_at_least_one() -> None:
    tokens = np.arange(20, dtype=np.float32).reshape(4, 5)
    assert list(np.flatnonzero(strongest_tokens(tokens, 0.1))) == [18, 19]
    assert strongest_tokens(tokens, 0.0).sum() == 1
