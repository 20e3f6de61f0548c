"""Other people's warnings and log lines stay out of the answer: they litter it, and may quote what a file holds."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from contextlib import suppress
from io import TextIOWrapper, UnsupportedOperation
from logging.handlers import RotatingFileHandler
from typing import TextIO

from core.settings import private_home

LOG_NAME = "sightline"
LOG_FILE = "sightline.log"
LOG_BYTES = 1_000_000
PRIVATE_FILE = 0o600
SILENCE = {
    "TRANSFORMERS_VERBOSITY": "critical",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TORCH_CPP_LOG_LEVEL": "ERROR",
}
"""Read by these libraries when they are imported."""


class OwnLog(logging.Handler):
    """Our log in SIGHTLINE_HOME, for this user alone. Nothing is made there before something is to be written."""

    def __init__(self) -> None:
        super().__init__()
        self._file: logging.Handler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; it is lost where the folder cannot be written."""
        if self._file is None:
            self._file = _log_file()
        self._file.handle(record)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
        super().close()


def quieten() -> None:
    """Silence warnings and foreign loggers in this process, and let standard output take any file name."""
    os.environ.update(SILENCE)
    warnings.simplefilter("ignore")
    logging.lastResort = None
    logging.raiseExceptions = False  # a log that cannot be written is lost; nobody is shown a traceback
    logging.getLogger().addHandler(logging.NullHandler())
    own = logging.getLogger(LOG_NAME)
    own.propagate = False
    own.addHandler(OwnLog())
    sys.stderr = _apart_from_libraries(sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _apart_from_libraries(stream: TextIO | None) -> TextIO | None:
    """Standard error for us alone: what libraries below Python print there (libtiff on a full disk) goes nowhere."""
    if stream is None:
        return None
    ours = os.dup(stream.fileno())
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return open(ours, "w", encoding=stream.encoding, buffering=1)  # noqa: PTH123 - a stream, open as long as the process


def give_back() -> None:
    """Standard error as it was, for a program that this process becomes."""
    if sys.stderr is not None:
        with suppress(UnsupportedOperation):  # no stream of the system
            os.dup2(sys.stderr.fileno(), 2)


class _PrivateFile(RotatingFileHandler):
    """A log that nobody else reads, also where another log of its name lay there."""

    def _open(self) -> TextIOWrapper:
        file = super()._open()
        os.fchmod(file.fileno(), PRIVATE_FILE)
        return file


def _log_file() -> logging.Handler:
    try:
        file = _PrivateFile(private_home() / LOG_FILE, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")
    except OSError:
        return logging.NullHandler()
    file.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
    return file
