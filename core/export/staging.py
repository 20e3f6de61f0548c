"""Files that appear all at once: they are made in a hidden folder beside their place and moved when every one of them is whole."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import FULL, UNUSABLE, CannotWrite, InputError

PREFIX = ".sightline-"
LOCK = ".held"
"""A file in each such folder that is locked while its process lives: a number of a process says nothing across containers."""
_PROBE_BYTES = 1 << 20
"""Where a library could not write and does not say why, so much room is asked for to learn it."""


@contextmanager
def staged(out: Path, replacing: Iterable[str] = (), keeping: str = "") -> Iterator[Path]:
    """A new folder inside `out`, which is made where it is missing, so that both are on one file system.

    On a clean exit the files in it are moved into `out`, in the place of older ones, and those of its sub-folders likewise; on an error
    nothing appears. Folders in it whose names begin with a point are scratch space. It is gone afterwards in either case, and so are
    those that processes left which were killed.
    replacing: patterns of files of an earlier run in `out` that must not stay beside the new ones. keeping: name of a folder of
    `resumable_folder` that this run takes over; all others are superseded.
    Raises InputError where a file is in the way of `out`, CannotWrite where it is full, closed to us, or vanishes.
    """
    was_there = out.exists()
    make_folder(out)
    remove_what_the_killed_left(out, keeping)
    try:
        with held_folder(out) as folder:
            yield folder
            _check_targets(folder, out)
            _move(folder, out, tuple(replacing))
    except BaseException as error:
        fault = _fault(out, error) if isinstance(error, OSError) else None
        if not was_there:
            with suppress(OSError):  # gone already, or somebody else has put something there
                out.rmdir()
        if fault is None:
            raise
        raise fault from None


def make_folder(out: Path) -> None:
    """Make a folder to write into where it is missing. Raises InputError where a file is in its way, CannotWrite."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise _in_the_way(out) from None
    except OSError as error:
        raise CannotWrite(out, error) from None


def check_writable(folder: Path) -> None:
    """Whether a folder can be written, or made; it is left as it is. Raises InputError where a file is in its way, CannotWrite."""
    try:
        nearest = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
        if not nearest.is_dir():
            raise _in_the_way(folder)
        with tempfile.TemporaryFile(dir=nearest) as file:
            file.write(b"\0")
    except OSError as error:
        raise CannotWrite(folder, error) from None


def _in_the_way(out: Path) -> InputError:
    return InputError(f"{out} cannot be the output folder: a file is in its way.", "Choose another with --out.")


def shortage(place: Path) -> OSError | None:
    """What keeps a file of some size from being written in `place`; None where nothing does."""
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            os.posix_fallocate(file.fileno(), 0, _PROBE_BYTES)
    except OSError as reason:
        return reason
    return None


def not_written(place: Path, error: Exception) -> CannotWrite:
    """The error for a library that could not write in `place` and hardly says why."""
    return CannotWrite(_named(place), shortage(place) or f"a file was not written whole ({type(error).__name__})")


def _fault(out: Path, error: OSError) -> CannotWrite | None:
    """What to say of an error of the disk; None where it is of another file than those that are written."""
    if error.errno in FULL:
        return CannotWrite(_named(out), error)
    if not out.exists():
        return CannotWrite(_named(out), "it is not there any more")
    names = [name for name in (error.filename, error.filename2) if isinstance(name, str | Path)]
    if error.errno in UNUSABLE and any(Path(name).is_relative_to(out) for name in names):
        return CannotWrite(_named(out), error)
    return None


def _named(place: Path) -> Path:
    """The folder that the user knows: a hidden one of ours lies in it."""
    hidden = [parent for parent in (place, *place.parents) if parent.name.startswith(PREFIX)]
    return hidden[-1].parent if hidden else place


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A place to make one file in, beside its own; on a clean exit it is moved there, on an error nothing of it is left."""
    with held_folder(path.parent) as folder:
        made = folder / path.name
        yield made
        made.replace(path)


def remove_what_the_killed_left(place: Path, keeping: str = "") -> None:
    """Delete the hidden folders in `place` that no living process holds, but for the one of that name."""
    for folder in place.glob(f"{PREFIX}*"):
        lock = folder / LOCK
        if folder.name == keeping:
            continue
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


@contextmanager
def resumable_folder(place: Path, name: str) -> Iterator[Path]:
    """The hidden folder of that name in `place`, with what a killed process left in it; deleted afterwards, however this ends.

    name: begins with PREFIX, and tells apart what may not be taken over. Raises InputError where another process works in it.
    """
    folder = place / name
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise InputError(f"The same work is being done in {place} already.", "Wait for it, or choose another folder with --out.") from None
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


def _check_targets(folder: Path, out: Path) -> None:
    """Raises InputError where a folder stands in the place of a file, or a file in that of a folder, before anything is moved."""
    for made in folder.rglob("*"):
        place = out / made.relative_to(folder)
        if made.name != LOCK and place.exists() and place.is_dir() != made.is_dir():
            kind = "folder" if place.is_dir() else "file"
            raise InputError(f"{place} cannot be written: a {kind} of that name is in its way.", "Choose another folder with --out.")


def _move(folder: Path, out: Path, replacing: tuple[str, ...]) -> None:
    """The files of a folder, and of its sub-folders that are not hidden, into the place of older ones."""
    out.mkdir(exist_ok=True)
    made = sorted(file for file in folder.iterdir() if file.is_file() and file.name != LOCK)
    names = {file.name for file in made}
    for file in made:
        file.replace(out / file.name)
    for old in {old for pattern in replacing for old in out.glob(pattern)}:
        if old.name not in names:
            old.unlink(missing_ok=True)
    for inner in sorted(inner for inner in folder.iterdir() if inner.is_dir() and not inner.name.startswith(".")):
        _move(inner, out / inner.name, replacing)
