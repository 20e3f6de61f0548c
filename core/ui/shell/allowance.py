"""How much one browser, and all of them together, may have this server hold: uploads under way, those that no page has taken yet, and all
that lies in open folders (uploads, what archives unpack to, downloads, results).

Counted before the bytes are taken and again as they come: a length that is told may be wrong, or missing.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import RLock

from core.errors import TooLarge
from core.settings import settings
from core.ui.shell.private_streamlit import uploaded_bytes

MEGABYTE = 1_000_000
FRESH_S = 0.5
"""Seconds for which the size of a folder is believed while chunks of an upload come."""


@dataclass
class Arriving:
    """One upload under way. announced, come: bytes."""

    browser: str
    announced: int = 0
    come: int = 0

    @property
    def size(self) -> int:
        """What it will be at the least."""
        return max(self.announced, self.come)


@dataclass
class Allowance:
    """All that is held, by browser. Thread-safe."""

    _arriving: dict[int, Arriving] = field(default_factory=dict)
    _tabs: dict[str, str] = field(default_factory=dict)
    _folders: dict[Path, str] = field(default_factory=dict)
    _sizes: dict[Path, tuple[float, int]] = field(default_factory=dict)
    _refused: dict[str, TooLarge] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _lock: RLock = field(default_factory=RLock)

    def watch(self, folder: Path, browser: str) -> None:
        """From now on what lies in a folder counts. Raises TooLarge where the browser holds more than it may already."""
        self.refuse_more(browser)
        with self._lock:
            self._folders[folder] = browser

    def forget(self, folder: Path) -> None:
        """A folder is gone."""
        with self._lock:
            self._folders.pop(folder, None)
            self._sizes.pop(folder, None)

    @contextmanager
    def arriving(self, browser: str, tab: str, announced: int) -> Iterator[Arriving]:
        """While an upload comes. Raises TooLarge where there is no room for it."""
        number, upload = next(self._numbers), Arriving(browser, announced)
        with self._lock:
            self._tabs[tab] = browser
            self._arriving[number] = upload
        try:
            self.refuse_more(browser)
            yield upload
        except TooLarge as refusal:
            self._refused[tab] = refusal
            raise
        finally:
            with self._lock:
                del self._arriving[number]

    def refusal(self, tab: str) -> TooLarge | None:
        """Why the last upload of a tab was refused, once."""
        return self._refused.pop(tab, None)

    def refuse_more(self, browser: str) -> None:
        """Raises TooLarge where the browser, or all together, hold more than they may."""
        own, everybody = self.held(browser)
        limits = settings()
        if own > limits.user_mb * MEGABYTE:
            raise TooLarge(f"With this more than {limits.user_mb:,} MB would be open in this browser.", "Close what you no longer need.")
        if everybody > limits.server_mb * MEGABYTE:
            raise TooLarge(
                f"With this more than {limits.server_mb:,} MB would be open on this server, by all its users together.",
                "Close what you no longer need, or come back later.",
            )

    def held(self, browser: str) -> tuple[int, int]:
        """(bytes that are held for a browser, bytes that are held for all).

        What others have announced and not sent does not count: nobody keeps the server from others by announcing.
        """
        waiting = uploaded_bytes()
        with self._lock:
            self._tabs = {tab: whose for tab, whose in self._tabs.items() if tab in waiting or self._arriving}
            self._refused = {tab: why for tab, why in self._refused.items() if tab in self._tabs}
            uploads = self._arriving.values()
            parts = [(upload.browser, upload.size if upload.browser == browser else upload.come) for upload in uploads]
            parts += [(self._tabs.get(tab, ""), size) for tab, size in waiting.items()]
            parts += [(whose, self._size(folder)) for folder, whose in list(self._folders.items())]
        return sum(size for whose, size in parts if whose == browser), sum(size for _, size in parts)

    def _size(self, folder: Path) -> int:
        now = time.monotonic()
        looked_at, size = self._sizes.get(folder, (-FRESH_S, 0))
        if now - looked_at >= FRESH_S:
            size = sum(_sizes_below(folder))
            self._sizes[folder] = (now, size)
        return size


def announced_bytes(headers: Mapping[str, str]) -> int:
    """Bytes that a request announces; 0 where it does not say, or nothing sensible."""
    told = headers.get("content-length", "")
    return int(told) if told.isascii() and told.isdigit() else 0


def _sizes_below(folder: Path) -> Iterator[int]:
    for place, _, files in os.walk(folder):
        for name in files:
            try:
                yield (Path(place) / name).lstat().st_size
            except OSError:  # deleted meanwhile
                continue


@cache
def allowance() -> Allowance:
    """The one of this server."""
    return Allowance()
