"""Out of memory halves the batch, and every answer from then on says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.errors import DeviceError
from core.inference.engine import Engine, open_engine
from core.inference.prediction import predict_input, predict_inputs
from core.types import ModelInput, notice
from tests.tiny import write_tiny_model

SAID = notice("engine.batch-halved", failed=32, batch_size=4)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An engine of its own, since what it learns of its device it keeps."""
    return open_engine(str(write_tiny_model(tmp_path / "tiny")))


def with_memory_for(engine: Engine, most: int) -> Callable[[], None]:
    """The network's passes fail with more inputs than that, as those of a device that is full do."""

    def full(_: object, args: Any, kwargs: dict[str, torch.Tensor]) -> None:
        if len(kwargs["pixel_values"]) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")

    return engine.model.network.register_forward_pre_hook(full, with_kwargs=True).remove


def given(count: int) -> list[ModelInput]:
    values = np.random.default_rng(1).normal(size=(count, 1, 32, 32)).astype(np.float32)
    return [ModelInput(each, np.clip(each, 0.0, 1.0), (0.0, 0.0, 32.0, 32.0)) for each in values]


def test_an_answer_says_that_the_batch_was_halved(engine: Engine) -> None:
    inputs = given(5)
    before = predict_inputs(engine, inputs)
    assert not any(SAID in each.assumptions for each in before)
    with_memory_for(engine, 4)
    after = predict_inputs(engine, inputs)
    assert all(each.assumptions.count(SAID) == 1 for each in after)
    for one, other in zip(before, after, strict=True):
        assert one.probabilities is not None and other.probabilities is not None
        np.testing.assert_allclose(one.probabilities, other.probabilities, rtol=0.0, atol=1e-6)


def test_later_answers_say_it_too_since_they_are_computed_so(engine: Engine) -> None:
    room_again = with_memory_for(engine, 4)
    predict_input(engine, given(1)[0])
    room_again()
    assert SAID in predict_input(engine, given(1)[0]).assumptions


def test_where_not_even_one_input_fits_the_device_is_at_fault(engine: Engine) -> None:
    with_memory_for(engine, 0)
    with pytest.raises(DeviceError, match="a single input"):
        predict_input(engine, given(1)[0])
