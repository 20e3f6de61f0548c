"""How far long work is: one line on a terminal, written over; nothing where nobody watches."""

from __future__ import annotations

import sys
import time

from core.cli.process.interrupt import heed

REFRESH_SECONDS = 0.2
CLEAR_LINE = "\r\x1b[K"


class Ticker:
    """Called with (done, total) as work goes on; a context manager, so that the line is gone when the answer comes."""

    def __init__(self, unit: str) -> None:
        """unit: what is counted, in the plural ("tiles")."""
        self._unit, self._last = unit, 0.0
        self._is_watched = sys.stderr.isatty()

    def __enter__(self) -> Ticker:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_watched and self._last:
            sys.stderr.write(CLEAR_LINE)
            sys.stderr.flush()

    def __call__(self, done: int, total: int | None = None) -> None:
        """`done` of `total` units are finished; None where the end is not known. Raises KeyboardInterrupt (see heed)."""
        heed()
        now = time.monotonic()
        if not self._is_watched or now - self._last < REFRESH_SECONDS:
            return
        self._last = now
        sys.stderr.write(f"{CLEAR_LINE}{done:,}{f' of {total:,}' if total else ''} {self._unit}")
        sys.stderr.flush()
