"""Bytes that the browser fetches by itself.

Pictures: Streamlit serves them under /media by their hash, as it does for st.image, and drops them when no session shows them any more.
Slices: our own server makes each when it is asked for (core/ui/shell/pieces.py).
"""

from __future__ import annotations

from core.ui.shell.base_path import address_of
from core.ui.shell.pieces import PIECES
from core.ui.shell.private_streamlit import publish_bytes


def publish(data: bytes, mimetype: str, place: str) -> str:
    """The address of `data` on this server. place: a name for the spot that shows it; later bytes at the same spot replace these."""
    return address_of(publish_bytes(data, mimetype, place))


def slices_address(token: str) -> str:
    """Where the browser fetches the slices of a stack, by the stack's token."""
    return address_of(f"{PIECES}{token}")
