"""Slices that the viewer fetches while somebody scrolls: made when they are asked for, without a run of the page's script.

Streamlit's own way for bytes (/media) wants them all made first, keeps them, and compresses them once more for each browser.
"""

from __future__ import annotations

import logging
import weakref
from typing import Protocol, runtime_checkable

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from core.errors import SightlineError
from core.jobs import jobs

PIECES = "/sightline/slices/"
"""What stands before a token and the name of a piece."""
_KEEP_NOTHING = {"Cache-Control": "no-store"}
"""Pixels of a patient are not for the browser's disk."""
_LOG = logging.getLogger(__name__)


@runtime_checkable
class InPieces(Protocol):
    """What is given piece by piece; the job registry knows it by a token that cannot be guessed, by a weak reference."""

    def piece(self, name: str) -> bytes | None:
        """The bytes of that name; None where there are none."""


async def piece_of(path: str) -> Response:
    """The answer to a request for a piece, whoever asks: 404 where nothing of that token is open (any more), 204 where nothing is drawn
    there, 422 with a sentence where it cannot be decoded."""
    token, _, name = path.partition(PIECES)[2].partition("/")
    held = jobs().peek(token)
    whole = held() if isinstance(held, weakref.ref) else None
    if not isinstance(whole, InPieces):
        return PlainTextResponse("This is not open any more.\n", status_code=404)
    try:
        body = await run_in_threadpool(whole.piece, name)
    except SightlineError as error:
        return PlainTextResponse(error.message, status_code=422, headers=_KEEP_NOTHING)
    except Exception as error:  # by its kind alone: a message may quote the file
        _LOG.error("a slice could not be made: %s", type(error).__name__)
        return PlainTextResponse("This slice cannot be shown.", status_code=422, headers=_KEEP_NOTHING)
    if body is None:
        return Response(status_code=204, headers=_KEEP_NOTHING)
    return Response(body, media_type="application/octet-stream", headers=_KEEP_NOTHING)
