"""How long the files of a model of the hub may take, and how slowly they may come."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar

import httpx2
from huggingface_hub import constants, get_session

from core.sources import Pace

_PACE: ContextVar[Pace] = ContextVar("pace of the model that is being fetched")


def keep_pace(model: str) -> None:
    """All files of a model together have one longest time and one least rate, as a download has; the client of the hub knows neither."""
    constants.HF_HUB_DISABLE_XET = True  # a client of its own below Python, which cannot be told when to give up
    client = get_session()
    client.event_hooks = {**client.event_hooks, "response": [_watch]}
    _PACE.set(Pace(f"The hub, asked for {model},"))


def _watch(response: httpx2.Response) -> None:
    pace = _PACE.get(None)
    if pace is not None and isinstance(response.stream, httpx2.SyncByteStream):
        response.stream = _Watched(response.stream, pace)


class _Watched(httpx2.SyncByteStream):
    """The body of an answer, piece by piece. Raises Offline where it takes too long."""

    def __init__(self, body: httpx2.SyncByteStream, pace: Pace) -> None:
        self._body, self._pace = body, pace

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._body:
            self._pace.came(len(piece))
            yield piece

    def close(self) -> None:
        self._body.close()
