"""Fetches the files of a model from the hub, when a user named one."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from functools import cache
from pathlib import Path

import httpx2
from huggingface_hub import constants, get_session
from transformers.utils import cached_file

from core.errors import Offline
from core.sources import Pace
from models.folder import NEEDED, OPTIONAL

_PACE: ContextVar[Pace] = ContextVar("pace of the model that is being fetched")


@cache
def from_hub(model: str) -> Path:
    """The folder that the files of a hub id (owner/name) lie in, fetched where they are not there yet. Raises Offline."""
    _keep_pace(model)
    try:
        paths = [cached_file(model, name) for name in NEEDED]
        for name in OPTIONAL:
            cached_file(model, name, _raise_exceptions_for_missing_entries=False)
    except Offline:
        raise
    except Exception as error:  # the hub's client lets errors of the library below it through, which have no common class
        raise Offline(
            f"The model {model} could not be fetched from the hub ({type(error).__name__}).",
            f"Check the connection and the name; it must hold {', '.join(NEEDED)}.",
        ) from None
    return Path(str(paths[0])).parent


def _keep_pace(model: str) -> None:
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
