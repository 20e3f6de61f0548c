"""The sign-in gate: there when SIGHTLINE_PASSWORD is set, else the pages are open to whoever reaches this machine's own address."""

from __future__ import annotations

import hmac
import time

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from core.settings import settings

_OPEN = "gate.is_open"
SECONDS_AFTER_A_WRONG_TRY = 1.0


def guard() -> None:
    """Let a page be drawn by app.py alone, and only to those who may see it.

    Until app.py has called st.navigation once in the life of a server, Streamlit takes pages/ for pages of its older kind and serves them
    by their address, past app.py and its gate. A page that is asked for in this way is run anew, through app.py.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
    if not is_open():
        st.stop()


def is_open() -> bool:
    """Whether this session may see the pages."""
    return not settings().password or bool(st.session_state.get(_OPEN))


def ask() -> None:
    """The form that asks for the password."""
    _, middle, _ = st.columns([1, 1, 1])
    with middle, st.form("gate", border=True):
        st.markdown("### Sightline")
        given = st.text_input("Password", type="password", autocomplete="current-password")
        if not st.form_submit_button("Sign in", type="primary", width="stretch"):
            return
        if hmac.compare_digest(given.encode(), settings().password.encode()):
            st.session_state[_OPEN] = True
            st.rerun()
        time.sleep(SECONDS_AFTER_A_WRONG_TRY)
        st.error("That is not the password.")
