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
FIRST, SECOND = SAMPLES / "real" / "child-pneumonia.dcm", SAMPLES / "real" / "child-normal.dcm"


def opened(session: Session, *together: Path) -> RadiologyState:
    """These files come in one upload."""
    radiology.PAGE.open(session, Wanted("upload", together, OpenFolder()))
    waited(radiology.PAGE.arrival(session))
    state = radiology.PAGE.state(session)
    assert state is not None
    return state


@pytest.fixture
def session(home: Path) -> Session:
    return Session()


def test_closing_stops_the_work_and_forgets_it(session: Session) -> None:
    radiology.PAGE.open(session, Wanted("sample", (FIRST,)))
    waited(radiology.PAGE.arrival(session))
    state = radiology.PAGE.state(session)
    assert state is not None
    folder = state.folders[0].path
    task = work.answer(session, state.opening, "chest-xray")
    job = task.job
    assert job is not None
    radiology.PAGE.close(session)
    assert job.is_cancelled
    assert session.tasks == []
    assert session.places == {}
    assert not folder.exists()


def test_closing_one_image_leaves_the_others_and_stops_its_own_work(session: Session, home: Path) -> None:
    opened(session, FIRST)
    state = opened(session, SECOND)
    other = state.openings[0]
    gone, kept = (work.slices(session, opening).job for opening in (state.opening, other))
    assert gone is not None and kept is not None
    close_one(session, state)
    left = radiology.PAGE.state(session)
    assert left is not None and left.openings == (other,) and left.opening is other
    assert gone.is_cancelled and not kept.is_cancelled
    assert [folder.path for folder in left.folders] == list((home / "open").iterdir()), "what was uploaded for it is deleted"
    close_one(session, left)
    assert radiology.PAGE.state(session) is None
    assert list((home / "open").iterdir()) == []


def test_files_that_came_together_stay_until_the_last_of_them_is_closed(session: Session) -> None:
    state = opened(session, FIRST, SECOND)
    path = state.folders[0].path
    close_one(session, state)
    assert path.exists()
    left = radiology.PAGE.state(session)
    assert left is not None
    close_one(session, left)
    assert not path.exists()


def test_an_image_that_one_tab_closes_stays_open_in_another(session: Session) -> None:
    state, other = opened(session, FIRST, SECOND), Session()
    other.places[radiology.PAGE.name] = state
    state.sessions += 1
    close_one(session, state)
    left = radiology.PAGE.state(session)
    assert left is not None and len(left.openings) == 1
    radiology.PAGE.close(session)
    assert len(state.openings) == 2 and state.folders[0].path.exists()
    radiology.PAGE.close(other)
    assert not state.folders[0].path.exists()


def test_only_what_was_written_of_the_image_in_view_is_asked_about(session: Session) -> None:
    state = opened(session, FIRST, SECOND)
    first, second = state.openings
    state.drafts[f"radiology.{second.name}.report{ADDENDUM}"] = "The prior"
    assert state.would_lose() and not state.would_lose_one()
    state.chosen = 1
    assert state.would_lose_one()
    assert state.without(second).drafts == {}
    assert state.without(first).drafts == state.drafts


def test_a_report_that_was_edited_is_asked_about_until_it_is_signed(session: Session) -> None:
    state = opened(session, FIRST)
    reading = work.reading(session, state)
    assert reading is not None
    waited(state.opening.answers[reading.model])
    answer = state.opening.answers[reading.model].value
    assert answer is not None
    composed = work.report(state.opening, reading.model, answer.prediction, None)
    assert not state.would_lose_one()
    state.opening.report = replace(composed, edited={"findings": "Mine."})
    assert state.would_lose_one()
    state.opening.report = replace(state.opening.report, signed_by="R. Reader")
    assert not state.would_lose_one()


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
