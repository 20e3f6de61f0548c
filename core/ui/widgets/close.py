"""The button that lets go of what is open; it asks first where something that a person wrote would be lost."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.ui.state.open_page import OpenPage, PageState
from core.ui.state.session import Session
from core.ui.widgets.bars import note


def close_button(place: DeltaGenerator, session: Session, page: OpenPage[Any, Any], here: PageState, words: str) -> None:
    """Close, in `place`; the question, where there is one, stands below. words: what closing does."""
    asks = f"{page.name}.asks"
    is_asking = st.session_state.get(asks, False) and here.would_lose()
    is_asked = place.button("Close", key=f"{page.name}.close", width="stretch", help=None if is_asking else words)
    if is_asked and not here.would_lose():
        _close(session, page)
    if is_asked:
        st.session_state[asks] = True
        st.rerun()
    if not is_asking:
        return
    note("Close and lose what was written?", "A report here was edited and not signed, or an addendum was begun.")
    with st.container(horizontal=True):
        if st.button("Close all the same", key=f"{page.name}.close.yes"):
            _close(session, page)
        if st.button("Keep it open", key=f"{page.name}.close.no"):
            del st.session_state[asks]
            st.rerun()


def _close(session: Session, page: OpenPage[Any, Any]) -> None:
    st.session_state.pop(f"{page.name}.asks", None)
    page.close_here(session)
    st.rerun()
