"""Stages that overlap: the same items in the same order, few at a time, and no thread is left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from core.inference.scenes.ahead import ahead

STAGE = "stage"
PATIENCE_SECONDS = 10.0


def stages() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == STAGE]


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.001)


def test_items_come_in_their_order_through_any_number_of_stages() -> None:
    found = ahead(one + 1 for one in ahead(2 * one for one in ahead(range(500))))
    assert list(found) == [2 * one + 1 for one in range(500)]
    assert list(ahead([])) == []
    assert stages() == []


def test_the_next_item_is_made_while_one_is_used_and_no_more_than_that() -> None:
    made: list[int] = []

    def making() -> Iterator[int]:
        for one in range(20):
            made.append(one)
            yield one

    with closing(ahead(making())) as items:
        for used in range(10):
            assert next(items) == used
            wait_for(lambda used=used: len(made) == used + 2)  # type: ignore[misc]
            time.sleep(0.002)
            assert len(made) == used + 2


def test_what_making_an_item_raises_comes_after_the_items_before_it() -> None:
    def making() -> Iterator[int]:
        yield 1
        yield 2
        raise KeyError("the third")

    found: list[int] = []
    with pytest.raises(KeyError, match="the third"):
        for one in ahead(one for one in ahead(making())):
            found.append(one)
    assert found == [1, 2]
    assert stages() == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_whoever_leaves_stops_all_stages_before_it(error: type[BaseException]) -> None:
    closed: list[str] = []

    def making() -> Iterator[int]:
        try:
            yield from range(1_000_000)
        finally:
            closed.append("the first stage")

    with pytest.raises(error), closing(ahead(one for one in ahead(making()))) as items:
        for one in items:
            if one == 3:
                raise error
    assert closed == ["the first stage"]
    assert stages() == []
