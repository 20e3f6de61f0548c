"""The images that are open, as a list to choose from: a small picture, and what each is."""

from __future__ import annotations

import streamlit as st

from core.ui.radiology.page_state import RadiologyState
from core.ui.radiology.study_facts import file_words, series_title, stack_title, title_of
from core.ui.radiology.work import thumbnails
from core.ui.state.errors import as_written
from core.ui.state.progress import POLL_SECONDS
from core.ui.state.session import Session
from core.ui.widgets.bars import quiet
from core.workflows.series_choice import by_series

THUMBNAIL_WIDTH = 104
PROPOSED = "Opened first"


def image_list(session: Session, state: RadiologyState) -> None:
    """Of several images, at the left of the picture; where one is open, what it is stands beside it."""
    task = thumbnails(session, state)
    task.settle()
    with st.container(key="image-list"):
        if task.job is None:
            _rows(state)
        else:
            st.fragment(_rows_until_drawn, run_every=POLL_SECONDS)(session, state)


def _rows_until_drawn(session: Session, state: RadiologyState) -> None:
    task = thumbnails(session, state)
    task.settle()
    _rows(state)
    if task.job is None:
        st.rerun()


def _rows(state: RadiologyState) -> None:
    """A card a series; where it holds several stacks, each of them on a line."""
    for number, group in enumerate(by_series([opening.image for opening in state.openings])):
        if len(group) == 1:
            _card(state, group[0], title_of(state.openings[group[0]].image))
            continue
        with st.container(key=f"series-card-{number}"):
            st.text(series_title([state.openings[index].image for index in group]))
            for index in group:
                _card(state, index, stack_title(state.openings[index].image))


def _card(state: RadiologyState, number: int, title: str) -> None:
    opening, which = state.openings[number], "chosen" if number == state.chosen else "other"
    with st.container(key=f"pick-image-{which}-{number}"):
        if opening.thumbnail is not None:
            st.image(opening.thumbnail, width=THUMBNAIL_WIDTH)
        if st.button(as_written(title), key=f"radiology.image.{number}", type="tertiary"):
            state.chosen = number
            st.rerun()
        quiet(file_words(opening.image))
        if opening.is_proposed:
            quiet(PROPOSED)
