"""One thread owns a network: inputs go to it in micro-batches, and work that needs the network itself has it alone.

Hooks, gradients and captured attention register on the one shared module, so two users who explain at once must queue here.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import accumulate
from typing import Any, TypeVar

import numpy as np

from core.errors import Cancelled
from core.inference.memory import free_device_memory, is_out_of_memory, out_of_memory
from core.inference.runtimes.base import Arrays, Shape
from core.types import FloatImage, Notice, notice

_T = TypeVar("_T")
Compute = Callable[[FloatImage], Arrays]
"""From float32 [N, channels, rows, columns] to arrays of N."""

IDLE_SECONDS = 60.0
"""An owner thread without work ends after that long; the next work starts another, so that a model nobody holds can be let go."""
LOG = logging.getLogger("sightline.inference")
MOST_PASSES_A_ROUND = 16
"""Nobody waits for more passes than these for company's sake."""


class Priority(IntEnum):
    """Who goes first. INTERACTIVE: somebody looks at the screen and waits. BATCH: folders, maps, and whatever else takes its time."""

    INTERACTIVE = 0
    BATCH = 1


@dataclass(frozen=True)
class _Answer:
    """arrays: of the inputs that were asked for. seconds: of the passes they were in."""

    arrays: Arrays
    seconds: float

    def of(self, inputs: slice) -> _Answer:
        """Of some of the inputs."""
        return _Answer({name: rows[inputs] for name, rows in self.arrays.items()}, self.seconds)


@dataclass
class _Inputs:
    """is_whole: a request that somebody waits for, and no piece of a longer one."""

    values: FloatImage
    compute: Compute
    is_whole: bool = False
    future: Future[_Answer] = field(default_factory=Future)

    def goes_with(self, other: _Inputs) -> bool:
        return self.compute == other.compute and self.values.shape[1:] == other.values.shape[1:]


@dataclass
class _Work:
    work: Callable[[], Any]
    future: Future[Any] = field(default_factory=Future)


