"""Radiology: two thirds viewer, one third what is known about the image in it."""

from __future__ import annotations

import streamlit as st

from core.ui.radiology import work
from core.ui.radiology.candidates import found_so_far, slice_words
from core.ui.radiology.explanation_panel import why
from core.ui.radiology.exports import image_downloads
from core.ui.radiology.image_list import image_list
from core.ui.radiology.models import models_for, why_no_model
from core.ui.radiology.page_state import PAGE, TABS, Opening, RadiologyState, close_one
from core.ui.radiology.study_facts import file_words, title_of
from core.ui.radiology.study_panel import study
from core.ui.radiology.study_viewer import image_view, pick_token, slice_in_view
from core.ui.radiology.ways_out_panel import ways_out_panel
from core.ui.radiology.work import ModelReading
from core.ui.state.errors import guarded, show_error
from core.ui.state.progress import is_under_way, result_of
from core.ui.state.session import session
from core.ui.viewer import view, viewer_event
from core.ui.widgets.bars import note, quiet
from core.ui.widgets.choices import apart
from core.ui.widgets.close import Closing, close_buttons
from core.ui.widgets.faithfulness import beside_note
from core.ui.widgets.findings import findings
from core.ui.widgets.intake import Wanted, asked_samples, drop_zone, place_field, public_samples, sample_tiles
from core.ui.widgets.refusals import refused
from core.ui.widgets.report_panel import report_panel

HERE = session()
TAB = "radiology.tab"
VIEWER = "radiology.viewer"
DROP = "Drop DICOM files, a folder or a zip, PNG or JPEG; nothing leaves this machine"
CLOSING = "Close this image; what was uploaded for it alone is deleted from this machine."
CLOSING_ALL = "Close all images; uploads are deleted from this machine."
THE_MAP = "the explanation"


def intake() -> Wanted | None:
    """Files, a place, a public sample."""
    if failed := PAGE.arrival(HERE).failed:
        show_error(failed)
    wanted = drop_zone(DROP, "radiology.upload")
    wanted = place_field(HERE, "radiology") or wanted
    return public_samples(HERE, ("dicom",), "radiology") or wanted


def empty_state() -> Wanted | None:
    """Nothing is open: everything that could be."""
    left, right = st.columns([2, 1], gap="large")
    with left:
        st.markdown("#### Open an image")
        wanted = intake()
    with right:
        st.markdown("#### Or try one of these")
        return sample_tiles("dicom", "radiology") or wanted


@st.fragment
def picture(opening: Opening, reading: ModelReading | None, is_on_why: bool) -> None:
    """The viewer; it runs alone when the view changes, and the page runs with it when a patch is clicked."""
    with guarded():
        slices = result_of(work.slices(HERE, opening), "radiology.slices")
        if slices is None:
            return
        opening.viewport = viewer_event(VIEWER, opening.name).viewport or opening.viewport
        answer, shown = (reading.answer, reading.explanation) if reading else (None, None)
        event = view(image_view(opening, slices, answer, shown, has_overlay=is_on_why), VIEWER)
        if answer and answer.searched and (words := slice_words(answer.searched, slice_in_view(opening, slices))):
            quiet(words)
        if event.click and answer and is_on_why:
            pick_token(opening, answer.grid, event.click, answer)
            st.rerun(scope="app")


def head(state: RadiologyState) -> Wanted | None:
    """Which image, the buttons that let go of it and of all, what was refused, and the way to open more."""
    st.text(title_of(state.opening.image))
    quiet(file_words(state.opening.image))
    one = Closing("Close", CLOSING, state.would_lose_one(), lambda: close_one(HERE, state))
    every = Closing("Close all", CLOSING_ALL, state.would_lose(), lambda: PAGE.close_here(HERE))
    closings = [one, every][: len(state.openings)]
    close_buttons(PAGE.name, list(zip(st.columns(3)[: len(closings)], closings, strict=True)))
    refused(state.refused)
    ways_out_panel(HERE, state)
    with st.expander("Open another", key="radiology.more", expanded=PAGE.arrival(HERE).failed is not None):
        return intake()


def seen(opening: Opening, reading: ModelReading) -> None:
    """The tab Findings."""
    models = models_for(opening.image)
    if len(models) > 1:
        st.session_state.setdefault(work.model_key(opening), reading.model)
        st.selectbox("Model", models, format_func=apart(models), key=work.model_key(opening))
    task = work.answer(HERE, opening, reading.model)
    answer = result_of(task, "radiology.answer")
    if task.is_running:
        found_so_far(opening.rankings, reading.model)
    if answer:
        beside_note(reading.explanation)
        findings(answer.prediction, answer.coverage, answer.knows)
        if work.go_to_candidate(opening, answer):
            st.rerun()


def written(state: RadiologyState, reading: ModelReading, tab: str) -> None:
    """The tabs Report and Export: of what is on the page, or of what was signed."""
    opening, answer = state.opening, reading.answer
    if answer is None:
        result_of(work.answer(HERE, opening, reading.model), "radiology.answer")
        return
    task = opening.explained.get((reading.model, reading.target)) if reading.target else None
    is_explaining = task is not None and opening.signed is None and is_under_way(task, "radiology.why")
    report = work.report(opening, reading.model, answer.prediction, reading.explanation)
    waits_for = THE_MAP if is_explaining else ""
    if tab == "Report":
        key = f"radiology.{opening.name}.report"
        report_panel(report, lambda kept: work.keep_report(opening, reading, kept), state.drafts, key, waits_for=waits_for)
        return
    opening.report = report
    image_downloads(work.to_take(opening, reading, report), f"radiology.{opening.name}.export", waits_for)


def panel(state: RadiologyState, reading: ModelReading | None) -> Wanted | None:
    """Tabs beside the viewer; only the open one is drawn. Returns what else is to be opened."""
    wanted = head(state)
    tabs = dict(zip(TABS, st.tabs(TABS, key=TAB, on_change="rerun"), strict=True))
    opening, tab = state.opening, state.tab
    with tabs[tab], guarded():
        if tab == "Study":
            study(opening.image)
        elif reading is None:
            note(*why_no_model(opening.image))
        elif tab == "Findings":
            seen(opening, reading)
        elif tab == "Why":
            why(HERE, opening, reading)
        else:
            written(state, reading, tab)
    return wanted


wanted = asked_samples("dicom")
if wanted is None:
    is_arriving = is_under_way(PAGE.arrival(HERE), "radiology.arrival")
    opened = PAGE.state(HERE)
    if opened:
        opened.tab = st.session_state.setdefault(TAB, opened.tab) or opened.tab
        is_list = len(opened.openings) > 1
        *strip, left, right = st.columns([0.3, 2, 1] if is_list else [2, 1], gap="medium")
        said = work.reading(HERE, opened)
        work.stop_unseen(HERE, opened)
        for place in strip:
            with place, guarded():
                image_list(HERE, opened)
        with left:
            picture(opened.opening, said, opened.tab == "Why")
        with right, st.container(key="panel"):
            wanted = panel(opened, said)
    elif not is_arriving:
        wanted = empty_state()
if wanted:
    PAGE.open(HERE, wanted)
    st.rerun()
