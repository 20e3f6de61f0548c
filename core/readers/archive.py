"""Zip and tar archives, unpacked with care: no member leaves its folder, none is a link, and none is larger than promised."""

from __future__ import annotations

import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

from core.errors import FULL, CannotWrite, SightlineError, TooLarge, UnreadableFile, UnsafeFile
from core.readers.sniff import Kind, sniff
from core.settings import settings

_CHUNK = 1 << 20
_LIMIT_HINT = "Unpack it yourself and choose the folder."
_ARCHIVE_ERRORS = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    UnicodeError,
)


@dataclass(frozen=True)
class Member:
    """One file of an archive: its name inside, and where it was unpacked, or why it could not be."""

    name: str
    path: Path | None
    error: SightlineError | None = None


def members(path: Path, into: Path) -> Iterator[Member]:
    """The files of an archive, unpacked one after another as they are asked for. A damaged member does not stop the others.

    Each lies alone in a folder of its own under `into`, in the order of the archive, so that no side file lies beside it.
    Folders, hidden files and the resource forks of macOS are left out.
    Raises UnsafeFile, TooLarge or UnreadableFile where the archive as a whole is refused, before anything is unpacked.
    """
    with _opened(path) as entries:
        _check(path, entries)
        budget = settings().archive_mb * 1_000_000
        for index, entry in enumerate(entry for entry in entries if not _is_hidden(entry.name)):
            folder = into / f"{index:05d}"
            try:
                target = _extract(path, entry, folder, budget)
            except TooLarge:
                raise
            except _ARCHIVE_ERRORS as error:
                if isinstance(error, OSError) and error.errno in FULL:
                    raise CannotWrite(into.parent.parent, error) from None
                reason = UnreadableFile(f"{entry.name} in {path.name} is damaged or packed in a way that is not known.", "Pack it again.")
                reason.__cause__ = error
                yield Member(entry.name, None, reason)
                continue
            budget -= target.stat().st_size
            yield Member(entry.name, target)


def names_in(path: Path) -> list[str]:
    """The names of the files that `members` would give, without unpacking any. Raises UnreadableFile or TooLarge."""
    with _opened(path) as entries:
        return [entry.name for entry in entries if not _is_hidden(entry.name)]


@dataclass(frozen=True)
class _Entry:
    """A file of an archive as its directory tells it. open: gives its bytes."""

    name: str
    size: int
    open: Callable[[], AbstractContextManager[IO[bytes]]]
    is_link: bool = False
    is_encrypted: bool = False


@contextmanager
def _opened(path: Path) -> Iterator[list[_Entry]]:
    is_tar = sniff(path) is Kind.TAR
    with ExitStack() as stack:
        try:
            archive: Any = stack.enter_context(tarfile.open(path, "r:") if is_tar else zipfile.ZipFile(path))  # noqa: SIM115 - the stack closes it
            entries = _of_tar(path, archive) if is_tar else _of_zip(archive)
        except _ARCHIVE_ERRORS as error:
            kind = "tar" if is_tar else "zip"
            raise UnreadableFile(f"{path.name} is a {kind} archive that is damaged or cut off.", "Copy or pack it again.") from error
        yield entries


def _of_zip(archive: zipfile.ZipFile) -> list[_Entry]:
    return [
        _Entry(
            info.filename, info.file_size, partial(archive.open, info), stat.S_ISLNK(info.external_attr >> 16), bool(info.flag_bits & 0x1)
        )
        for info in archive.infolist()
        if not info.is_dir()
    ]


def _of_tar(path: Path, archive: tarfile.TarFile) -> list[_Entry]:
    """Read no further than the most files that an archive may have: a tar has no directory. Devices are as little a file as links."""
    entries: list[_Entry] = []
    for info in archive:
        if info.isdir():
            continue
        if len(entries) == settings().archive_files:
            raise TooLarge(f"{path.name} holds more than {settings().archive_files} files.", _LIMIT_HINT)
        entries.append(_Entry(info.name, info.size, partial(_tar_member, archive, info), not info.isreg()))
    return entries


def _tar_member(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    held = archive.extractfile(info)
    assert held is not None  # a regular file
    return held


def _check(path: Path, entries: list[_Entry]) -> None:
    limits = settings()
    if len(entries) > limits.archive_files:
        raise TooLarge(f"{path.name} holds {len(entries)} files, more than {limits.archive_files}.", _LIMIT_HINT)
    if sum(entry.size for entry in entries) > limits.archive_mb * 1_000_000:
        raise TooLarge(f"{path.name} unpacks to more than {limits.archive_mb} MB.", _LIMIT_HINT)
    if any(entry.is_encrypted for entry in entries):
        raise UnreadableFile(f"{path.name} is encrypted.", "Unpack it with its password and choose the folder.")
    for entry in entries:
        name = PurePosixPath(entry.name.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or ":" in name.parts[0] or "\0" in entry.name:
            raise UnsafeFile(f"{path.name} holds a file that would be written outside its folder.", "Do not unpack it.")
        if entry.is_link:
            raise UnsafeFile(f"{path.name} holds a link to another file.", "Pack the files themselves.")


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name.replace("\\", "/")).parts)


def _extract(path: Path, entry: _Entry, folder: Path, budget: int) -> Path:
    """Write one member, counting what comes out: the sizes in an archive are only promises."""
    folder.mkdir(parents=True, mode=0o700)
    target = folder / PurePosixPath(entry.name.replace("\\", "/")).name
    written = 0
    with entry.open() as source, target.open("xb") as file:
        while piece := source.read(_CHUNK):
            written += len(piece)
            if written > min(budget, entry.size):
                target.unlink()
                raise TooLarge(f"{path.name} unpacks to more than it says.", "Do not unpack it.")
            file.write(piece)
        if written < entry.size:
            raise EOFError(entry.name)
    return target
