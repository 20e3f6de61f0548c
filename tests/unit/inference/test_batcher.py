"""One thread owns a network; inputs reach it in micro-batches, in fair turns, and a full memory is met with smaller ones."""

from __future__ import annotations

import gc
import logging
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from core.errors import DeviceError
from core.inference import batcher as module
from core.inference.batcher import Batcher, Priority
from core.inference.runtimes import Arrays
from core.types import FloatImage, notice

PATIENCE = 20.0


class Network:
    """Doubles its inputs, writes down which batches came, and fails above a size."""

    def __init__(self, most: int = 1000, error: Callable[[], Exception] = torch.OutOfMemoryError) -> None:
        self.batches: list[tuple[int, ...]] = []
        self.threads: set[int] = set()
        self.most, self.error = most, error

    def __call__(self, values: FloatImage) -> Arrays:
        self.batches.append(values.shape)
        self.threads.add(threading.get_ident())
        if len(values) > self.most:
            raise self.error()
        return {"logits": 2.0 * values.reshape(len(values), -1)[:, :3]}

    @property
    def sizes(self) -> list[int]:
        return [shape[0] for shape in self.batches]


def inputs(count: int, seed: int = 0, side: int = 4) -> FloatImage:
    return np.random.default_rng(seed).normal(size=(count, 1, side, side)).astype(np.float32)


def doubled(values: FloatImage) -> FloatImage:
    return 2.0 * values.reshape(len(values), -1)[:, :3]


@contextmanager
def owner_held(batcher: Batcher) -> Iterator[None]:
    """Inside, the owner is busy with other work, and whatever is asked for waits in the queue; on leaving it is let loose."""
    busy, free = threading.Event(), threading.Event()

    def work() -> None:
        busy.set()
        assert free.wait(PATIENCE)

    holder = threading.Thread(target=batcher.run, args=(work,), daemon=True)
    holder.start()
    assert busy.wait(PATIENCE)
    try:
        yield
    finally:
        free.set()
        holder.join(PATIENCE)


def queued(batcher: Batcher, count: int) -> None:
    """Wait until so many requests are in the queue."""
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.01)):
        if batcher.waiting >= count:
            return
        pause.wait(0.01)
    raise AssertionError("the requests did not arrive")


def test_requests_that_wait_together_go_in_one_pass_and_each_gets_its_own() -> None:
    network = Network()
    batcher = Batcher(network, batch_size=32, wait_seconds=0.0)
    asked = [inputs(count, seed=count) for count in (1, 2, 3, 4)]
    with ThreadPoolExecutor(4) as pool:
        with owner_held(batcher):
            answers = [pool.submit(batcher.forward, values) for values in asked]
            queued(batcher, 4)
        for values, answer in zip(asked, answers, strict=True):
            np.testing.assert_array_equal(answer.result(PATIENCE).arrays["logits"], doubled(values))
    assert network.sizes == [10]
    assert len(network.threads) == 1 and threading.get_ident() not in network.threads


def test_a_batch_waits_for_company() -> None:
    network = Network()
    batcher = Batcher(network, batch_size=2, wait_seconds=PATIENCE)
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(batcher.forward, inputs(1, seed)) for seed in range(2)]
        assert all(answer.result(PATIENCE / 2) for answer in answers)  # a full batch does not wait on
    assert network.sizes == [2]


def test_no_pass_is_larger_than_the_batch() -> None:
    network = Network()
    values = inputs(21)
    batcher = Batcher(network, batch_size=8, wait_seconds=0.0)
    answer = batcher.forward(values)
    np.testing.assert_array_equal(answer.arrays["logits"], doubled(values))
    assert network.sizes == [8, 8, 5]
    assert batcher.notices == ()


def test_inputs_of_another_size_go_in_a_pass_of_their_own() -> None:
    network = Network()
    batcher = Batcher(network, batch_size=8, wait_seconds=0.0)
    with ThreadPoolExecutor(2) as pool, owner_held(batcher):
        first = pool.submit(batcher.forward, inputs(2))
        queued(batcher, 1)
        second = pool.submit(batcher.forward, inputs(3, side=8))
        queued(batcher, 2)
    assert len(first.result().arrays["logits"]) == 2 and len(second.result().arrays["logits"]) == 3
    assert network.batches == [(2, 1, 4, 4), (3, 1, 8, 8)]


