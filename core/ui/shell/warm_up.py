"""The libraries of the networks: they take some seconds to import, once a server. It begins with them as soon as it listens; a page that
needs them waits for the rest, and a line says so."""

from __future__ import annotations

from contextlib import suppress
from threading import Event, Lock, Thread

import streamlit as st

LOADED = Event()
ONE_AT_A_TIME = Lock()
"""Whoever opens another page meanwhile gets a new thread, and two that import what is imported in circles would see parts of it."""


def begin() -> None:
    """Load them beside whatever else is done, for visitors to come."""
    Thread(target=_load_ahead, name="libraries", daemon=True).start()


def is_ready() -> bool:
    """Whether they are there already."""
    return LOADED.is_set()


def ready() -> None:
    """They are there when this returns, whoever loaded them."""
    if is_ready():
        return
    with st.spinner("Starting: the libraries of the models are loaded once."):
        _load_once()


def load() -> None:
    """Import them: torch and transformers, whose parts import each other in circles, and what explains with them."""
    import models.classifiers  # noqa: F401  (both for what they import)


def _load_ahead() -> None:
    with suppress(Exception):  # it belongs to the first who waits for them, who tries again
        _load_once()


def _load_once() -> None:
    with ONE_AT_A_TIME:
        if not is_ready():
            load()
            LOADED.set()
