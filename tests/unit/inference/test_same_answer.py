"""Same bytes in, same answer out: over the size of a batch, the order of files, and who else asks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.inference.engine import PIXELS_A_PASS, ChangeEngine, Engine, change_engine_for, engine_for
from core.inference.prediction import predict_input, predict_inputs
from core.settings import PROJECT
from core.types import FloatImage, ModelInput, Prediction

ZOO = PROJECT / "models" / "zoo"
COUNT = 7
TOLERANCE = 1e-6


@pytest.fixture(params=["chest-xray", "land-cover", "chest-ct"])
def trained(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A model of the zoo: one that learnt has logits that rounding can move."""
    if not (ZOO / request.param / "model.safetensors").is_file():
        pytest.skip(f"the zoo has no {request.param} here")
    yield engine_for(str(ZOO / request.param))


def inputs_of(engine: Engine, count: int = COUNT) -> list[ModelInput]:
    random = np.random.default_rng(7)
    shape = (len(engine.model.preprocess.channels), *engine.model.preprocess.size)
    values = random.normal(size=(count, *shape)).astype(np.float32)
    return [ModelInput(each, np.clip(each, 0.0, 1.0), (0.0, 0.0, float(shape[2]), float(shape[1]))) for each in values]


def numbers(prediction: Prediction) -> NDArray[np.float32]:
    assert prediction.logits is not None and prediction.probabilities is not None
    return np.concatenate([prediction.logits, prediction.probabilities, np.float32([prediction.outside.score])])


def test_an_image_is_answered_alone_as_in_a_folder(trained: Engine) -> None:
    given = inputs_of(trained)
    together = [numbers(each) for each in predict_inputs(trained, given)]
    alone = [numbers(predict_input(trained, each)) for each in given]
    np.testing.assert_array_equal(alone, together)


def test_the_order_of_a_folder_changes_no_answer(trained: Engine) -> None:
    given = inputs_of(trained)
    there = [numbers(each) for each in predict_inputs(trained, given)]
    back = [numbers(each) for each in predict_inputs(trained, given[::-1])]
    np.testing.assert_array_equal(there, back[::-1])


def test_whoever_else_asks_changes_no_answer(engine: Engine) -> None:
    given, together = inputs_of(engine, 16), threading.Barrier(8)
    alone = [numbers(predict_input(engine, each)) for each in given]

    def some(first: int) -> list[NDArray[np.float32]]:
        together.wait()
        return [numbers(each) for each in predict_inputs(engine, given[first : first + 2])]

    with ThreadPoolExecutor(8) as pool:
        np.testing.assert_array_equal([one for found in pool.map(some, range(0, 16, 2)) for one in found], alone)


def test_another_number_of_threads_changes_no_answer_by_a_millionth(trained: Engine) -> None:
    given = inputs_of(trained, 1)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = predict_input(trained, given[0])
        torch.set_num_threads(2)
        two = predict_input(trained, given[0])
    finally:
        torch.set_num_threads(threads)
    assert one.probabilities is not None and two.probabilities is not None
    np.testing.assert_allclose(one.probabilities, two.probabilities, rtol=0.0, atol=TOLERANCE)


def test_a_pair_of_tiles_is_compared_alone_as_among_others() -> None:
    if not (ZOO / "change-sentinel2" / "model.safetensors").is_file():
        pytest.skip("the zoo has no change model here")
    engine = change_engine_for(str(ZOO / "change-sentinel2"))
    before, after = tiles(engine, 0), tiles(engine, 1)
    together = engine.forward(before, after).logits
    alone = [engine.forward(before[place : place + 1], after[place : place + 1]).logits[0] for place in range(len(before))]
    np.testing.assert_array_equal(alone, together)


def tiles(engine: ChangeEngine, seed: int) -> FloatImage:
    preprocess = engine.model.preprocess
    return np.random.default_rng(seed).normal(size=(3, len(preprocess.channels), *preprocess.size)).astype(np.float32)


def test_every_pass_of_one_kind_of_input_has_one_shape(engine: Engine) -> None:
    seen: list[int] = []
    network = engine.model.network
    hook = network.register_forward_pre_hook(lambda _, args, kwargs: seen.append(len(kwargs["pixel_values"])), with_kwargs=True)
    try:
        for count in (1, 5, 40):
            engine.forward(np.zeros((count, 1, 32, 32), dtype=np.float32))
        engine.forward(np.zeros((3, 1, 256, 256), dtype=np.float32))
    finally:
        hook.remove()
    assert seen == [32, 32, 32, 32, 1, 1, 1]
    assert PIXELS_A_PASS["torch"] == 256 * 256