def test_a_long_request_lets_others_in_between() -> None:
    started, released = threading.Event(), threading.Event()
    order: list[int] = []

    def compute(values: FloatImage) -> Arrays:
        order.append(len(values))
        started.set()
        assert released.wait(PATIENCE)
        return {"logits": doubled(values)}

    batcher = Batcher(compute, batch_size=8, wait_seconds=0.0)
    with ThreadPoolExecutor(2) as pool:
        long = pool.submit(batcher.forward, inputs(24))
        assert started.wait(PATIENCE)
        short = pool.submit(batcher.forward, inputs(1))
        queued(batcher, 1)
        released.set()
        assert len(short.result(PATIENCE).arrays["logits"]) == 1 and len(long.result(PATIENCE).arrays["logits"]) == 24
    assert order == [8, 1, 8, 8]


class Held:
    """Doubles its inputs. passes: how many have begun. The first waits for `released`, the one of number `late` for `answered`."""

    def __init__(self, late: int = 0) -> None:
        self.passes, self.late = 0, late
        self.began, self.released, self.answered = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, values: FloatImage) -> Arrays:
        self.passes += 1
        self.began.set()
        assert self.released.wait(PATIENCE)
        assert self.passes != self.late or self.answered.wait(PATIENCE)
        return {"logits": doubled(values)}

    def answer(self, batcher: Batcher, values: FloatImage) -> int:
        """Passes that had begun when the answer came."""
        answer = batcher.forward(values, Priority.INTERACTIVE)
        passes = self.passes
        np.testing.assert_array_equal(answer.arrays["logits"], doubled(values))
        return passes


def test_all_of_a_crowd_are_answered_when_the_last_of_them_is() -> None:
    network = Held()
    batcher = Batcher(network, batch_size=1, wait_seconds=0.0)
    with ThreadPoolExecutor(16) as pool:
        first = pool.submit(network.answer, batcher, inputs(1))
        assert network.began.wait(PATIENCE)
        others = [pool.submit(network.answer, batcher, inputs(1, seed)) for seed in range(15)]
        queued(batcher, 15)
        network.released.set()
        assert [answer.result(PATIENCE) for answer in (first, *others)] == [16] * 16


def test_a_round_ends_although_others_keep_coming() -> None:
    network = Held(late=module.MOST_PASSES_A_ROUND + 1)
    batcher = Batcher(network, batch_size=1, wait_seconds=0.0)
    with ThreadPoolExecutor(network.late) as pool:
        first = pool.submit(network.answer, batcher, inputs(1))
        assert network.began.wait(PATIENCE)
        others = [pool.submit(network.answer, batcher, inputs(1, seed)) for seed in range(network.late - 1)]
        queued(batcher, len(others))
        network.released.set()
        assert first.result(PATIENCE) <= network.late  # before the last pass is over
        network.answered.set()
        assert others[-1].result(PATIENCE)


def test_a_short_request_does_not_wait_for_the_pieces_of_a_long_one() -> None:
    network = Held(late=2)
    batcher = Batcher(network, batch_size=1, wait_seconds=0.0)
    with ThreadPoolExecutor(2) as pool:
        short = pool.submit(network.answer, batcher, inputs(1))
        assert network.began.wait(PATIENCE)
        long = pool.submit(network.answer, batcher, inputs(3))
        queued(batcher, 1)
        network.released.set()
        assert short.result(PATIENCE) <= 2
        network.answered.set()
        assert long.result(PATIENCE) == 4


def test_an_error_of_one_pass_is_told_to_those_in_it_alone() -> None:
    began, released = threading.Event(), threading.Event()

    def compute(values: FloatImage) -> Arrays:
        began.set()
        assert released.wait(PATIENCE)
        if values[0, 0, 0, 0] < 0:
            raise ValueError("below zero")
        return {"logits": doubled(values)}

    batcher = Batcher(compute, batch_size=1, wait_seconds=0.0)
    above, below = np.ones((1, 1, 4, 4), np.float32), -np.ones((1, 1, 4, 4), np.float32)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(batcher.forward, above, Priority.INTERACTIVE)
        assert began.wait(PATIENCE)
        faulty, third = (pool.submit(batcher.forward, values, Priority.INTERACTIVE) for values in (below, above))
        queued(batcher, 2)
        released.set()
        assert first.result(PATIENCE) and third.result(PATIENCE)
        with pytest.raises(ValueError, match="below zero"):
            faulty.result(PATIENCE)


