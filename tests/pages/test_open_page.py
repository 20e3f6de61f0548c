"""What is open on a page: it comes, is added to, is shared by tabs, and goes for good."""

from __future__ import annotations

import io
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from core.errors import UnreadableFile
from core.jobs import JobProgress, Jobs, Lane
from core.readers import read_dicom, read_series
from core.render.heatmap import heat_layer
from core.settings import PROJECT
from core.ui.radiology import page_state as radiology
from core.ui.radiology import work
from core.ui.radiology.study_facts import title_of
from core.ui.state import session as session_module
from core.ui.state.open_page import OpenPage, PageState
from core.ui.state.progress import progress_words
from core.ui.state.session import LEFT_SECONDS, Session, Task
from core.ui.state.uploads import OpenFolder
from core.ui.widgets.drafts import ADDENDUM
from core.ui.widgets.intake import Wanted
from tests.pages.conftest import waited

SAMPLES = PROJECT / "sample_data"
RADIOGRAPH = SAMPLES / "chest-radiograph.dcm"
CT = SAMPLES / "ct-series"


@dataclass
class Papers(PageState):
    """What a page of notes holds."""

    names: list[str] = field(default_factory=list)
    work: dict[str, Task[None]] = field(default_factory=dict)

    def tasks(self) -> Iterator[Task[Any]]:
        yield from self.work.values()


def read(wanted: Wanted, folder: OpenFolder, progress: JobProgress) -> list[str]:
    if not wanted.paths:
        raise UnreadableFile("There is nothing in it.", "Choose another.")
    return [path.name for path in wanted.paths]


def add(session: Session, here: Papers | None, names: list[str]) -> Papers:
    here = here or Papers()
    here.names += names
    return here


PAGE: OpenPage[list[str], Papers] = OpenPage("papers", "Reading", read, add)


def endless(progress: JobProgress) -> None:
    while True:
        progress.update(1, 2)
        time.sleep(0.01)


def came(session: Session, *names: str) -> Papers | None:
    PAGE.open(session, Wanted("papers", tuple(map(Path, names)), OpenFolder()))
    waited(PAGE.arrival(session))
    return PAGE.state(session)


def test_what_comes_later_is_added_and_closing_deletes_the_folders_of_all(home: Path) -> None:
    session = Session()
    came(session, "one")
    here = came(session, "two")
    assert here is not None and here.names == ["one", "two"]
    assert len(list((home / "open").iterdir())) == 2
    PAGE.close(session)
    assert (session.places, session.tasks) == ({}, [])
    assert list((home / "open").iterdir()) == []


def test_what_cannot_be_read_is_told_and_leaves_what_is_open(home: Path) -> None:
    session = Session()
    came(session, "one")
    here = came(session)
    assert here is not None and here.names == ["one"]
    failed = PAGE.arrival(session).failed
    assert failed is not None and failed.message == "There is nothing in it."
    assert len(list((home / "open").iterdir())) == 1


def test_what_two_sessions_hold_is_deleted_when_the_second_lets_go(home: Path) -> None:
    session, other = Session(), Session()
    here = came(session, "one")
    assert here is not None
    other.places[PAGE.name] = here
    here.sessions += 1
    PAGE.close(session)
    assert len(list((home / "open").iterdir())) == 1
    PAGE.close(other)
    assert list((home / "open").iterdir()) == []


def test_uploads_of_a_browser_that_never_came_back_go_although_a_session_still_points_at_them(home: Path) -> None:
    session = Session()
    here = came(session, "one")
    assert here is not None
    seconds = [0.0]
    registry = Jobs(idle_seconds=60.0, clock=lambda: seconds[0])
    token = registry.hold(session, dropped=session.let_go)
    job = here.work.setdefault("endless", Task())
    job.start("Going on", endless, "steps")
    session.tasks.append(job)
    running = job.job
    assert running is not None
    seconds[0] = 61.0
    assert registry.held(token) is None
    assert list((home / "open").iterdir()) == []
    assert running.is_cancelled


def test_the_line_of_progress_shows_a_name_as_it_is_written() -> None:
    task: Task[None] = Task()
    task.start("Reading *b* [x](y) :red[z] $q$", endless, "steps")
    assert task.job is not None
    line = progress_words(task.title, task.job)
    task.job.cancel()
    assert r"Reading \*b\* \[x\]\(y\) \:red\[z\] \$q\$" in line


