"""The libraries of the networks: they take some seconds to import, once a server, and meanwhile a line says so."""

from __future__ import annotations

from threading import Event, Lock

import streamlit as st

LOADED = Event()
ONE_AT_A_TIME = Lock()
"""Whoever opens another page meanwhile gets a new thread, and two that import what is imported in circles would see parts of it."""


def is_ready() -> bool:
    """Whether they are there already."""
    return LOADED.is_set()


def ready() -> None:
    """They are there when this returns, whoever loaded them."""
    if is_ready():
        return
    with st.spinner("Starting: the libraries of the models are loaded once."), ONE_AT_A_TIME:
        load()
        LOADED.set()


def load() -> None:
    """Import them: torch and transformers, whose parts import each other in circles, and what explains with them."""
    import models.classifiers  # noqa: F401  (both for what they import)
