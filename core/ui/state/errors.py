"""From an error to what the user reads: one table. A traceback is never shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st

from core.errors import (
    BrokenModel,
    BrokenSeries,
    Cancelled,
    CannotWrite,
    DeviceError,
    InputError,
    MissingBands,
    ModelError,
    NoAttention,
    NoGrid,
    NoOverlap,
    NoPixels,
    NotFound,
    Offline,
    OutOfRange,
    ReportSigned,
    SightlineError,
    TooLarge,
    UnreadableFile,
    UnsafeFile,
    UnsupportedModel,
    WrongTask,
)
from core.settings import settings
from core.workflows.faults import our_fault

# The first row that fits is taken, so that the particular stands above the general.
TITLES: tuple[tuple[type[BaseException], str], ...] = (
    (NotFound, "Not found"),
    (UnreadableFile, "This file cannot be read"),
    (NoPixels, "This file holds no image"),
    (TooLarge, "Too large"),
    (CannotWrite, "This folder cannot be written"),
    (OutOfRange, "A value is out of range"),
    (UnsafeFile, "This file or folder is not opened"),
    (BrokenSeries, "These slices make no volume"),
    (NoGrid, "This scene has no usable georeference"),
    (NoOverlap, "These scenes show different places"),
    (MissingBands, "Which band is which?"),
    (ReportSigned, "This report is signed"),
    (BrokenModel, "This model is damaged or incomplete"),
    (UnsupportedModel, "This model is not supported"),
    (NoAttention, "This model gives no attention"),
    (WrongTask, "This model answers another question"),
    (Offline, "The address did not give what was asked for"),
    (Cancelled, "Cancelled"),
    (DeviceError, "The device ran out of memory or failed"),
    (ModelError, "The model cannot do that"),
    (InputError, "This input cannot be used"),
    (MemoryError, "Not enough memory"),
    (PermissionError, "No permission"),
    (OSError, "The disk did not answer as it should"),
)
OUR_FAULT = "Something failed on our side"


@dataclass(frozen=True)
class Words:
    """What is shown: a title, what happened, and what to do. is_lasting: the same work would fail again."""

    title: str
    message: str
    hint: str
    is_lasting: bool = False

    def __str__(self) -> str:
        return " ".join(part for part in (self.message, self.hint) if part)


def words_of(error: BaseException) -> Words:
    """The words for an error; for one that nobody foresaw, the code under which the log knows it."""
    title = next((title for kind, title in TITLES if isinstance(error, kind)), OUR_FAULT)
    told = error if isinstance(error, SightlineError) else our_fault(error)
    return Words(title, as_seen(told.message), as_seen(told.hint), _is_lasting(error))


def _is_lasting(error: BaseException) -> bool:
    """Whether the same work would fail again; room may be made, and an address answer another time."""
    return isinstance(error, (InputError, ModelError)) and not isinstance(error, (CannotWrite, TooLarge))


def as_seen(text: str) -> str:
    """Words for a page, which shows no path of the server's own folders: of what lies there the user knows the name."""
    limits = settings()
    text = re.sub(rf"{re.escape(str(limits.home))}/open/[^/]+/(?:(?:unpacked|bands|zip-[^/]+|\d+)/)*", "", text)
    for own in (limits.home, limits.samples, limits.zoo, *limits.roots):
        text = text.replace(f"{own}/", "")
    return text


def show_error(error: BaseException | Words, about: str = "") -> None:
    """An error where the result would have stood. about: the file or scene that it is about, where the message does not say."""
    words = error if isinstance(error, Words) else words_of(error)
    head = f"{words.title}: {as_seen(about)}" if about else words.title
    with st.container(border=True):
        st.markdown(f":orange[**{as_written(head)}**]")
        st.text(str(words))


@contextmanager
def guarded() -> Iterator[None]:
    """Whatever fails inside is told in words where it would have been drawn; nobody is shown a traceback."""
    try:
        yield
    except Exception as error:  # what Streamlit raises to stop or to rerun a script is no Exception, and passes
        show_error(error)


def as_written(text: str) -> str:
    """For every label that Streamlit reads as Markdown: file names come from outside, and nothing in them may act as marks."""
    return "".join(f"\\{letter}" if letter in r"\`*_{}[]()#+-.!|<>~$:" else letter for letter in text)
