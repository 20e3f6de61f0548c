"""Long work goes on without its page, can be stopped, and what it left is found again."""

from __future__ import annotations

import ast
import gc
import threading
import weakref
from pathlib import Path

import pytest

from core import jobs as module
from core.errors import Cancelled, NoPixels
from core.jobs import Job, JobProgress, Jobs, Lane, LaneLimit, jobs
from core.settings import Settings

PATIENCE = 20.0
"""Seconds that a test waits for another thread before it gives up; none of them is needed on an idle machine."""


class Value:
    """Something that can be held, and watched while it is."""


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_work_runs_outside_the_thread_that_asked_for_it() -> None:
    job = jobs().start(lambda progress: threading.get_ident(), "tiles")
    assert job.wait(PATIENCE)
    assert (job.unit, job.error, job.is_done) == ("tiles", None, True)
    assert job.result != threading.get_ident()


def test_progress_is_seen_while_the_work_goes_on() -> None:
    advanced, seen = threading.Event(), threading.Event()

    def work(progress: JobProgress) -> str:
        progress.update(3, 10)
        advanced.set()
        assert seen.wait(PATIENCE)
        progress.update(4)
        return "done"

    job = Jobs().start(work, "tiles")
    assert advanced.wait(PATIENCE)
    assert (job.done, job.total, job.is_done, job.result) == (3, 10, False, None)
    seen.set()
    assert job.wait(PATIENCE)
    assert (job.done, job.total, job.result) == (4, 10, "done")


def test_the_time_left_follows_from_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(module.time, "monotonic", clock)
    job: Job[None] = Job("tiles")
    progress = JobProgress(job)
    progress.update(0, 10)
    assert job.eta_seconds is None
    clock.seconds = 8.0
    progress.update(4)
    assert job.eta_seconds == pytest.approx(12.0)


def test_a_new_phase_has_a_pace_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(module.time, "monotonic", clock)
    job: Job[None] = Job("steps")
    progress = JobProgress(job)
    progress.update(0, 2)
    clock.seconds = 100.0
    progress.update(2)
    progress.update(0, 50)
    assert job.eta_seconds is None
    clock.seconds = 101.0
    progress.update(10)
    assert job.eta_seconds == pytest.approx(4.0)


def test_cancelled_work_stops_at_its_next_step() -> None:
    started, cancelled = threading.Event(), threading.Event()
    reached = []

    def work(progress: JobProgress) -> None:
        started.set()
        assert cancelled.wait(PATIENCE)
        assert progress.is_cancelled
        progress.update(1, 2)
        reached.append("after")

    job = Jobs().start(work, "tiles")
    assert started.wait(PATIENCE)
    job.cancel()
    cancelled.set()
    assert job.wait(PATIENCE)
    assert isinstance(job.error, Cancelled)
    assert (job.result, reached) == (None, [])


def test_work_that_waits_for_a_place_can_be_cancelled_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.LANE_LIMITS, Lane.SHORT, LaneLimit(1, 1))
    registry, finish = Jobs(), threading.Event()
    running, ran = threading.Event(), []

    def first(progress: JobProgress) -> None:
        running.set()
        assert finish.wait(PATIENCE)

    busy = registry.start(first, "tiles")
    assert running.wait(PATIENCE)
    waiting = registry.start(lambda progress: ran.append("ran"), "tiles")
    waiting.cancel()
    assert waiting.wait(PATIENCE)
    assert isinstance(waiting.error, Cancelled) and not busy.is_done
    finish.set()
    assert busy.wait(PATIENCE)
    assert ran == []


def test_an_error_is_kept_for_whoever_looks() -> None:
    def work(progress: JobProgress) -> None:
        raise NoPixels("a.dcm holds no image.")

    job = Jobs().start(work, "files")
    assert job.wait(PATIENCE)
    assert isinstance(job.error, NoPixels) and job.result is None


