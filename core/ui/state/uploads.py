"""Where uploads lie while they are open: a private folder each, removed with "Close", when nobody came back to it, when the server ends, or
at the next start where it was killed."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Protocol

from core.settings import PRIVATE, private_home, settings

STARTED = 19
"""Place of the start time behind the name of the program in /proc/PID/stat (proc(5): field 22)."""


class Upload(Protocol):
    """What Streamlit's uploader gives."""

    name: str

    def getbuffer(self) -> memoryview:
        """The bytes."""


class OpenFolder:
    """A folder that lives as long as this object does, or until all who share it have removed it."""

    def __init__(self) -> None:
        home = private_home() / "open"
        home.mkdir(exist_ok=True, mode=PRIVATE)
        self.path = Path(tempfile.mkdtemp(prefix=f"{_life_of(os.getpid())}-", dir=home))
        self._end = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
        self._holders = 1

    def share(self) -> OpenFolder:
        """The same folder, for one more who will remove it."""
        self._holders += 1
        return self

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
        """Delete everything in it now, unless somebody else shares it."""
        self._holders -= 1
        if self._holders <= 0:
            self._end()


@cache
def remove_what_a_dead_server_left() -> None:
    """Uploads of a server that was killed; those of a running one stay. Asked for at the start, before this one keeps its first upload."""
    home = settings().home / "open"
    for folder in home.glob("*-*") if home.is_dir() else ():
        life = folder.name.rpartition("-")[0]
        process = life.partition(".")[0]
        if process.isdigit() and life != _life_of(int(process)):
            shutil.rmtree(folder, ignore_errors=True)


def _life_of(process: int) -> str:
    """ "1234.5678": a process and when it began. A number alone comes back: in a container each server is number 1.

    Where the system does not tell (no /proc), only the processes of this server are known to live.
    """
    try:
        facts = Path("/proc", str(process), "stat").read_text()
    except OSError:
        return f"{process}.0" if process == os.getpid() else ""
    return f"{process}.{facts.rpartition(')')[2].split()[STARTED]}"
