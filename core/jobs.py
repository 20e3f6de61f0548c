"""Long work as jobs, and open images held for their user: both outlive a page switch, a reload and a lost connection.

Jobs wait for a place in one of three lanes, so that neither slow hosts nor long searches keep others from a short answer. In each lane the
next place goes to the user who holds fewest there, and among equals to the one who has waited longest for a turn.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from core.errors import Cancelled
from core.settings import settings

_T = TypeVar("_T")

_TOKEN_BYTES = 32
"""Random bytes of a token: nobody guesses 256 bits."""
_CORES = os.cpu_count() or 1
SWEEPS_AN_IDLE_TIME = 30
"""How often idle values are looked for while one idle time passes."""
LONGEST_SWEEP_SECONDS = 30.0
CANCEL_POLL_SECONDS = 0.1

_LOG = logging.getLogger("sightline.jobs")


class Lane(Enum):
    """Which work waits for which. SHORT: somebody looks at the screen, and it is done in seconds. HEAVY: series, scenes, whatever fills the
    machine. DOWNLOAD: mostly waits for others."""

    SHORT = "short"
    HEAVY = "heavy"
    DOWNLOAD = "download"


@dataclass(frozen=True)
class LaneLimit:
    """Jobs of a lane that work at a time: of all users, and of one."""

    working: int
    a_user: int


LANE_LIMITS = {
    Lane.SHORT: LaneLimit(max(16, 4 * _CORES), 8),
    Lane.HEAVY: LaneLimit(max(1, _CORES // 2), 2),
    Lane.DOWNLOAD: LaneLimit(8, 2),
}


class Job(Generic[_T]):
    """Work that goes on outside the page that asked for it. Written by its own thread, read by any."""

    def __init__(self, unit: str) -> None:
        self.id = secrets.token_urlsafe(_TOKEN_BYTES)
        self.unit = unit
        self.done = 0
        self.total: int | None = None
        self.result: _T | None = None
        self.error: BaseException | None = None
        self.is_queued = True
        self._ended = threading.Event()
        self._cancelled = threading.Event()
        self._phase_began, self._phase_first = time.monotonic(), 0

    @property
    def is_done(self) -> bool:
        """Whether the work has ended, well or not."""
        return self._ended.is_set()

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody asked it to stop; it stops at its next step."""
        return self._cancelled.is_set()

    @property
    def eta_seconds(self) -> float | None:
        """Seconds to the end at the pace so far; None before the first step, and where the end is not known."""
        steps = self.done - self._phase_first
        if not self.total or steps <= 0 or self.is_done:
            return None
        return max(0, self.total - self.done) * (time.monotonic() - self._phase_began) / steps

    def cancel(self) -> None:
        """Ask the work to stop. Its error is then Cancelled, unless it ended before it noticed."""
        self._cancelled.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Until the work has ended, at most that long. Whether it has."""
        return self._ended.wait(seconds)

    def _advance(self, done: int, total: int | None) -> None:
        if done < self.done or total not in (None, self.total):  # a new phase, with a pace of its own
            self._phase_began, self._phase_first = time.monotonic(), done
        self.done, self.total = done, self.total if total is None else total

    def _end(self, result: _T | None, error: BaseException | None) -> None:
        self.result, self.error = result, error
        self._ended.set()


class JobProgress:
    """What the work itself holds: it tells how far it is, and learns that it should stop."""

    def __init__(self, job: Job[_T]) -> None:
        self._job = job

    @property
    def is_cancelled(self) -> bool:
        """Whether the user asked the work to stop."""
        return self._job.is_cancelled

    def update(self, done: int, total: int | None = None) -> None:
        """`done` of `total` units are finished; a total stays until another is given. Raises Cancelled where the user asked to stop."""
        if self.is_cancelled:
            raise Cancelled("The work was cancelled.", "Start it again whenever you like.")
        self._job._advance(done, total)


@dataclass
class _Held:
    value: object
    is_busy: Callable[[], bool]
    dropped: Callable[[], None]
    owner: str
    seen: float


class _Queue:
    """The places of one lane, and who waits for them."""

    def __init__(self, limit: LaneLimit) -> None:
        self._limit = limit
        self._changed = threading.Condition()
        self._working: list[str] = []
        self._waiting: dict[object, str] = {}
        self._turns: dict[str, int] = {}

    @contextmanager
    def place(self, user: str, is_still_wanted: Callable[[], None]) -> Iterator[None]:
        """Inside, a place is held. is_still_wanted: asked while none is free; what it raises ends the waiting."""
        ticket = object()
        with self._changed:
            self._waiting[ticket] = user
            try:
                while self._next() is not ticket:
                    self._changed.wait(CANCEL_POLL_SECONDS)
                    is_still_wanted()
                self._working.append(user)
                self._turns[user] = max(self._turns.values(), default=0) + 1
            finally:
                del self._waiting[ticket]
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._working.remove(user)
                here = {*self._working, *self._waiting.values()}
                self._turns = {each: turn for each, turn in self._turns.items() if each in here}
                self._changed.notify_all()

    def _next(self) -> object | None:
        """Whoever gets the next place; None where none is free."""
        if len(self._working) >= self._limit.working:
            return None
        may = [ticket for ticket, user in self._waiting.items() if self._working.count(user) < self._limit.a_user]
        return min(may, key=self._precedence, default=None)  # of equals the first that came

    def _precedence(self, ticket: object) -> tuple[int, int]:
        user = self._waiting[ticket]
        return self._working.count(user), self._turns.get(user, 0)


class Jobs:
    """The registry of running jobs and of held values. Safe to use from any thread."""

    def __init__(self, idle_seconds: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._idle_seconds, self._clock = idle_seconds, clock
        self._queues = {lane: _Queue(limit) for lane, limit in LANE_LIMITS.items()}
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()
        self._is_sweeping = False

    def start(self, work: Callable[[JobProgress], _T], unit: str, lane: Lane = Lane.SHORT, user: str = "") -> Job[_T]:
        """Begin `work` in a thread of its own, when there is a place in its lane. unit: what is counted, in the plural ("tiles").

        user: among whose jobs it counts.
        """
        job: Job[_T] = Job(unit)
        queue = self._queues[lane]
        threading.Thread(target=self._run, args=(job, work, queue, user), name=f"job: {unit}", daemon=True).start()
        return job

    def hold(
        self,
        value: object,
        is_busy: Callable[[], bool] = lambda: False,
        dropped: Callable[[], None] = lambda: None,
        owner: str = "",
    ) -> str:
        """Keep a value until it is released or idle for too long. Returns the token that it is known by, to its owner alone.

        is_busy: while it says so the value is not idle, even if nobody looks: a job will want to leave its result there.
        dropped: told when it was idle for too long: others may still point at the value, and what lies on disk must go now.
        """
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._drop_idle()
        with self._lock:
            self._held[token] = _Held(value, is_busy, dropped, owner, self._clock())
            if not self._is_sweeping:
                self._is_sweeping = True
                threading.Thread(target=self._sweep, name="idle values", daemon=True).start()
        return token

    def held(self, token: str, owner: str = "") -> object | None:
        """The value of a token, whose idle clock starts anew; None where there is none (any more), or where it is another's."""
        self._drop_idle()
        with self._lock:
            found = self._held.get(token)
            if found is None or found.owner != owner:
                return None
            found.seen = self._clock()
            return found.value

    def peek(self, token: str) -> object | None:
        """The value of a token, whoever it is of and without its idle clock starting anew: enough to ask its owner for it."""
        with self._lock:
            found = self._held.get(token)
            return found.value if found is not None else None

    def release(self, token: str) -> None:
        """Drop a value now. A token that is not known is no error: it may have been idle for too long."""
        with self._lock:
            self._held.pop(token, None)

    def _run(self, job: Job[_T], work: Callable[[JobProgress], _T], queue: _Queue, user: str) -> None:
        progress = JobProgress(job)
        try:
            with queue.place(user, lambda: progress.update(0)):
                job.is_queued = False
                job._end(work(progress), None)
        except BaseException as error:  # whoever looks at the job decides what to say of it
            job._end(None, error)

    @property
    def _idle_time(self) -> float:
        return settings().idle_minutes * 60.0 if self._idle_seconds is None else self._idle_seconds

    def _drop_idle(self) -> None:
        now, gone = self._clock(), []
        with self._lock:
            for token, held in list(self._held.items()):
                if _is_busy(held):
                    held.seen = now
                elif now - held.seen > self._idle_time:
                    gone.append(self._held.pop(token))
        for held in gone:
            try:
                held.dropped()
            except Exception as error:  # the others are let go all the same
                _LOG.error("what was idle was not let go: %s", type(error).__name__)

    def _sweep(self) -> None:
        """Drops idle values although nobody asks for any: pixels of a patient do not wait for the next visitor."""
        while True:
            time.sleep(min(LONGEST_SWEEP_SECONDS, self._idle_time / SWEEPS_AN_IDLE_TIME))
            self._drop_idle()
            with self._lock:
                if not self._held:
                    self._is_sweeping = False
                    return


def _is_busy(held: _Held) -> bool:
    """Whether somebody needs it; what cannot say so is held for nobody."""
    try:
        return held.is_busy()
    except Exception as error:  # the sweep goes on for the others
        _LOG.error("what is held did not say whether it is busy: %s", type(error).__name__)
        return False


_JOBS = Jobs()


def jobs() -> Jobs:
    """The one registry of this process."""
    return _JOBS
