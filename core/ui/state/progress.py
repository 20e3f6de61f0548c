"""Work under way: how far, in which unit, how long still, and a button that stops it."""

from __future__ import annotations

from typing import Any, TypeVar

import streamlit as st

from core.jobs import Job
from core.ui.state.errors import as_written, guarded, show_error
from core.ui.state.session import Slot
from core.ui.widgets.bars import quiet
from core.ui.widgets.words import duration

_T = TypeVar("T")

POLL_SECONDS = 0.5
TELLING_SHARE = 0.04
"""Share of the work that must be done before its pace says anything."""
BLINK_SECONDS = 0.3
"""Work that ends within a blink is not announced: a bar that flashes up tells nobody anything."""


def progress_text(job: Job[Any]) -> str:
    """ "12 of 40 tiles, about 20 s left"."""
    if not job.total:
        return f"{job.done:,} {job.unit}" if job.done else "starting"
    left = f", about {duration(job.eta_seconds)} left" if job.eta_seconds and progress_share(job) >= TELLING_SHARE else ""
    return f"{job.done:,} of {job.total:,} {job.unit}{left}"


def progress_share(job: Job[Any]) -> float:
    """In [0, 1]; 0 where the end is not known."""
    return min(1.0, job.done / job.total) if job.total else 0.0


def progress_line(slot: Slot[Any]) -> None:
    """One job in the rail."""
    job = slot.job
    if job is not None:
        st.progress(progress_share(job), text=progress_words(slot.title, job))


def progress_words(title: str, job: Job[Any]) -> str:
    """The line over a bar, for Streamlit, which reads it as Markdown: the title holds file names."""
    return as_written(f"{title}: {progress_text(job)}")


def is_under_way(slot: Slot[Any], key: str) -> bool:
    """Draw the progress of a slot that works, with its cancel button; the page runs anew when it ends. Whether it still works."""
    if slot.job is not None and not slot.is_announced:
        slot.is_announced = True
        slot.job.wait(BLINK_SECONDS)
    slot.settle()
    if slot.job is None:
        return False
    _watch(slot, key)
    return True


def result_of(slot: Slot[_T], key: str) -> _T | None:
    """The value of a slot; until there is one, what stands in its place: progress, the error, or a button that takes up stopped work."""
    if is_under_way(slot, key):
        return None
    if slot.failed or slot.was_stopped:
        _offer_again(slot, key)
    return slot.value


def _offer_again(slot: Slot[Any], key: str) -> None:
    if slot.failed:
        show_error(slot.failed)
    else:
        quiet(f"{slot.title}: stopped before it was done.")
    if slot.failed and slot.failed.is_lasting:
        return
    if st.button("Try again" if slot.failed else "Start again", key=f"{key}.again"):
        slot.start_again()
        st.rerun()


@st.fragment(run_every=POLL_SECONDS)
def _watch(slot: Slot[Any], key: str) -> None:
    with guarded():
        job = slot.job
        if job is None or job.is_done:
            st.rerun(scope="app")
        with st.container(horizontal=True, vertical_alignment="center", key=f"{key}.progress"):
            st.progress(progress_share(job), text=progress_words(slot.title, job))
            if st.button("Cancel", key=f"{key}.cancel", disabled=job.is_cancelled):
                job.cancel()
