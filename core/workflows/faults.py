"""What nobody foresaw: it goes to the log under a short code, as kind and place, without a value that might name a person.

What the disk does to a file in the middle of the work is foreseen here, for every file alike.
"""

from __future__ import annotations

import errno
import logging
import os
import secrets
import traceback
from pathlib import Path

from core.errors import FULL, UNUSABLE, CannotWrite, InputError, NotFound, SightlineError

CODE_BYTES = 3

_log = logging.getLogger("sightline.faults")


def our_fault(error: BaseException) -> SightlineError:
    """An error that a user may read, for one that was never meant to be read. What `error` itself says is left out.

    A file that vanishes while it is read, and a place without room, are nobody's fault here, and are told as what they are.
    """
    of_the_disk = _of_the_disk(error)
    if of_the_disk is not None:
        return of_the_disk
    code = secrets.token_hex(CODE_BYTES)
    _log.error("%s %s\n%s", code, type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
    return SightlineError(f"Something failed on our side (code {code}).", "Try again; if it fails again, report the code and the log.")


def _of_the_disk(error: BaseException) -> SightlineError | None:
    if not isinstance(error, OSError) or not isinstance(error.filename, str | bytes | Path):
        return None
    path = Path(os.fsdecode(error.filename))
    if error.errno in FULL:
        return CannotWrite(path.parent, error)
    if error.errno in (errno.ENOENT, errno.ESTALE):
        return NotFound(f"{path.name} is not there any more.", "Check whether it was moved or deleted.")
    if error.errno in UNUSABLE:
        return InputError(f"{path} cannot be used: {error.strerror}.", "Check its permissions, or choose another place.")
    return None
