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
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import DeviceError
from core.types import FloatImage, Notice, notice

T = TypeVar("T")
Arrays = dict[str, NDArray[np.float32]]
"""Results by name, the first axis of each is that of the inputs."""

IDLE_SECONDS = 60.0
"""An owner thread without work ends after that long; the next work starts another, so that a model nobody holds can be let go."""
LOG = logging.getLogger("sightline.inference")
CPU_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory")


@dataclass(frozen=True)
class Answer:
    """arrays: of the inputs that were asked for. seconds: of the passes they were in. notices: what the device could not do."""

    arrays: Arrays
    seconds: float
    notices: tuple[Notice, ...] = ()


@dataclass
class _Inputs:
    values: FloatImage
    future: Future[Answer] = field(default_factory=Future)


@dataclass
class _Work:
    work: Callable[[], Any]
    future: Future[Any] = field(default_factory=Future)


class Batcher:
    """The owner thread and its queue, first come first served. There is never more than one owner at a time."""

    def __init__(self, compute: Callable[[FloatImage], Arrays], batch_size: int, wait_seconds: float, name: str = "model") -> None:
        """compute: from float32 [N, C, rows, columns], N at most batch_size, to arrays of N; called on the owner thread alone.

        wait_seconds: how long a batch that is not full waits for company.
        """
        self.batch_size = batch_size
        self._compute, self._wait_seconds = compute, wait_seconds
        self._name = f"owner of {name}"
        self._queue: deque[_Inputs | _Work] = deque()
        self._arrived = threading.Condition()
        self._thread: threading.Thread | None = None

    def forward(self, values: FloatImage) -> Answer:
        """Arrays for float32 [N, C, rows, columns], any N of at least one.

        A long request goes in piece by piece, so that others are answered in between. Raises DeviceError where not even one input fits.
        """
        if self._is_owner:
            return self._answer(values)
        answers, start = [], 0
        while start < len(values):
            piece = values[start : start + self.batch_size]
            answers.append(self._submit(_Inputs(piece)))
            start += len(piece)
        return _joined(answers)

    def run(self, work: Callable[[], T]) -> T:
        """`work` on the owner thread, with nothing beside it; called from there it runs at once."""
        return work() if self._is_owner else self._submit(_Work(work))

    @property
    def _is_owner(self) -> bool:
        return threading.current_thread() is self._thread

    def _submit(self, item: _Inputs | _Work) -> Any:
        with self._arrived:
            self._queue.append(item)
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name=self._name, daemon=True)
                self._thread.start()
            self._arrived.notify_all()
        return item.future.result()

    def _loop(self) -> None:
        while self._serve():
            pass

    def _serve(self) -> bool:
        """One batch or one piece of work; whether to go on. Nothing of it stays in memory while the thread waits for the next."""
        item = self._next()
        if item is None:
            return False
        if isinstance(item, _Work):
            _settle(item.future, item.work)
        else:
            self._serve_batch(item)
        return True

    def _next(self) -> list[_Inputs] | _Work | None:
        with self._arrived:
            if not self._queue and not self._arrived.wait(IDLE_SECONDS):
                self._thread = None
                return None
            first = self._queue.popleft()
            if not isinstance(first, _Inputs):
                return first
            batch, deadline = [first], time.monotonic() + self._wait_seconds
            while self._joins(batch, deadline):
                batch.append(self._queue.popleft())  # type: ignore[arg-type]
            return batch

    def _joins(self, batch: list[_Inputs], deadline: float) -> bool:
        """Whether the head of the queue goes into the same batch; waits for a head until the deadline where there is room for one."""
        room = self.batch_size - sum(len(item.values) for item in batch)
        while room > 0 and not self._queue and time.monotonic() < deadline:
            self._arrived.wait(max(0.0, deadline - time.monotonic()))
        head = self._queue[0] if self._queue else None
        return isinstance(head, _Inputs) and len(head.values) <= room and head.values.shape[1:] == batch[0].values.shape[1:]

    def _serve_batch(self, batch: Sequence[_Inputs]) -> None:
        try:
            answer = self._answer(np.concatenate([item.values for item in batch]))
        except BaseException as error:  # it belongs to those who asked; the thread lives on
            for item in batch:
                item.future.set_exception(error)
            return
        start = 0
        for item in batch:
            stop = start + len(item.values)
            item.future.set_result(Answer({name: rows[start:stop] for name, rows in answer.arrays.items()}, answer.seconds, answer.notices))
            start = stop

    def _answer(self, values: FloatImage) -> Answer:
        answers, start = [], 0
        while start < len(values):
            part = values[start : start + self.batch_size]
            began = time.perf_counter()
            arrays = self._computed(part)
            notices = () if arrays is not None else (self._halve(len(part)),)
            answers.append(Answer(arrays or {}, time.perf_counter() - began, notices))
            start += len(part) if arrays is not None else 0
        return _joined(answers)

    def _computed(self, part: FloatImage) -> Arrays | None:
        """None where memory ran out; what the failed pass held is free again once this has returned."""
        try:
            return self._compute(part)
        except (RuntimeError, MemoryError) as error:
            if is_out_of_memory(error):
                return None
            raise

    def _halve(self, failed: int) -> Notice:
        if failed == 1:
            raise out_of_memory("a single input")
        self.batch_size = failed // 2
        free_device_memory()
        LOG.warning("out of memory with %d inputs at a time, %d from now on", failed, self.batch_size)
        return notice("engine.batch-halved", failed=failed, batch_size=self.batch_size)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch or Python means that memory ran out. The CPU's allocator has no error class of its own."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(words in str(error) for words in CPU_OUT_OF_MEMORY)


def out_of_memory(what: str) -> DeviceError:
    """The error for work that does not fit, whatever the batch."""
    return DeviceError(f"Memory ran out with {what}.", "Close other programs that use the device, or set SIGHTLINE_DEVICE=cpu.")


def free_device_memory() -> None:
    """Give blocks that torch keeps for later back to the GPU."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _joined(answers: Sequence[Answer]) -> Answer:
    if len(answers) == 1:
        return answers[0]
    whole = [answer.arrays for answer in answers if answer.arrays]
    arrays = {name: np.concatenate([part[name] for part in whole]) for name in whole[0]}
    notices = dict.fromkeys(one for answer in answers for one in answer.notices)
    return Answer(arrays, sum(answer.seconds for answer in answers), tuple(notices))


def _settle(future: Future[Any], work: Callable[[], Any]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # it belongs to the one who asked; the thread lives on
        future.set_exception(error)