def test_a_place_is_free_again_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.LANE_LIMITS, Lane.SHORT, LaneLimit(1, 1))
    registry = Jobs()

    def fail(progress: JobProgress) -> None:
        raise ValueError

    assert registry.start(fail, "files").wait(PATIENCE)
    assert registry.start(lambda progress: 7, "files").wait(PATIENCE)


def test_a_result_survives_as_long_as_its_holder_is_held() -> None:
    registry = Jobs()
    token = registry.hold({"job": registry.start(lambda progress: "map", "tiles")})
    held = registry.held(token)
    assert isinstance(held, dict)
    assert held["job"].wait(PATIENCE) and held["job"].result == "map"


def test_tokens_cannot_be_guessed_and_open_one_thing_each() -> None:
    registry = Jobs()
    tokens = [registry.hold(number) for number in range(200)]
    assert len(set(tokens)) == 200
    assert min(map(len, tokens)) >= 43  # 256 bits in base 64
    assert [registry.held(token) for token in tokens] == list(range(200))
    assert registry.held("0" * 43) is None


def test_a_token_opens_nothing_to_anybody_but_its_owner() -> None:
    registry = Jobs()
    token = registry.hold("study", owner="one browser")
    assert registry.held(token) is registry.held(token, "another browser") is None
    assert registry.held(token, "one browser") == "study"


def test_what_nobody_looks_at_is_dropped_after_the_idle_time() -> None:
    clock = Clock()
    registry = Jobs(idle_seconds=1800.0, clock=clock)
    looked_at, forgotten = registry.hold("study"), registry.hold("scene")
    clock.seconds = 1500.0
    assert registry.held(looked_at) == "study"
    clock.seconds = 3000.0
    assert registry.held(looked_at) == "study"
    assert registry.held(forgotten) is None


def test_what_is_busy_is_not_idle_and_its_clock_starts_when_it_ends() -> None:
    clock, busy = Clock(), threading.Event()
    registry = Jobs(idle_seconds=1800.0, clock=clock)
    busy.set()
    token, other = registry.hold("map under way", is_busy=busy.is_set), registry.hold("x")
    clock.seconds = 9000.0
    assert registry.held(other) is None  # this look finds the map busy
    busy.clear()
    clock.seconds = 10_000.0
    assert registry.held(token) == "map under way"


def test_what_fails_while_it_is_let_go_keeps_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    clock, gone = Clock(), []
    registry = Jobs(idle_seconds=60.0, clock=clock)

    def fail() -> bool:
        raise OSError("a file of someone")

    for number in range(3):
        registry.hold(number, dropped=fail if number == 0 else lambda: gone.append(1), is_busy=fail if number == 1 else lambda: False)
    other = registry.hold("asked for")
    clock.seconds = 59.0
    assert registry.held(other) == "asked for"
    clock.seconds = 100.0
    assert registry.held(other) == "asked for"
    assert gone == [1, 1]
    assert "OSError" in caplog.text and "someone" not in caplog.text


def test_the_idle_time_is_a_setting_in_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(module, "settings", lambda: Settings(idle_minutes=2))
    registry = Jobs(clock=clock)
    token = registry.hold("study")
    clock.seconds = 119.0
    assert registry.held(token) == "study"
    clock.seconds = 119.0 + 121.0
    assert registry.held(token) is None


def test_idle_pixels_are_let_go_although_nobody_asks() -> None:
    gone, value = threading.Event(), Value()
    weakref.finalize(value, gone.set)
    Jobs(idle_seconds=0.05).hold(value)
    del value
    gc.collect()
    assert gone.wait(PATIENCE)


def test_release_lets_go_at_once() -> None:
    registry, value = Jobs(), Value()
    watched = weakref.ref(value)
    token = registry.hold(value)
    del value
    registry.release(token)
    registry.release(token)
    gc.collect()
    assert watched() is None and registry.held(token) is None


def test_the_registry_is_one_for_the_whole_process() -> None:
    assert jobs() is jobs()


def test_jobs_know_nothing_of_pages() -> None:
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in names if name.startswith(("streamlit", "core.ui", "torch"))}
