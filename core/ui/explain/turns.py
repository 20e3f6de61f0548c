"""Work of one page that goes one after another: the first map is there in a fraction of the time that all at once would take."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core.jobs import JobProgress

WAIT_SECONDS = 0.1

PutOff = Callable[[int], None]
"""Lets go of the turn and waits for another one, of the rank that is named."""


class Turns:
    """Whoever has the lowest rank comes next. Maps have low ranks, measurements higher ones: all maps are there before any is measured."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._waiting: list[int] = []
        self._is_busy = False

    @contextmanager
    def turn(self, rank: int, progress: JobProgress) -> Iterator[PutOff]:
        """Inside, nobody else works, but while the turn is put off. Raises Cancelled where the user stopped it."""
        self._enter(rank, progress)
        is_held = True

        def put_off(later: int) -> None:
            nonlocal is_held
            self._leave()
            is_held = False
            self._enter(later, progress)
            is_held = True

        try:
            yield put_off
        finally:
            if is_held:
                self._leave()

    def _enter(self, rank: int, progress: JobProgress) -> None:
        with self._free:
            self._waiting.append(rank)
            try:
                while self._is_busy or rank > min(self._waiting):
                    self._free.wait(WAIT_SECONDS)
                    progress.update(0)
                self._is_busy = True
            finally:
                self._waiting.remove(rank)

    def _leave(self) -> None:
        with self._free:
            self._is_busy = False
            self._free.notify_all()
