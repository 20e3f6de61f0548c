"""Being told to end (Control-C, SIGTERM, a terminal that closes) is one thing: everything is cleaned up, and the exit status is 130.

Libraries swallow a KeyboardInterrupt now and then, where one is imported or calls back. So whoever was told is asked again wherever work
tells how far it is and wherever an answer is printed.
"""

from __future__ import annotations

import signal
import sys
import time

STOPPED = 130
"""Exit status of work that was told to end, as shells have it."""
TOLD_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE_SECONDS = 3.0
"""Told again within this time, nothing more is done: the cleaning up that goes on is not to be interrupted itself."""


class Interrupt:
    """A handler of signals that raises KeyboardInterrupt in the main thread, and remembers that it did."""

    def __init__(self) -> None:
        self._told: float | None = None

    @property
    def was_told(self) -> bool:
        """Whether a signal came."""
        return self._told is not None

    def __call__(self, number: int, frame: object) -> None:
        """A signal. Raises KeyboardInterrupt."""
        now = time.monotonic()
        if self._told is not None and now - self._told < PATIENCE_SECONDS:
            return
        self._told = now
        raise KeyboardInterrupt


def listen() -> None:
    """Take these signals from now on; one that whoever started us has switched off (nohup) stays so."""
    handler = Interrupt()
    for number in TOLD_BY:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)
    sys.unraisablehook = lambda unraisable: None  # an interrupt inside a destructor would be shown as a traceback; it is heeded later


def deafen() -> None:
    """From now on nothing interrupts: the process ends."""
    for number in TOLD_BY:
        signal.signal(number, signal.SIG_IGN)


def was_interrupted() -> bool:
    """Whether the process was told to end."""
    return any(isinstance(handler, Interrupt) and handler.was_told for handler in map(signal.getsignal, TOLD_BY))


def heed() -> None:
    """Raises KeyboardInterrupt where the process was told to end and goes on all the same. For any thread."""
    if was_interrupted():
        raise KeyboardInterrupt
