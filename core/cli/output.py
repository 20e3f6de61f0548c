"""What is said, and where: results on standard output, everything else on standard error, one line a thing.

File names and messages come from outside: what a terminal would obey (escape sequences, line ends) is shown as text.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, TextIO

import typer

from core.cli.process.interrupt import heed
from core.errors import InputError, SightlineError
from core.export.json import plain

PROGRAM = "sightline"


def print_json(value: Any) -> None:
    """One JSON object on one line of standard output; what is not finite becomes null. Raises InputError where it cannot be written."""
    heed()
    _write(sys.stdout, json.dumps(plain(value), allow_nan=False))


def print_line(line: str) -> None:
    """A line of the readable answer, on standard output. Raises InputError where it cannot be written."""
    heed()
    _write(sys.stdout, _harmless(line))


def say_aside(line: str) -> None:
    """A line beside the answer (progress, an assumption, a warning, an error), on standard error; lost where that cannot be written."""
    with suppress(InputError, typer.Exit):
        _write(sys.stderr, f"{PROGRAM}: {_harmless(line)}")


def about(label: str, error: SightlineError) -> str:
    """An error in one line that begins with the file as the user named it."""
    words, name = str(error), label.rpartition("/")[2]
    if words.startswith(label):
        return words
    return f"{label}{words.removeprefix(name)}" if name and words.startswith(f"{name} ") else f"{label}: {words}"


class Assumptions:
    """Tells each assumption once, with the first file that it was made for: thousands of pictures share theirs."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def tell(self, label: str, sentences: Iterable[str]) -> None:
        """Note those that were not told before."""
        for sentence in sentences:
            if sentence not in self._told:
                self._told.add(sentence)
                say_aside(f"{label}: {sentence}")


def _harmless(text: str) -> str:
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def _write(stream: TextIO | None, line: str) -> None:
    try:
        if stream is None:  # it was closed before we began
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        stream.write(line + "\n")
        stream.flush()
    except BrokenPipeError:  # whoever read this has left, as `head` does; nothing is wrong
        drop(stream)
        raise typer.Exit(0) from None
    except OSError as error:
        drop(stream)
        raise InputError(f"Standard output cannot be written: {error.strerror}.", "Send it elsewhere, or make room there.") from None


def drop(stream: TextIO | None) -> None:
    """What is still to be written there, and all that comes, goes nowhere."""
    if stream is not None:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, not a path of ours
            os.dup2(nowhere.fileno(), stream.fileno())
