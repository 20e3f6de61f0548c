"""The sign-in form: there when SIGHTLINE_PASSWORD is set, else the pages are open to whoever reaches this machine's own address."""

from __future__ import annotations

import hmac
import math

import streamlit as st

from core.settings import settings
from core.ui.shell.admission import COOKIE, admission
from core.ui.shell.private_streamlit import take_navigation

_OPEN = "sign_in.is_open"


def guard() -> None:
    """Let a page be drawn by app.py alone, and only to those who may see it.

    Until app.py has called st.navigation once in the life of a server, Streamlit takes pages/ for pages of its older kind and serves them
    by their address, past app.py and its sign-in. A page that is asked for in this way is run anew, through app.py.
    """
    if take_navigation():
        st.rerun()
    if not is_signed_in():
        st.stop()


def is_signed_in() -> bool:
    """Whether this browser may see the pages."""
    return not settings().password or bool(st.session_state.get(_OPEN)) or admission().is_admitted(browser())


def browser() -> str:
    """The random name of this browser (core/ui/shell/door.py), "" where it takes no cookies."""
    return str(st.context.cookies.get(COOKIE, ""))


def ask() -> None:
    """The form that asks for the password. A wrong one makes the next try wait, longer each time."""
    _, middle, _ = st.columns([1, 1, 1])
    with middle, st.form("sign-in", border=True):
        st.markdown("### Sightline")
        given = st.text_input("Password", type="password", autocomplete="current-password")
        if not st.form_submit_button("Sign in", type="primary", width="stretch"):
            return
        problem = _tried(given)
        if not problem:
            st.session_state[_OPEN] = True
            st.rerun()
        st.error(problem)


def _tried(given: str) -> str:
    """Try a password: "" where it lets this browser in, else why not."""
    address = str(st.context.ip_address or "")
    wait = admission().wait_s(address)
    if wait > 0:
        return f"After wrong passwords the next can be tried in {math.ceil(wait)} s."
    if hmac.compare_digest(given.encode(), settings().password.encode()):
        admission().admit(browser(), address)
        return ""
    admission().was_wrong(address)
    return "That is not the password."
