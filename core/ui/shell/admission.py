"""Who was let in, kept by the random cookie that names a browser, and what a wrong password costs.

A cookie may have been planted or read, since pages on other ports of one host share its cookies (RFC 6265, 8.5): a name is taken only where
this server made it and no other stands beside it, whoever signs in gets a new one (OWASP, "Session Fixation"), and a page is let in by its
name together with the secret of its origin (core/ui/shell/origin_key.py).

One delay grows for the whole server and one for each address, so that guesses over many connections wait as long as guesses over one
(NIST SP 800-63B, 5.2.2, "Rate limiting").
"""

from __future__ import annotations

import hmac
import logging
import secrets
import time
from collections.abc import Callable, Iterable
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
TICKET_S = 60.0
"""For so long a right password waits for the browser to fetch its new name."""
_KEY = secrets.token_bytes(32)
"""What this server signs names with, until it ends."""
_NAME_BYTES = 32

_log = logging.getLogger(__name__)


def new_name() -> str:
    """A random name for a browser, with the signature of this server."""
    random = secrets.token_urlsafe(_NAME_BYTES)
    return f"{random}.{_signature(random)}"


def name_in(cookies: Iterable[str]) -> str:
    """The name of a browser by its Cookie headers: "" where it has none, one that this server did not make, or two."""
    parts = (part.strip().partition("=") for header in cookies for part in header.split(";"))
    names = {value for key, _, value in parts if key == COOKIE}
    name = names.pop() if len(names) == 1 else ""
    random, _, signature = name.partition(".")
    return name if hmac.compare_digest(signature.encode(), _signature(random).encode()) else ""


def _signature(random: str) -> str:
    return hmac.digest(_KEY, random.encode(), "sha256").hex()


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
    _admitted: dict[str, str] = field(default_factory=dict)
    _tickets: dict[str, tuple[float, str]] = field(default_factory=dict)
    _server: Tries = field(default_factory=Tries)
    _addresses: dict[str, Tries] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def is_admitted(self, browser: str, key: str | None = None) -> bool:
        """Whether this browser has signed in. key: the secret of the origin whose page asks, None where the request cannot tell."""
        return bool(browser) and browser in self._admitted and key in (None, self._admitted[browser])

    def was_right(self, address: str, key: str = "") -> str:
        """The password was right: a ticket with which the browser fetches the name that is let in, once and soon.

        key: the secret of the origin of the page in which it was given, which alone is let in.
        """
        ticket = secrets.token_urlsafe(_NAME_BYTES)
        with self._lock:
            self._tickets[ticket] = (self.clock() + TICKET_S, key)
            self._addresses.pop(address, None)
        return ticket

    def enter(self, ticket: str) -> str:
        """The new name of a browser that has a ticket, let in from now on; "" where the ticket is none (any more)."""
        with self._lock:
            now = self.clock()
            self._tickets = {each: (ends, key) for each, (ends, key) in self._tickets.items() if ends >= now}
            found = self._tickets.pop(ticket, None)
            if found is None:
                return ""
            name = new_name()
            self._admitted[name] = found[1]
        return name

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