class Batcher:
    """The owner thread and its queue: by priority, and within one first come first served. There is never more than one owner at a time.

    Which kernels a library takes depends on the shape of a pass, and another kernel adds up in another order. So with `size_of` every pass
    of one kind of input has one shape, filled up where fewer inputs wait: what is said of an input depends on nothing but the input.

    Answers of one pass that people wait for are told in rounds, to all of a crowd at once, lest the last wait much longer than the first.
    """

    def __init__(
        self,
        compute: Compute,
        batch_size: int,
        wait_seconds: float,
        name: str = "model",
        size_of: Callable[[Shape], int] | None = None,
    ) -> None:
        """compute: called on the owner thread alone, with at most batch_size inputs.

        wait_seconds: how long a batch that is not full waits for company.
        size_of: inputs of every pass, by the shape of one, where that is less than batch_size; None for passes of any size.
        """
        self._compute, self._wait_seconds, self._size_of = compute, wait_seconds, size_of
        self._first_size = self._batch_size = batch_size
        self._name = f"owner of {name}"
        self._queues: dict[Priority, deque[_Inputs | _Work]] = {priority: deque() for priority in Priority}
        self._arrived = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def forward(self, values: FloatImage, priority: Priority = Priority.BATCH, compute: Compute | None = None) -> _Answer:
        """Arrays for float32 [N, C, rows, columns], any N of at least one.

        A long request goes in piece by piece, so that others are answered in between. compute: another way through the network than the
        batcher's own; its inputs share no pass with others. Raises DeviceError where not even one input fits.
        """
        chosen = compute or self._compute
        if self._is_owner:
            return self._answer(values, chosen)
        answers, start = [], 0
        is_whole = priority is Priority.INTERACTIVE and len(values) <= self._size(values.shape[1:])
        while start < len(values):
            piece = values[start : start + self._size(values.shape[1:])]
            answers.append(self._submit(_Inputs(piece, chosen, is_whole), priority))
            start += len(piece)
        return _joined(answers)

    def run(self, work: Callable[[], _T], priority: Priority = Priority.BATCH) -> _T:
        """`work` on the owner thread, with nothing beside it; called from there it runs at once."""
        return work() if self._is_owner else self._submit(_Work(work), priority)

    def close(self) -> None:
        """End the owner thread after the pass that it is in. Whoever waits, and whoever asks from now on, is told Cancelled."""
        with self._arrived:
            self._is_closed = True
            left = [queue.popleft() for queue in self._queues.values() for _ in range(len(queue))]
            owner = self._thread
            self._arrived.notify_all()
        for item in left:
            item.future.set_exception(_closed())
        if owner is not None:
            owner.join()

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return sum(len(queue) for queue in self._queues.values())

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What the device could not do so far: true of every answer from then on."""
        is_whole = self._batch_size == self._first_size
        return () if is_whole else (notice("engine.batch-halved", failed=self._first_size, batch_size=self._batch_size),)

    @property
    def _is_owner(self) -> bool:
        return threading.current_thread() is self._thread

    def _size(self, shape: Shape) -> int:
        """Inputs of a pass."""
        return self._batch_size if self._size_of is None else min(self._size_of(shape), self._batch_size)

    def _submit(self, item: _Inputs | _Work, priority: Priority) -> Any:
        with self._arrived:
            if self._is_closed:
                raise _closed()
            self._queues[priority].append(item)
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name=self._name, daemon=True)
                self._thread.start()
            self._arrived.notify_all()
        return item.future.result()

    def _loop(self) -> None:
        while self._serve():
            pass

    def _serve(self) -> bool:
        """One round or one piece of work; whether to go on. Nothing of it stays in memory while the thread waits for the next."""
        item = self._next()
        if item is None:
            return False
        if isinstance(item, _Work):
            _settle(item.future, item.work)
        else:
            self._serve_round(item)
        return True

    def _next(self) -> list[_Inputs] | _Work | None:
        with self._arrived:
            self._arrived.wait_for(lambda: self.waiting or self._is_closed, IDLE_SECONDS)
            if not self.waiting:
                self._thread = None
                return None
            first = next(queue for queue in self._queues.values() if queue).popleft()
            return self._with_company(first, self._wait_seconds) if isinstance(first, _Inputs) else first

    def _with_company(self, first: _Inputs, wait_seconds: float) -> list[_Inputs]:
        """The inputs of one pass."""
        batch, deadline = [first], time.monotonic() + wait_seconds
        while (joining := self._joining(batch, deadline)) is not None:
            batch.append(joining)
        return batch

    def _joining(self, batch: list[_Inputs], deadline: float) -> _Inputs | None:
        """The next to go into the same batch, off the head of a queue; waits for one until the deadline where there is room for it.

        What is less urgent may fill a pass that is made anyway.
        """
        room = self._size(batch[0].values.shape[1:]) - sum(len(item.values) for item in batch)
        while room > 0 and not self.waiting and time.monotonic() < deadline:
            self._arrived.wait(max(0.0, deadline - time.monotonic()))
        for queue in self._queues.values():
            head = queue[0] if queue else None
            if isinstance(head, _Inputs) and len(head.values) <= room and head.goes_with(batch[0]):
                queue.popleft()
                return head
        return None

    def _serve_round(self, batch: list[_Inputs]) -> None:
        """A pass, and those of others that wait for the same kind of answer by then; all are told together."""
        answered = self._answers(batch)
        for _ in range(MOST_PASSES_A_ROUND - 1):
            batch = self._next_of_round(batch[0])
            if not batch:
                break
            answered += self._answers(batch)
        for item, found in answered:
            if isinstance(found, BaseException):
                item.future.set_exception(found)
            else:
                item.future.set_result(found)

    def _next_of_round(self, last: _Inputs) -> list[_Inputs]:
        with self._arrived:
            queue = self._queues[Priority.INTERACTIVE]
            head = queue[0] if last.is_whole and queue else None
            if not isinstance(head, _Inputs) or not head.is_whole or not head.goes_with(last):
                return []
            queue.popleft()
            return self._with_company(head, wait_seconds=0.0)

    def _answers(self, batch: Sequence[_Inputs]) -> list[tuple[_Inputs, _Answer | BaseException]]:
        """What to tell whom; an error belongs to those who asked, and the thread lives on."""
        try:
            answer = self._answer(np.concatenate([item.values for item in batch]), batch[0].compute)
        except BaseException as error:
            return [(item, error) for item in batch]
        stops = accumulate(len(item.values) for item in batch)
        return [(item, answer.of(slice(stop - len(item.values), stop))) for item, stop in zip(batch, stops, strict=True)]

    def _answer(self, values: FloatImage, compute: Compute) -> _Answer:
        answers, start = [], 0
        while start < len(values):
            size = self._size(values.shape[1:])
            part = values[start : start + size]
            began = time.perf_counter()
            arrays = self._computed(part if self._size_of is None else _filled(part, size), compute)
            if arrays is None:
                self._halve(len(part) if self._size_of is None else size)
                continue
            answers.append(_Answer(arrays, time.perf_counter() - began).of(slice(len(part))))
            start += len(part)
        return _joined(answers)

    @staticmethod
    def _computed(part: FloatImage, compute: Compute) -> Arrays | None:
        """None where memory ran out; what the failed pass held is free again once this has returned."""
        try:
            return compute(part)
        except (RuntimeError, MemoryError) as error:
            if is_out_of_memory(error):
                return None
            raise

    def _halve(self, failed: int) -> None:
        if failed == 1:
            raise out_of_memory("a single input")
        self._batch_size = failed // 2
        free_device_memory()
        LOG.warning("memory ran out with %d inputs at a time: from now on %d", failed, self._batch_size)


def _filled(part: FloatImage, size: int) -> FloatImage:
    """`size` inputs: those of `part`, and the last of them again."""
    missing = size - len(part)
    return part if missing == 0 else np.concatenate([part, np.repeat(part[-1:], missing, axis=0)])


def _closed() -> Cancelled:
    return Cancelled("The model is not open any more.", "Open it again.")


def _joined(answers: Sequence[_Answer]) -> _Answer:
    if len(answers) == 1:
        return answers[0]
    arrays = {name: np.concatenate([answer.arrays[name] for answer in answers]) for name in answers[0].arrays}
    return _Answer(arrays, sum(answer.seconds for answer in answers))


def _settle(future: Future[Any], work: Callable[[], Any]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # it belongs to the one who asked; the thread lives on
        future.set_exception(error)
