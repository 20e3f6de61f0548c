"""What stands around every page: style, device, running work, and the line that never goes away."""

from __future__ import annotations

from functools import cache

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.inference.runtimes import describe_device
from core.settings import PROJECT
from core.ui.state.errors import guarded
from core.ui.state.progress import progress_line
from core.ui.state.session import session
from core.ui.widgets.words import INTENDED_USE

ASSETS = PROJECT / "assets"
_POLL_SECONDS = 1.0


def dress() -> None:
    """Our style over the theme, the mark at the top of the rail, and the intended use for a window that shows no rail."""
    st.html(ASSETS / "style.css")
    st.html(f'<p class="use">{INTENDED_USE}</p>')
    st.logo(str(ASSETS / "logo.svg"), size="medium")


@cache
def device() -> str:
    """The device in words; asked once, since it does not change while the server runs."""
    return describe_device()


def rail() -> DeltaGenerator:
    """Below the navigation: the device, the intended use, and above them the place for running work, which is returned."""
    with st.sidebar, st.container(key="rail-foot"):
        place = st.container()
        st.text(device())
        st.text(INTENDED_USE)
    return place


def running_work(place: DeltaGenerator) -> None:
    """Jobs that a page has started, whichever page is open. Nothing polls while nothing runs: a tab left open is no look at a study."""
    if session().running():
        with place:
            _running_work()


@st.fragment(run_every=_POLL_SECONDS)
def _running_work() -> None:
    with guarded():
        running = session().running()
        for task in running:
            progress_line(task)
        if not running:
            st.rerun(scope="app")
