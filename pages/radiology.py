"""Radiology: two thirds viewer, one third what is known about the image in it."""

from __future__ import annotations

import streamlit as st

from core.report.notices import say
from core.types import Explanation, Study
from core.ui.radiology import page_state as radiology
from core.ui.radiology.candidates import slice_words
from core.ui.radiology.explanation_panel import why
from core.ui.radiology.exports import Taken, image_downloads
from core.ui.radiology.models import models_for, why_no_model
from core.ui.radiology.page_state import Answer, Opening, Room
from core.ui.radiology.study_facts import geometry_words, image_facts, kept_header
from core.ui.state.errors import guarded, show_error
from core.ui.state.progress import is_under_way, result_of
from core.ui.state.session import desk
from core.ui.viewer import view
from core.ui.widgets.bars import facts, note, quiet
from core.ui.widgets.choices import apart
from core.ui.widgets.findings import findings
from core.ui.widgets.intake import asked_samples, drop_zone, place_field, public_samples, sample_tiles
from core.ui.widgets.report_panel import report_panel

HERE = desk()
TAB = "radiology.tab"
TABS = ("Findings", "Why", "Report", "Study", "Export")


def empty_state() -> None:
    """Nothing is open: everything that could be."""
    arrival = radiology.PAGE.arrival(HERE)
    if arrival.failed:
        show_error(arrival.failed)
    left, right = st.columns([2, 1], gap="large")
    with left:
        st.markdown("#### Open an image")
        wanted = drop_zone("Drop DICOM files, a folder or a zip, PNG or JPEG; nothing leaves this machine", "radiology.upload")
        wanted = place_field(HERE, "radiology") or wanted
        wanted = public_samples(HERE, ("dicom",), "radiology") or wanted
    with right:
        st.markdown("#### Or try one of these")
        wanted = sample_tiles("dicom", "radiology") or wanted
    if wanted:
        radiology.open_in(HERE, wanted)
        st.rerun()


@st.fragment
def picture(opening: Opening, answer: Answer | None, shown: Explanation | None, has_overlay: bool) -> None:
    """The viewer; it runs alone when the view changes, and the page runs with it when a patch is clicked."""
    with guarded():
        slices = result_of(radiology.slices(HERE, opening), "radiology.slices")
        if slices is None:
            return
        event = view(radiology.show(opening, slices, answer, shown, has_overlay=has_overlay), "radiology.viewer")
        has_moved = radiology.look(opening, event.look)
        if answer and answer.searched:
            quiet(slice_words(answer.searched, radiology.slice_in_view(opening, slices)))
            if has_moved:
                st.rerun(scope="fragment")
        if event.picked and answer:
            radiology.pick(opening, answer.grid, event.picked, answer)
            st.session_state["radiology.go_to"] = "Why"
            st.rerun(scope="app")


def head(room: Room) -> None:
    """Which image, and the button that lets go of it."""
    name, close = st.columns([3, 1], vertical_alignment="center")
    names = [opening.image.name for opening in room.openings]
    if len(names) > 1:
        st.session_state.setdefault("radiology.image", room.chosen)
        room.chosen = name.selectbox(
            "Image", range(len(names)), key="radiology.image", label_visibility="collapsed",
            format_func=apart(range(len(names)), names.__getitem__),
        )  # fmt: skip
    else:
        name.text(names[0])
    if close.button("Close", key="radiology.close", width="stretch", help="Forget this study; uploads are deleted from this machine."):
        radiology.PAGE.close(HERE)
        st.rerun()
    for label, words in room.refused:
        show_error(words, label)


def study(opening: Opening) -> None:
    """The header that was kept, and the geometry."""
    image = opening.image
    facts(image_facts(image))
    if isinstance(image, Study):
        quiet(geometry_words(image))
        with st.expander("Everything that was kept of the header"):
            facts(kept_header(image))
        quiet("Names, numbers, dates and every other attribute of the file were dropped when it was read.")
    for assumption in image.assumptions:
        quiet(say(assumption))


def panel(room: Room) -> tuple[Answer | None, Explanation | None]:
    """Tabs beside the viewer. Returns what the viewer shows of them."""
    head(room)
    if "radiology.go_to" in st.session_state:
        st.session_state[TAB] = st.session_state.pop("radiology.go_to")
    seen, reasons, written, header, out = st.tabs(TABS, key=TAB, on_change="rerun")
    opening = room.opening
    with header:
        study(opening)
    models = models_for(opening.image)
    if not models:
        for tab in (seen, reasons, written, out):
            with tab:
                note(*why_no_model(opening.image))
        return None, None
    model = models[0]
    with seen:
        if len(models) > 1:
            model = st.selectbox("Model", models, format_func=apart(models), key="radiology.model")
        answer = result_of(radiology.answer(HERE, opening, model), "radiology.answer")
        if answer:
            findings(answer.prediction, answer.coverage)
            if radiology.go_to_candidate(opening, answer):
                st.rerun()
    if answer is None:
        return None, None
    with reasons:
        shown = why(HERE, opening, model, answer)
    key = f"radiology.{opening.name}"
    with written:
        opening.report = report_panel(radiology.report(opening, model, answer.prediction, shown), f"{key}.report")
    with out:
        window = answer.searched.window if answer.searched else None
        image_downloads(Taken(opening.image, model, opening.report, shown, window), f"{key}.export")
    return answer, shown


waiting = asked_samples("dicom")
if waiting:
    radiology.open_in(HERE, waiting)
is_arriving = is_under_way(radiology.PAGE.arrival(HERE), "radiology.arrival")
open_room = radiology.PAGE.state(HERE)
if open_room:
    left, right = st.columns([2, 1], gap="medium")
    with right, st.container(key="panel"):
        answered, explained = panel(open_room)
    with left:
        picture(open_room.opening, answered, explained, st.session_state.get(TAB) == "Why")
elif not is_arriving:
    empty_state()
