"""Where uploads lie while they are open: a private folder each, removed with "Close", when its desk is dropped, or when the server ends."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Protocol

from core.settings import settings


class Upload(Protocol):
    """What Streamlit's uploader gives."""

    name: str

    def getbuffer(self) -> memoryview:
        """The bytes."""


class OpenFolder:
    """A folder that lives as long as this object does."""

    def __init__(self) -> None:
        home = settings().home / "open"
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=home))
        self._end = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def keep(self, uploads: Iterable[Upload]) -> tuple[Path, ...]:
        """Write uploads below the folder, each alone in a folder of its own, so that no other upload is taken for its side file."""
        kept = []
        for number, upload in enumerate(uploads):
            place = self.path / f"{number:05}"
            place.mkdir()
            file = place / (Path(upload.name.replace("\\", "/")).name or "file")
            file.write_bytes(upload.getbuffer())
            kept.append(file)
        return tuple(kept)

    def remove(self) -> None:
        """Delete everything in it now."""
        self._end()


@cache
def remove_what_a_dead_server_left() -> None:
    """Uploads of a server that was killed; those of a running one stay. Asked for before this one keeps its first upload."""
    home = settings().home / "open"
    for folder in home.glob("*-*") if home.is_dir() else ():
        owner = folder.name.split("-")[0]
        # In a container each server is number 1: a folder of our own number is one of a server before us.
        is_left = owner == str(os.getpid()) or (Path("/proc").is_dir() and not Path("/proc", owner).exists())
        if owner.isdigit() and is_left:
            shutil.rmtree(folder, ignore_errors=True)
