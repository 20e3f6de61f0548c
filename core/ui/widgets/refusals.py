"""Files that could not be opened beside others that could: one line each, the reasons a click away."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.ui.state.errors import Words, show_error
from core.ui.widgets.words import counted

MOST_TOLD = 20
"""Reasons that are written out; a folder of a thousand texts has one reason."""


def refused(files: Sequence[tuple[str, Words]]) -> None:
    """(label, why) of each; nothing where there is none."""
    if not files:
        return
    with st.expander(f"{counted(len(files), 'file')} not opened"):
        for label, words in files[:MOST_TOLD]:
            show_error(words, label)
        if len(files) > MOST_TOLD:
            st.text(f"And {len(files) - MOST_TOLD:,} more.")
