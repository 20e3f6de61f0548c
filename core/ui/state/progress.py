"""Work under way: how far, in which unit, how long still, and a button that stops it."""

from __future__ import annotations

from typing import Any, TypeVar

import streamlit as st

from core.jobs import Job
from core.ui.state.errors import as_written, guarded, show_error
from core.ui.state.session import Task
from core.ui.widgets.bars import quiet
from core.ui.widgets.words import duration

_T = TypeVar("_T")

POLL_SECONDS = 0.5
TELLING_SHARE = 0.04
"""Share of the work that must be done before its pace says anything."""
BLINK_SECONDS = 0.3
"""Work that ends within a blink is not announced: a bar that flashes up tells nobody anything."""


def progress_text(job: Job[Any]) -> str:
    """ "12 of 40 tiles, about 20 s left"."""
    if job.is_queued:
        return "queued"
    if not job.total:
        return f"{job.done:,} {job.unit}" if job.done else "starting"
    left = f", about {duration(job.eta_seconds)} left" if job.eta_seconds and progress_share(job) >= TELLING_SHARE else ""
    return f"{job.done:,} of {job.total:,} {job.unit}{left}"


def progress_share(job: Job[Any]) -> float:
    """In [0, 1]; 0 where the end is not known."""
    return min(1.0, job.done / job.total) if job.total else 0.0


def progress_line(task: Task[Any]) -> None:
    """One job in the rail."""
    job = task.job
    if job is not None:
        st.progress(progress_share(job), text=progress_words(task.title, job))


def progress_words(title: str, job: Job[Any]) -> str:
    """The line over a bar, for Streamlit, which reads it as Markdown: the title holds file names."""
    return as_written(f"{title}: {progress_text(job)}")


def is_under_way(task: Task[Any], key: str) -> bool:
    """Draw the progress of a task that works, with its cancel button; the page runs anew when it ends. Whether it still works."""
    if task.job is not None and not task.is_announced:
        task.is_announced = True
        task.job.wait(BLINK_SECONDS)
    task.settle()
    if task.job is None:
        return False
    _watch(task, key)
    return True


def result_of(task: Task[_T], key: str) -> _T | None:
    """The value of a task; until there is one, what stands in its place: progress, the error, or a button that takes up stopped work."""
    if is_under_way(task, key):
        return None
    if task.failed or task.was_stopped:
        _offer_again(task, key)
    return task.value


def _offer_again(task: Task[Any], key: str) -> None:
    if task.failed:
        show_error(task.failed)
    else:
        quiet(f"{task.title}: cancelled before it was done.")
    if task.failed and task.failed.is_lasting:
        return
    if st.button("Try again" if task.failed else "Start again", key=f"{key}.again"):
        task.start_again()
        st.rerun()


@st.fragment(run_every=POLL_SECONDS)
def _watch(task: Task[Any], key: str) -> None:
    with guarded():
        job = task.job
        if job is None or job.is_done:
            st.rerun(scope="app")
        with st.container(horizontal=True, vertical_alignment="center", key=f"{key}.progress"):
            st.progress(progress_share(job), text=progress_words(task.title, job))
            if st.button("Cancel", key=f"{key}.cancel", disabled=job.is_cancelled):
                job.cancel()
