"""What nobody foresaw: it goes to the log under a short code, as kind and place, without a value that might name a person."""

from __future__ import annotations

import logging
import secrets
import traceback

from core.errors import SightlineError

CODE_BYTES = 3

_log = logging.getLogger("sightline.faults")


def our_fault(error: BaseException) -> SightlineError:
    """An error that a user may read, for one that was never meant to be read. What `error` itself says is left out."""
    code = secrets.token_hex(CODE_BYTES)
    _log.error("%s %s\n%s", code, type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
    return SightlineError(f"Something failed on our side (code {code}).", "Try again; if it fails again, report the code and the log.")
