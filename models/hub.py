"""Fetches the files of a model from the hub, when a user named one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from core.errors import Offline
from models.folder import NEEDED, OPTIONAL


@cache
def from_hub(model: str) -> Path:
    """The folder that the files of a hub id (owner/name) lie in, fetched where they are not there yet. Raises Offline."""
    from transformers.utils import cached_file  # here, since few models are of the hub

    from models.hub_pace import keep_pace

    keep_pace(model)
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
