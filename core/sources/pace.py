"""How long a download may take in all, and how slow it may be: a host that drips holds a place that others wait for."""

from __future__ import annotations

import time

from core.errors import Offline
from core.settings import settings

RATE_SECONDS = 10.0
"""The rate of a download is taken over so long."""
_SLOW = "Download it yourself and choose the file."


class Pace:
    """The pace of one download, from now on. host: who is named where it is too slow."""

    def __init__(self, host: str) -> None:
        self._host, limits = host, settings()
        self._end = time.monotonic() + limits.download_minutes * 60.0
        self._least = limits.download_least_kbs * 1000.0
        self._window, self._bytes = time.monotonic(), 0

    def came(self, count: int) -> None:
        """So many bytes more. Raises Offline where it takes too long."""
        now = time.monotonic()
        self._bytes += count
        if now > self._end:
            raise Offline(f"{self._host} was not done in {settings().download_minutes:g} minutes.", _SLOW)
        if now - self._window < RATE_SECONDS:
            return
        if self._bytes < self._least * (now - self._window):
            raise Offline(f"{self._host} sends less than {settings().download_least_kbs:g} kB a second.", _SLOW)
        self._window, self._bytes = now, 0
