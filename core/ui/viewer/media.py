"""Bytes that the browser fetches by itself, so that a slice needs no run of the script.

Streamlit serves them under /media by their hash, as it does for st.image, and drops them when no session shows them any more.
"""

from __future__ import annotations

import streamlit as st

from core.ui.shell.private_streamlit import publish_bytes


def publish(data: bytes, mimetype: str, place: str) -> str:
    """The address of `data` on this server. place: a name for the spot that shows it; later bytes at the same spot replace these."""
    address = publish_bytes(data, mimetype, place)
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}{address}" if base else address