# ---------------------------------------------------------------- memory


def on_the_cpu() -> RuntimeError:
    return RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to allocate 40 bytes.")


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, MemoryError, on_the_cpu])
def test_a_full_memory_halves_the_batch_and_says_so(error: Callable[[], Exception], caplog: pytest.LogCaptureFixture) -> None:
    network = Network(most=5, error=error)
    batcher = Batcher(network, batch_size=16, wait_seconds=0.0)
    values = inputs(16)
    with caplog.at_level(logging.WARNING):
        answer = batcher.forward(values)
    np.testing.assert_array_equal(answer.arrays["logits"], doubled(values))
    assert network.sizes == [16, 8, 4, 4, 4, 4]
    assert batcher.notices == (notice("engine.batch-halved", failed=16, batch_size=4),)
    assert len(caplog.records) == 2


def test_the_smaller_batch_is_kept() -> None:
    network = Network(most=4)
    batcher = Batcher(network, batch_size=8, wait_seconds=0.0)
    batcher.forward(inputs(8))
    network.batches.clear()
    batcher.forward(inputs(8))
    assert network.sizes == [4, 4]


def test_where_not_even_one_input_fits_the_device_is_at_fault() -> None:
    batcher = Batcher(Network(most=0), batch_size=4, wait_seconds=0.0)
    with pytest.raises(DeviceError, match=r"Memory ran out with a single input\. Close other programs"):
        batcher.forward(inputs(4))


def test_another_error_reaches_who_asked_and_the_owner_lives_on() -> None:
    network = Network(most=3, error=lambda: RuntimeError("shapes do not fit"))
    batcher = Batcher(network, batch_size=8, wait_seconds=0.0)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        batcher.forward(inputs(4))
    assert len(batcher.forward(inputs(2)).arrays["logits"]) == 2


# ---------------------------------------------------------------- work alone


def test_work_runs_on_the_owner_thread_and_its_result_comes_back() -> None:
    network = Network()
    batcher = Batcher(network, batch_size=8, wait_seconds=0.0)
    batcher.forward(inputs(1))
    assert {batcher.run(threading.get_ident)} == network.threads


def test_work_may_ask_its_own_model_without_waiting_for_itself() -> None:
    batcher = Batcher(Network(), batch_size=2, wait_seconds=0.0)
    values = inputs(5)
    answer = batcher.run(lambda: batcher.run(lambda: batcher.forward(values)))
    np.testing.assert_array_equal(answer.arrays["logits"], doubled(values))


def test_work_is_never_side_by_side() -> None:
    batcher = Batcher(Network(), batch_size=8, wait_seconds=0.0)
    at_once, most = [], []

    def work() -> None:
        at_once.append(1)
        most.append(len(at_once))
        threading.Event().wait(0.005)
        at_once.pop()

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(batcher.run, work) for _ in range(16)]:
            done.result(PATIENCE)
    assert most == [1] * 16


def test_an_error_of_the_work_reaches_who_asked() -> None:
    batcher = Batcher(Network(), batch_size=8, wait_seconds=0.0)

    def work() -> None:
        raise KeyError("label")

    with pytest.raises(KeyError, match="label"):
        batcher.run(work)
    assert batcher.run(lambda: 3) == 3


# ---------------------------------------------------------------- nothing is left behind


def test_an_owner_without_work_ends_and_the_next_work_starts_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.01)
    batcher = Batcher(Network(), batch_size=8, wait_seconds=0.0)
    first = batcher.run(threading.current_thread)
    first.join(PATIENCE)
    assert not first.is_alive()
    assert batcher.run(threading.current_thread) is not first


def test_the_pixels_of_the_last_request_are_not_kept() -> None:
    batcher = Batcher(Network(), batch_size=8, wait_seconds=0.0)
    values = inputs(3)
    kept = weakref.ref(values)
    batcher.forward(values)
    del values
    batcher.run(lambda: None)  # the owner has come back from the pass
    gc.collect()
    assert kept() is None
