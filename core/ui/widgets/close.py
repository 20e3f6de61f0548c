"""Buttons that let go of what is open; they ask first where something that a person wrote would be lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.ui.state.open_page import OpenPage, PageState
from core.ui.state.session import Session
from core.ui.widgets.bars import note


@dataclass(frozen=True)
class Closing:
    """One button. label: its own. words: what it does. would_lose: whether something that a person wrote would be lost. close: does it."""

    label: str
    words: str
    would_lose: bool
    close: Callable[[], None]


def close_button(place: DeltaGenerator, session: Session, page: OpenPage[Any, Any], here: PageState, words: str) -> None:
    """Close the page, in `place`; the question, where there is one, stands below. words: what closing does."""
    close_buttons(page.name, [(place, Closing("Close", words, here.would_lose(), partial(page.close_here, session)))])


def close_buttons(name: str, buttons: list[tuple[DeltaGenerator, Closing]]) -> None:
    """Each button in its place; the question of the one that asks stands below. name: of the page."""
    asks = f"{name}.asks"
    for place, one in buttons:
        is_asking = st.session_state.get(asks) == one.label and one.would_lose
        key = f"{name}.{one.label.lower().replace(' ', '.')}"
        is_asked = place.button(one.label, key=key, width="stretch", help=None if is_asking else one.words)
        if is_asked and not one.would_lose:
            _close(asks, one)
        if is_asked:
            st.session_state[asks] = one.label
            st.rerun()
    for _, one in buttons:
        if st.session_state.get(asks) == one.label and one.would_lose:
            _ask(name, asks, one)


def _ask(name: str, asks: str, one: Closing) -> None:
    note(f"{one.label} and lose what was written?", "An unsigned report, an addendum, labels or verdicts would be gone.")
    with st.container(horizontal=True):
        if st.button("Close anyway", key=f"{name}.close.yes"):
            _close(asks, one)
        if st.button("Keep it open", key=f"{name}.close.no"):
            del st.session_state[asks]
            st.rerun()


def _close(asks: str, one: Closing) -> None:
    st.session_state.pop(asks, None)
    one.close()
    st.rerun()
