"""Where uploads lie while they are open: a private folder each, removed with "Close", when nobody came back to it, when the server ends, or
at the next start where it was killed."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from threading import Lock

from core.export.staging import held_folder, remove_what_the_killed_left
from core.settings import PRIVATE, private_home
from core.ui.shell.allowance import allowance
from core.ui.shell.private_streamlit import Uploaded, forget_upload


class OpenFolder:
    """A folder that lives as long as this object does, or until all who share it have removed it.

    While it lives a lock on it is held: servers that share a home leave it alone. browser: whose it is. Raises TooLarge where that browser,
    or all together, have more open than they may (core/ui/shell/allowance.py).
    """

    def __init__(self, browser: str = "") -> None:
        with ExitStack() as hold:
            self.path = hold.enter_context(held_folder(_home()))
            allowance().watch(self.path, browser)
            hold.callback(allowance().forget, self.path)
            self._end = weakref.finalize(self, hold.pop_all().close)
        self._holders, self._lock = 1, Lock()

    def share(self) -> OpenFolder:
        """The same folder, for one more who will remove it."""
        with self._lock:
            self._holders += 1
        return self

    def keep(self, uploads: Iterable[Uploaded]) -> tuple[Path, ...]:
        """Write uploads below the folder, each alone in a folder of its own, so that no other upload is taken for its side file.

        From then on they lie there alone, and no longer in the server's memory.
        """
        kept = []
        for number, upload in enumerate(uploads):
            place = self.path / f"{number:05}"
            place.mkdir()
            file = place / (Path(upload.name.replace("\\", "/")).name or "file")
            try:
                file.write_bytes(upload.getbuffer())
            finally:
                forget_upload(upload)
            kept.append(file)
        return tuple(kept)

    def remove(self) -> None:
        """Delete everything in it now, unless somebody else shares it."""
        with self._lock:
            self._holders -= 1
            is_last = self._holders <= 0
        if is_last:
            self._end()


def remove_what_a_dead_server_left() -> None:
    """Uploads of a server that was killed; those of a running one stay, in whichever container it runs. Asked for at the start."""
    remove_what_the_killed_left(_home())


def _home() -> Path:
    home = private_home() / "open"
    home.mkdir(exist_ok=True, mode=PRIVATE)
    return home