def test_work_that_is_not_wanted_any_more_is_stopped_and_what_is_done_stays(home: Path) -> None:
    session, book = Session(), {}  # type: tuple[Session, dict[str, Task[Any]]]
    for name, job in (("old", endless), ("new", endless), ("done", lambda progress: "map")):
        session.task(book, name).start(name, job, "steps")
    waited(book["done"])
    old = book["old"].job
    assert old is not None
    session.stop_others(book, {"new"})
    assert old.is_cancelled
    assert set(book) == {"new", "done"}
    session.let_go()


def test_work_of_a_user_who_left_is_stopped_and_of_one_who_only_reloads_is_not(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connected, clock = {"first tab"}, [1000.0]
    monkeypatch.setattr(session_module.private_streamlit, "is_connected", lambda tab: tab in connected)
    monkeypatch.setattr(session_module, "monotonic", lambda: clock[0])
    session, book = Session(tabs={"first tab"}), {}  # type: tuple[Session, dict[str, Task[Any]]]
    session.task(book, "map").start("Mapping", endless, "tiles", Lane.HEAVY)
    running = book["map"].job
    assert running is not None
    clock[0] += 9000.0
    assert session.is_waited_for()
    connected.clear()
    assert session.is_waited_for()
    clock[0] += LEFT_SECONDS - 1.0
    session.tabs.add("after a reload")
    connected.add("after a reload")
    assert session.is_waited_for()
    connected.clear()
    for seconds in (0.0, LEFT_SECONDS - 1.0):
        clock[0] += seconds
        assert session.is_waited_for() and not running.is_cancelled
    clock[0] += 2.0
    assert not session.is_waited_for() and running.is_cancelled
    waited(book["map"])
    assert book["map"].was_stopped  # who comes back is asked whether it should start again
    assert not session.is_waited_for()


def test_an_explanation_begins_when_somebody_looks_and_stops_with_its_method(home: Path) -> None:
    session = Session()
    state = radiology.RadiologyState((radiology.Opening(read_dicom(SAMPLES / "real" / "child-pneumonia.dcm")),))
    first = work.reading(session, state)
    assert first is not None
    waited(state.opening.answers[first.model])
    for tab in ("Findings", "Study"):
        state.tab = tab
        work.reading(session, state)
        assert state.opening.explained == {}
    state.tab = "Why"
    said = work.reading(session, state)
    assert said is not None and said.target is not None and said.answer is not None
    assert set(state.opening.explained) == {(said.model, said.target)}
    other = next(method for method in said.answer.methods if method != said.target[0])
    running = state.opening.explained[said.model, said.target].job
    state.opening.target = (other, said.target[1])
    work.reading(session, state)
    assert running is None or running.is_cancelled
    session.let_go()


def test_an_image_that_is_open_already_is_looked_at_and_not_opened_twice(home: Path) -> None:
    session = Session()
    for path in (RADIOGRAPH, SAMPLES / "chest-radiograph-opacity.dcm", RADIOGRAPH):
        radiology.PAGE.open(session, Wanted(path.name, (path,)))
        waited(radiology.PAGE.arrival(session))
        state = radiology.PAGE.state(session)
    assert state is not None
    assert (len(state.openings), state.chosen) == (2, 0)


def test_an_addendum_that_was_begun_would_be_lost() -> None:
    here = Papers()
    assert not here.would_lose()
    here.drafts["report.0" + ADDENDUM] = "The prior"
    assert here.would_lose()


def test_an_image_is_listed_by_what_it_is() -> None:
    assert title_of(read_dicom(RADIOGRAPH)) == "DX chest, PA, 768 x 768 pixels"
    (series,) = read_series(sorted(CT.iterdir())[:6], "x")
    assert title_of(series) == "CT chest, 6 slices", "its kernel is no vendor's, and may be any word"
    (real,) = read_series(sorted((SAMPLES / "real" / "ct-rider").iterdir()), "x")
    assert title_of(real) == "CT chest, 8 slices, kernel STANDARD"


def test_a_tilted_head_says_its_tilt(shared_data: Path) -> None:
    folder = shared_data / "dicom" / "ct-head-ge-gantry-tilt"
    titles = [title_of(study) for study in read_series(sorted(folder.rglob("*.dcm")), "head")]
    assert any("tilted" in title for title in titles), titles


def test_an_overlay_is_clear_where_it_is_zero() -> None:
    pixels = np.asarray(PillowImage.open(io.BytesIO(heat_layer(np.array([[0.0, 0.5, 1.0]], dtype=np.float32)))))
    assert (pixels[0, 0, 3], pixels[0, 2, 3]) == (0, 255)


def test_no_message_to_a_browser_is_sent_by_its_name_alone() -> None:
    """A browser that dropped it meanwhile shows "Cached ForwardMsg MISS" in place of the page."""
    told = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text())
    assert told["global"]["minCachedMessageSize"] > 1e9
