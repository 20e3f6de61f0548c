"""What stands around every page: style, device, running work, and the line that never goes away."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.settings import PROJECT, settings
from core.ui.shell.warm_up import is_ready
from core.ui.state.errors import guarded
from core.ui.state.guests import answer_guest, ask_to_join, asking
from core.ui.state.progress import progress_line
from core.ui.state.session import Session, host, join, session
from core.ui.widgets.bars import note
from core.ui.widgets.words import INTENDED_USE, counted

ASSETS = PROJECT / "assets"
_POLL_SECONDS = 1.0
_DAY_S = 86_400


def dress() -> None:
    """Our style over the theme, the mark at the top of the sidebar, and the intended use for a window that shows none."""
    st.html(ASSETS / "style.css")
    st.html(f'<p class="use">{INTENDED_USE}</p>')
    st.logo(str(ASSETS / "logo.svg"), size="medium")


@cache
def device() -> str:
    """The device in words; asked once, since it does not change while the server runs."""
    from core.inference.runtimes import describe_device  # here, since it takes a library that the first visitor waits for

    return describe_device()


@dataclass(frozen=True)
class Foot:
    """The foot of the sidebar, top down: places for running work and for the device."""

    work: DeltaGenerator
    device: DeltaGenerator


def sidebar() -> Foot:
    """Below the navigation: places for running work and the device, and the intended use."""
    with st.sidebar, st.container(key="sidebar-foot"):
        foot = Foot(st.container(), st.empty())
        st.text(INTENDED_USE)
    if is_ready():
        foot.device.text(device())
    return foot


def tell_what_is_gone() -> None:
    """Where the address names something that is not open here, until something is: a study does not vanish without a word."""
    _run_anew_when_connected_anew()
    here = session()
    _answer_guests(here)
    other = host(here.linked) if here.is_empty else None
    if other is not None and here.owner:
        _ask_to_come_in(here, other)
    elif here.linked and here.is_empty:
        minutes = counted(settings().idle_minutes, "minute")
        note(
            "What was open here is gone",
            f"The server was started anew, nobody looked at it for {minutes}, it was closed, or the address comes from another "
            "browser, whose files are its own. Open it again below.",
        )


def _ask_to_come_in(here: Session, other: Session) -> None:
    """The address names what another browser has open: nothing of it is shown until that one says yes."""
    guest = other.guests.get(here.owner)
    if guest is None:
        note(
            "This link belongs to another browser",
            "What is open there is shown here once its user agrees. What you open after that is seen there too.",
        )
        if st.button("Ask to see it", key="guest.ask"):
            ask_to_join(other, here)
            st.rerun()
    elif guest.is_let_in is None:
        guest.tabs |= here.tabs
        note("Asked", "The other browser was asked. What is open there appears here as soon as its user agrees.")
    elif not guest.is_let_in:
        note("Not shared", "The user of the other browser did not agree. Open your own files below.")
    else:  # agreed while this tab had a session of its own already
        join(here.linked, other)
        st.rerun()


def _answer_guests(here: Session) -> None:
    """What other browsers want of this one."""
    for number, (owner, _) in enumerate(asking(here)):
        note(
            "Another browser asks to see what is open here",
            "It opened the link in your address bar. If you agree it can see, change and close everything that is open here, as you can.",
        )
        with st.container(horizontal=True):
            for words, is_let_in in (("Let it in", True), ("Refuse", False)):
                if st.button(words, key=f"guest.{number}.{is_let_in}"):
                    answer_guest(here, owner, is_let_in=is_let_in)
                    st.rerun()


@st.fragment(run_every=_DAY_S)
def _run_anew_when_connected_anew() -> None:
    """Draws nothing. A browser that finds its server again asks for a run only where something on the page is to run by the clock."""


def running_work(foot: Foot) -> None:
    """Jobs that a page has started, whichever page is open, and the device, where the libraries that know it were still loading.

    Nothing polls while nothing runs: a tab left open is no look at a study.
    """
    foot.device.text(device())
    if session().running():
        with foot.work:
            _running_work()


@st.fragment(run_every=_POLL_SECONDS)
def _running_work() -> None:
    with guarded():
        running = session().running()
        for task in running:
            progress_line(task)
        if not running:
            st.rerun(scope="app")
