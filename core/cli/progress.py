"""How far long work is: one line on a terminal, written over; elsewhere (a log) a plain line now and then."""

from __future__ import annotations

import sys
import time

from core.cli.process.interrupt import heed

REFRESH_SECONDS = 0.2
PLAIN_SECONDS = 30.0
"""Between two lines in a log: short work leaves none."""
CLEAR_LINE = "\r\x1b[K"


class Ticker:
    """Called with (done, total) as work goes on; a context manager, so that the line is gone when the answer comes."""

    def __init__(self, unit: str) -> None:
        """unit: what is counted, in the plural ("tiles")."""
        self._unit, self._is_watched = unit, sys.stderr.isatty()
        self._last = 0.0 if self._is_watched else time.monotonic()

    def __enter__(self) -> Ticker:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def clear(self) -> None:
        """The line gives way to something else that is written."""
        if self._is_watched and self._last:
            sys.stderr.write(CLEAR_LINE)
            sys.stderr.flush()

    def __call__(self, done: int, total: int | None = None) -> None:
        """`done` of `total` units are finished; None where the end is not known. Raises KeyboardInterrupt (see heed)."""
        heed()
        now = time.monotonic()
        if now - self._last < (REFRESH_SECONDS if self._is_watched else PLAIN_SECONDS):
            return
        self._last = now
        words = f"{done:,}{f' of {total:,}' if total else ''} {self._unit}"
        sys.stderr.write(f"{CLEAR_LINE}{words}" if self._is_watched else f"{words}\n")
        sys.stderr.flush()
