"""Closing on the Radiology page: one image of several, all of them, and what is asked before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.settings import PROJECT
from core.ui.radiology import page_state as radiology
from core.ui.radiology import work
from core.ui.radiology.page_state import RadiologyState, close_one
from core.ui.state.session import Session
from core.ui.state.uploads import OpenFolder
from core.ui.widgets.drafts import ADDENDUM
from core.ui.widgets.intake import Wanted
from tests.pages.conftest import run_until, waited, words

SAMPLES = PROJECT / "sample_data"
FIRST, SECOND = SAMPLES / "chest-radiograph.dcm", SAMPLES / "chest-radiograph-opacity.dcm"


def opened(session: Session, *together: Path) -> RadiologyState:
    """These files come in one upload."""
    radiology.PAGE.open(session, Wanted("upload", together, OpenFolder()))
    waited(radiology.PAGE.arrival(session))
    room = radiology.PAGE.state(session)
    assert room is not None
    return room


@pytest.fixture
def session(home: Path) -> Session:
    return Session()


def test_closing_stops_the_work_and_forgets_it(session: Session) -> None:
    radiology.PAGE.open(session, Wanted("sample", (FIRST,)))
    waited(radiology.PAGE.arrival(session))
    room = radiology.PAGE.state(session)
    assert room is not None
    folder = room.folders[0].path
    task = work.answer(session, room.opening, "chest-xray")
    job = task.job
    assert job is not None
    radiology.PAGE.close(session)
    assert job.is_cancelled
    assert session.tasks == []
    assert session.places == {}
    assert not folder.exists()


def test_closing_one_image_leaves_the_others_and_stops_its_own_work(session: Session, home: Path) -> None:
    opened(session, FIRST)
    room = opened(session, SECOND)
    other = room.openings[0]
    gone, kept = (work.slices(session, opening).job for opening in (room.opening, other))
    assert gone is not None and kept is not None
    close_one(session, room)
    left = radiology.PAGE.state(session)
    assert left is not None and left.openings == (other,) and left.opening is other
    assert gone.is_cancelled and not kept.is_cancelled
    assert [folder.path for folder in left.folders] == list((home / "open").iterdir()), "what was uploaded for it is deleted"
    close_one(session, left)
    assert radiology.PAGE.state(session) is None
    assert list((home / "open").iterdir()) == []


def test_files_that_came_together_stay_until_the_last_of_them_is_closed(session: Session) -> None:
    room = opened(session, FIRST, SECOND)
    path = room.folders[0].path
    close_one(session, room)
    assert path.exists()
    left = radiology.PAGE.state(session)
    assert left is not None
    close_one(session, left)
    assert not path.exists()


def test_an_image_that_one_tab_closes_stays_open_in_another(session: Session) -> None:
    room, other = opened(session, FIRST, SECOND), Session()
    other.places[radiology.PAGE.name] = room
    room.sessions += 1
    close_one(session, room)
    left = radiology.PAGE.state(session)
    assert left is not None and len(left.openings) == 1
    radiology.PAGE.close(session)
    assert len(room.openings) == 2 and room.folders[0].path.exists()
    radiology.PAGE.close(other)
    assert not room.folders[0].path.exists()


def test_only_what_was_written_of_the_image_in_view_is_asked_about(session: Session) -> None:
    room = opened(session, FIRST, SECOND)
    first, second = room.openings
    room.drafts[f"radiology.{second.name}.report{ADDENDUM}"] = "The prior"
    assert room.would_lose() and not room.would_lose_one()
    room.chosen = 1
    assert room.would_lose_one()
    assert room.without(second).drafts == {}
    assert room.without(first).drafts == room.drafts


def test_a_report_that_was_edited_is_asked_about_until_it_is_signed(session: Session) -> None:
    room = opened(session, FIRST)
    reading = work.reading(session, room)
    assert reading is not None
    waited(room.opening.answers[reading.model])
    answer = room.opening.answers[reading.model].value
    assert answer is not None
    composed = work.report(room.opening, reading.model, answer.prediction, None)
    assert not room.would_lose_one()
    room.opening.report = replace(composed, edited={"findings": "Mine."})
    assert room.would_lose_one()
    room.opening.report = replace(room.opening.report, signed_by="R. Reader")
    assert not room.would_lose_one()


def test_close_and_close_all_stand_beside_each_other_where_several_are_open(application: AppTest) -> None:
    page = application.switch_page("pages/radiology.py").run()
    page.file_uploader[0].set_value([(path.name, path.read_bytes(), "application/dicom") for path in (FIRST, SECOND)])
    run_until(page, lambda said: FIRST.name in said)
    page.button(key="radiology.close").click().run()
    assert SECOND.name in run_until(page, lambda said: FIRST.name not in said)
    assert "radiology.close.all" not in [button.key for button in page.button]
    page.file_uploader[0].set_value([(FIRST.name, FIRST.read_bytes(), "application/dicom")])
    run_until(page, lambda said: FIRST.name in said)
    page.button(key="radiology.close.all").click().run()
    assert "Open an image" in words(page)
