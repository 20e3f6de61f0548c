"""The sign-in form: there when SIGHTLINE_PASSWORD is set, else the pages are open to whoever reaches this machine's own address."""

from __future__ import annotations

import hmac
import math

import streamlit as st

from core.settings import settings
from core.ui.shell.admission import admission, name_in
from core.ui.shell.base_path import address_of
from core.ui.shell.origin_key import key_in
from core.ui.shell.private_streamlit import take_navigation
from core.ui.shell.request_guard import ENTER

# The name that the browser came with may be known to others: it is let in under a new one, which only an answer of the server can give.
_JS = """
export default function ({ data }) {
  fetch(data.address, { method: "POST", headers: { "X-Sightline-Ticket": data.ticket } }).then(() => location.reload());
}
"""

_enter = st.components.v2.component("sightline_enter", html="<span hidden></span>", js=_JS)


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
    return not settings().password or admission().is_admitted(browser(), _key())


def browser() -> str:
    """The random name of this browser (core/ui/shell/request_guard.py), "" where it takes no cookies."""
    return name_in(st.context.headers.get_all("Cookie"))


def owner() -> str:
    """Whose is what this page opens: the browser's name and the secret of its origin, "" where it keeps either not."""
    key = _key()
    return f"{browser()} {key}" if browser() and key else ""


def _key() -> str:
    return key_in(st.context.headers)


def ask() -> None:
    """The form that asks for the password. A wrong one makes the next try wait, longer each time."""
    _, middle, _ = st.columns([1, 1, 1])
    with middle, st.form("sign-in", border=True):
        st.markdown("### Sightline")
        given = st.text_input("Password", type="password", autocomplete="current-password")
        if not st.form_submit_button("Sign in", type="primary", width="stretch"):
            return
        ticket, problem = _tried(given)
        if problem:
            st.error(problem)
    if ticket:
        _enter(key="sign-in.enter", data={"ticket": ticket, "address": address_of(ENTER)})


def _tried(given: str) -> tuple[str, str]:
    """Try a password: (a ticket that lets the browser in, "") or ("", why not)."""
    address = str(st.context.ip_address or "")
    wait = admission().wait_s(address)
    if wait > 0:
        return "", f"After wrong passwords the next can be tried in {math.ceil(wait)} s."
    if hmac.compare_digest(given.encode(), settings().password.encode()):
        return admission().was_right(address, _key()), ""
    admission().was_wrong(address)
    return "", "That is not the password."
