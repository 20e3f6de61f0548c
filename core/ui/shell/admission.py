"""Who was let in, kept by the random cookie that names a browser, and what a wrong password costs.

One delay grows for the whole server and one for each address, so that guesses over many connections wait as long as guesses over one
(NIST SP 800-63B, 5.2.2, "Rate limiting").
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from threading import Lock

COOKIE = "sightline"
"""Name of the cookie: HttpOnly, SameSite=Strict, random, for one browser session."""
FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 60.0
FREE_TRIES_OF_SERVER = 5
"""Wrong passwords from anywhere before the whole server slows down: a forgetful user must not lock out the others at once."""
FORGIVEN_AFTER_S = 900.0
"""Without a wrong try for so long, delays start again."""
KEPT_ADDRESSES = 10_000

_log = logging.getLogger(__name__)


@dataclass
class Tries:
    """Wrong passwords from one place, and when the next may be tried."""

    wrong: int = 0
    next_at: float = 0.0
    last_at: float = 0.0


@dataclass
class Admission:
    """All state of the door. Thread-safe. clock: seconds, monotonic."""

    clock: Callable[[], float] = time.monotonic
    _admitted: set[str] = field(default_factory=set)
    _server: Tries = field(default_factory=Tries)
    _addresses: dict[str, Tries] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def is_admitted(self, browser: str) -> bool:
        """Whether this browser has signed in."""
        return bool(browser) and browser in self._admitted

    def admit(self, browser: str, address: str) -> None:
        """The password was right."""
        with self._lock:
            if browser:
                self._admitted.add(browser)
            self._addresses.pop(address, None)

    def wait_s(self, address: str) -> float:
        """Seconds until a password may be tried from here."""
        with self._lock:
            now = self.clock()
            return max(0.0, self._server.next_at - now, self._of(address).next_at - now)

    def was_wrong(self, address: str) -> None:
        """A wrong password: what comes next from here, and after some tries from anywhere, waits longer."""
        with self._lock:
            now = self.clock()
            for tries, free in ((self._of(address), 0), (self._server, FREE_TRIES_OF_SERVER)):
                if now - tries.last_at > FORGIVEN_AFTER_S:
                    tries.wrong = 0
                tries.wrong += 1
                tries.last_at = now
                if tries.wrong > free:
                    tries.next_at = now + min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** min(tries.wrong - free - 1, 16))
            count = self._server.wrong
        _log.warning("A wrong password was given (number %d since the last quiet time).", count)

    def _of(self, address: str) -> Tries:
        if len(self._addresses) >= KEPT_ADDRESSES and address not in self._addresses:
            self._addresses.pop(next(iter(self._addresses)))
        return self._addresses.setdefault(address, Tries())


@cache
def admission() -> Admission:
    """The one of this server."""
    return Admission()
