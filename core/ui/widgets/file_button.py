"""A button for a file that is made when it is pressed, and the reason on the page where it cannot be made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Literal

import streamlit as st

from core.ui.shell import private_streamlit
from core.ui.state.errors import Words, show_error, words_of

Make = Callable[[], bytes | BinaryIO]


@dataclass
class NotMade:
    """Why a file was not made when it was last asked for; None where it was."""

    words: Words | None = None


def file_button(
    label: str, make: Make, name: str, key: str, kind: str | None = None, width: Literal["content", "stretch"] = "content"
) -> None:
    """The button. The page stays as it is, unless the file cannot be made. kind: its MIME type, None to go by its name."""
    failure = st.session_state.setdefault(f"{key}.failure", NotMade())
    made = partial(_made, make, failure, private_streamlit.tab())
    st.download_button(label, made, name, mime=kind, key=key, on_click="ignore", width=width)
    if failure.words is not None:
        show_error(failure.words)


def _made(make: Make, failure: NotMade, tab: str) -> bytes | BinaryIO:
    """What was asked for. On a thread of Streamlit's, which writes the message of every error into its log: ours name files."""
    was_told = failure.words is not None
    try:
        data = make()
    except Exception as error:
        failure.words = words_of(error)
        private_streamlit.draw_anew(tab)
        raise RuntimeError("A file was not made; the page says why.") from None
    failure.words = None
    if was_told:
        private_streamlit.draw_anew(tab)
    return data
