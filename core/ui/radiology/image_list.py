"""The images that are open, as a list to choose from: a small picture, and what each is."""

from __future__ import annotations

import streamlit as st

from core.ui.radiology.page_state import Opening, RadiologyState
from core.ui.radiology.study_facts import file_words, title_of
from core.ui.radiology.work import thumbnails
from core.ui.state.errors import as_written
from core.ui.state.progress import POLL_SECONDS
from core.ui.state.session import Session
from core.ui.widgets.bars import quiet

THUMBNAIL_WIDTH = 104


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
    for number, opening in enumerate(state.openings):
        which = "chosen" if number == state.chosen else "other"
        with st.container(key=f"pick-image-{which}-{number}"):
            if opening.thumbnail is not None:
                st.image(opening.thumbnail, width=THUMBNAIL_WIDTH)
            _name(state, number, opening)


def _name(state: RadiologyState, number: int, opening: Opening) -> None:
    if st.button(as_written(title_of(opening.image)), key=f"radiology.image.{number}", type="tertiary"):
        state.chosen = number
        st.rerun()
    quiet(file_words(opening.image))
