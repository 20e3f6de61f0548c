"""What stands around every page: style, device, running work, and the line that never goes away."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.settings import PROJECT, settings
from core.ui.shell.warm_up import is_ready
from core.ui.state.errors import guarded
from core.ui.state.progress import progress_line
from core.ui.state.session import session
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
    if here.is_in_place_of_another and here.is_empty:
        minutes = counted(settings().idle_minutes, "minute")
        note(
            "What was open here is gone",
            f"The server was started anew, nobody looked at it for {minutes}, it was closed, or the address comes from another "
            "browser, whose files are its own. Open it again below.",
        )


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
