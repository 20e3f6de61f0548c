"""What somebody looks at goes before folders and maps, and within one class everybody in turn."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from core.inference.engine import Engine, open_engine
from core.types import FloatImage
from tests.tiny import write_tiny_model

PATIENCE = 20.0
BATCH_SIDE, SCREEN_SIDE, OTHER_SIDE = 128, 256, 512
"""Sides of the inputs: inputs of one size share passes, so those of two users here never do."""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An engine of its own: nobody else's work is in its queue."""
    return open_engine(str(write_tiny_model(tmp_path / "tiny")))


def inputs(count: int, side: int) -> FloatImage:
    return np.zeros((count, 1, side, side), dtype=np.float32)


@contextmanager
def passes(engine: Engine) -> Iterator[list[int]]:
    """The side of the inputs of each pass, in the order in which the network made them."""
    made: list[int] = []
    network = engine.model.network
    hook = network.register_forward_pre_hook(lambda _, args, kwargs: made.append(kwargs["pixel_values"].shape[-1]), with_kwargs=True)
    try:
        yield made
    finally:
        hook.remove()


@contextmanager
def held(engine: Engine) -> Iterator[None]:
    """Inside, the engine is busy, and whatever is asked for waits."""
    busy, free = threading.Event(), threading.Event()

    def work(_: object) -> None:
        busy.set()
        assert free.wait(PATIENCE)

    holder = threading.Thread(target=engine.run, args=(work,), daemon=True)
    holder.start()
    assert busy.wait(PATIENCE)
    try:
        yield
    finally:
        free.set()
        holder.join(PATIENCE)


def until_waiting(engine: Engine, count: int) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.01)):
        if engine.waiting >= count:
            return
        pause.wait(0.01)
    raise AssertionError("the requests did not arrive")


def test_a_click_is_answered_before_a_folder_that_asked_first(engine: Engine) -> None:
    with passes(engine) as made, ThreadPoolExecutor(2) as pool:
        with held(engine):
            folder = pool.submit(engine.forward, inputs(12, BATCH_SIDE))
            until_waiting(engine, 1)
            click = pool.submit(engine.interactive.forward, inputs(1, SCREEN_SIDE))
            until_waiting(engine, 2)
        click.result(PATIENCE)
        folder.result(PATIENCE)
    assert made == [SCREEN_SIDE, BATCH_SIDE, BATCH_SIDE, BATCH_SIDE]


def test_a_click_comes_between_two_passes_of_a_folder(engine: Engine) -> None:
    started, going_on = threading.Event(), threading.Event()

    def slow(*_: object) -> None:
        started.set()
        assert going_on.wait(PATIENCE)

    with passes(engine) as made, ThreadPoolExecutor(2) as pool:
        hook = engine.model.network.register_forward_hook(slow)
        folder = pool.submit(engine.forward, inputs(12, BATCH_SIDE))
        assert started.wait(PATIENCE)
        click = pool.submit(engine.interactive.forward, inputs(1, SCREEN_SIDE))
        until_waiting(engine, 1)
        going_on.set()
        click.result(PATIENCE)
        folder.result(PATIENCE)
        hook.remove()
    assert made == [BATCH_SIDE, SCREEN_SIDE, BATCH_SIDE, BATCH_SIDE]


def test_work_that_needs_the_network_itself_waits_in_its_class_too(engine: Engine) -> None:
    order: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        with held(engine):
            folder = pool.submit(engine.run, lambda _: order.append("folder"))
            until_waiting(engine, 1)
            click = pool.submit(engine.interactive.run, lambda _: order.append("click"))
            until_waiting(engine, 2)
        folder.result(PATIENCE)
        click.result(PATIENCE)
    assert order == ["click", "folder"]


def test_two_folders_take_turns(engine: Engine) -> None:
    with passes(engine) as made, ThreadPoolExecutor(2) as pool:
        with held(engine):
            first = pool.submit(engine.forward, inputs(8, BATCH_SIDE))
            until_waiting(engine, 1)
            second = pool.submit(engine.forward, inputs(2, OTHER_SIDE))
            until_waiting(engine, 2)
        first.result(PATIENCE)
        second.result(PATIENCE)
    assert made == [BATCH_SIDE, OTHER_SIDE, BATCH_SIDE, OTHER_SIDE]


def test_a_folder_may_fill_what_a_click_leaves_empty(engine: Engine) -> None:
    with passes(engine) as made, ThreadPoolExecutor(2) as pool:
        with held(engine):
            folder = pool.submit(engine.forward, inputs(3, BATCH_SIDE))
            until_waiting(engine, 1)
            click = pool.submit(engine.interactive.forward, inputs(1, BATCH_SIDE))
            until_waiting(engine, 2)
        assert click.result(PATIENCE).logits.shape[0] == 1 and folder.result(PATIENCE).logits.shape[0] == 3
    assert made == [BATCH_SIDE]
