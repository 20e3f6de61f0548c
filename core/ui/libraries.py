"""The libraries of the networks: they take some seconds to import, once a server, and meanwhile a line says so."""

from __future__ import annotations

import sys

import streamlit as st

NETWORKS = "models.registry"
"""What imports them all."""


def ready() -> None:
    """They are there when this returns. The first to ask waits; others who ask meanwhile wait with it, by Python's own lock."""
    if NETWORKS in sys.modules:
        return
    with st.spinner("Starting: the libraries of the models are loaded once."):
        load()


def load() -> None:
    """Import them."""
    import models.registry  # noqa: F401  (for what it imports)
