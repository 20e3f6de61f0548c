"""Files that appear all at once: they are made in a hidden folder beside their place and moved when every one of them is whole."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import InputError

PREFIX = ".sightline-"
LOCK = ".held"
"""A file in each such folder that is locked while its process lives: a number of a process says nothing across containers."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def staged(out: Path, replacing: Iterable[str] = ()) -> Iterator[Path]:
    """A new folder inside `out`, which is made where it is missing, so that both are on one file system.

    On a clean exit the files in it are moved into `out`, in the place of older ones; on an error nothing appears. Folders in it are scratch
    space. It is gone afterwards in either case, and so are those that processes left which were killed.
    replacing: patterns of files of an earlier run in `out` that must not stay beside the new ones.
    Raises InputError where `out` cannot be a folder, or is full.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"{out} cannot be the output folder: a file is in its way.", "Choose another with --out.") from None
    remove_what_the_killed_left(out)
    try:
        with held_folder(out) as folder:
            yield folder
            _move(folder, out, tuple(replacing))
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise InputError(f"{out} is full: {error.strerror}. Nothing was written.", "Make room there, or choose another place.") from None


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A place to make one file in, beside its own; on a clean exit it is moved there, on an error nothing of it is left."""
    with held_folder(path.parent) as folder:
        made = folder / path.name
        yield made
        made.replace(path)


def remove_what_the_killed_left(place: Path) -> None:
    """Delete the hidden folders in `place` that no living process holds."""
    for folder in place.glob(f"{PREFIX}*"):
        lock = folder / LOCK
        try:
            with lock.open("rb") as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # somebody works in it, or it is none of ours
            continue


@contextmanager
def held_folder(place: Path) -> Iterator[Path]:
    """A new hidden folder in `place` with a lock that this process holds. Deleted afterwards, or by whoever finds the lock free."""
    folder, lock = _locked_folder(place)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _locked_folder(place: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        lock = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / LOCK).exists():
            return folder, lock
        os.close(lock)  # another process took it for one without life before it was locked, and deleted it


def _move(folder: Path, out: Path, replacing: tuple[str, ...]) -> None:
    made = sorted(file for file in folder.iterdir() if file.is_file() and file.name != LOCK)
    names = {file.name for file in made}
    for file in made:
        file.replace(out / file.name)
    for old in {old for pattern in replacing for old in out.glob(pattern)}:
        if old.name not in names:
            old.unlink(missing_ok=True)
