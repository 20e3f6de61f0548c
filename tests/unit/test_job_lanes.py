"""Which work waits for which: lanes of jobs, and turns between users."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from core import jobs as module
from core.jobs import Job, JobProgress, Jobs, Lane, LaneLimit

PATIENCE = 20.0
"""Seconds that a test waits for another thread before it gives up; none of them is needed on an idle machine."""


class Works:
    """Jobs that go on until they are told to end, and tell in which order they began."""

    def __init__(self, registry: Jobs, lane: Lane = Lane.HEAVY) -> None:
        self.registry, self.lane = registry, lane
        self.began: list[str] = []
        self.jobs: dict[str, Job[None]] = {}
        self._may_end: dict[str, threading.Event] = {}

    def start(self, user: str, number: int = 0) -> str:
        """One more of a user. Returns its name; it waits in the lane when this returns, or has begun."""
        name = f"{user}{number}"
        end = self._may_end[name] = threading.Event()

        def work(progress: JobProgress) -> None:
            self.began.append(name)
            while not end.wait(0.01):
                progress.update(0)

        queue = self.registry._queues[self.lane]
        before = len(queue._waiting) + len(queue._working)
        self.jobs[name] = self.registry.start(work, "tiles", self.lane, user)
        until(lambda: len(queue._waiting) + len(queue._working) > before)
        return name

    def end(self, name: str) -> None:
        self._may_end[name].set()
        assert self.jobs[name].wait(PATIENCE)

    def end_all(self) -> None:
        for event in self._may_end.values():
            event.set()
        assert all(job.wait(PATIENCE) for job in self.jobs.values())


def until(is_so: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < ends
        time.sleep(0.005)


def test_neither_downloads_nor_heavy_work_keep_a_short_answer_waiting() -> None:
    registry = Jobs()
    full = [Works(registry, lane) for lane in (Lane.DOWNLOAD, Lane.HEAVY)]
    for works in full:
        for user in range(20):
            works.start(f"user {user}, ")
    assert registry.start(lambda progress: "answer", "slices").wait(PATIENCE)
    assert all(len(works.began) < 20 for works in full)
    for works in full:
        works.end_all()


def test_one_user_holds_no_more_places_than_are_his_and_says_so_of_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.LANE_LIMITS, Lane.HEAVY, LaneLimit(5, 2))
    works = Works(Jobs())
    names = [works.start("ann", number) for number in range(4)]
    until(lambda: len(works.began) == 2)
    assert [works.jobs[name].is_queued for name in names] == [False, False, True, True]
    works.start("bob")
    until(lambda: works.began == ["ann0", "ann1", "bob0"])
    works.end("ann0")
    until(lambda: works.began[-1] == "ann2")
    works.end_all()


def test_the_next_place_goes_to_whoever_has_waited_longest_for_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.LANE_LIMITS, Lane.HEAVY, LaneLimit(1, 2))
    works = Works(Jobs())
    for number in range(3):
        works.start("ann", number)
    for user in ("bob", "eve"):
        works.start(user)
        works.start(user, 1)
    for turn in range(7):
        until(lambda turn=turn: len(works.began) == turn + 1)  # type: ignore[misc]
        works.end(works.began[-1])
    assert works.began == ["ann0", "bob0", "eve0", "ann1", "bob1", "eve1", "ann2"]


def test_who_stops_waiting_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.LANE_LIMITS, Lane.HEAVY, LaneLimit(1, 2))
    works = Works(Jobs())
    first, second, third = (works.start(user) for user in ("ann", "bob", "eve"))
    works.jobs[second].cancel()
    assert works.jobs[second].wait(PATIENCE)
    works.end(first)
    until(lambda: works.began == [first, third])
    works.end_all()
