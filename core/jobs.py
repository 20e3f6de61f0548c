"""Long work as jobs, and open images held for their user: both outlive a page switch, a reload and a lost connection."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from core.errors import Cancelled
from core.settings import settings

_T = TypeVar("_T")

_TOKEN_BYTES = 32
"""Random bytes of a token: nobody guesses 256 bits."""
WORKERS = max(4, os.cpu_count() or 1)
"""Jobs that work at a time; further ones wait."""
SWEEPS_AN_IDLE_TIME = 30
"""How often idle values are looked for while one idle time passes."""
CANCEL_POLL_SECONDS = 0.1


class Job(Generic[_T]):
    """Work that goes on outside the page that asked for it. Written by its own thread, read by any."""

    def __init__(self, unit: str) -> None:
        self.id = secrets.token_urlsafe(_TOKEN_BYTES)
        self.unit = unit
        self.done = 0
        self.total: int | None = None
        self.result: _T | None = None
        self.error: BaseException | None = None
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
            raise Cancelled("The work was stopped.", "Start it again whenever you like.")
        self._job._advance(done, total)


@dataclass
class _Held:
    value: object
    is_busy: Callable[[], bool]
    dropped: Callable[[], None]
    owner: str
    seen: float


class Jobs:
    """The registry of running jobs and of held values. Safe to use from any thread."""

    def __init__(self, idle_seconds: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._idle_seconds, self._clock = idle_seconds, clock
        self._workers = threading.Semaphore(WORKERS)
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()
        self._is_sweeping = False

    def start(self, work: Callable[[JobProgress], _T], unit: str) -> Job[_T]:
        """Begin `work` in a thread of its own. unit: what is counted, in the plural ("tiles")."""
        job: Job[_T] = Job(unit)
        threading.Thread(target=self._run, args=(job, work), name=f"job: {unit}", daemon=True).start()
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

    def release(self, token: str) -> None:
        """Drop a value now. A token that is not known is no error: it may have been idle for too long."""
        with self._lock:
            self._held.pop(token, None)

    def _run(self, job: Job[_T], work: Callable[[JobProgress], _T]) -> None:
        progress = JobProgress(job)
        try:
            while not self._workers.acquire(timeout=CANCEL_POLL_SECONDS):
                progress.update(0)
            try:
                job._end(work(progress), None)
            finally:
                self._workers.release()
        except BaseException as error:  # whoever looks at the job decides what to say of it
            job._end(None, error)

    @property
    def _idle_time(self) -> float:
        return settings().idle_minutes * 60.0 if self._idle_seconds is None else self._idle_seconds

    def _drop_idle(self) -> None:
        now, gone = self._clock(), []
        with self._lock:
            for token, held in list(self._held.items()):
                if held.is_busy():
                    held.seen = now
                elif now - held.seen > self._idle_time:
                    gone.append(self._held.pop(token))
        for held in gone:
            held.dropped()

    def _sweep(self) -> None:
        """Drops idle values although nobody asks for any: pixels of a patient do not wait for the next visitor."""
        while True:
            time.sleep(self._idle_time / SWEEPS_AN_IDLE_TIME)
            self._drop_idle()
            with self._lock:
                if not self._held:
                    self._is_sweeping = False
                    return


_JOBS = Jobs()


def jobs() -> Jobs:
    """The one registry of this process."""
    return _JOBS
