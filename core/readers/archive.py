"""Zip archives, unpacked with care: no member leaves its folder, none is a link, and none is larger than promised."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core.errors import FULL, CannotWrite, SightlineError, TooLarge, UnreadableFile, UnsafeFile
from core.settings import settings

_CHUNK = 1 << 20
_LIMIT_HINT = "Unpack it yourself and choose the folder."
_ZIP_ERRORS = (
    zipfile.BadZipFile,
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
    with _opened(path) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        _check(path, infos)
        budget = settings().archive_mb * 1_000_000
        for index, info in enumerate(info for info in infos if not _is_hidden(info.filename)):
            folder = into / f"{index:05d}"
            try:
                target = _extract(archive, info, folder, budget)
            except TooLarge:
                raise
            except _ZIP_ERRORS as error:
                if isinstance(error, OSError) and error.errno in FULL:
                    raise CannotWrite(into.parent.parent, error) from None
                reason = UnreadableFile(
                    f"{info.filename} in {path.name} is damaged or packed in a way that is not known.", "Pack it again."
                )
                reason.__cause__ = error
                yield Member(info.filename, None, reason)
                continue
            budget -= target.stat().st_size
            yield Member(info.filename, target)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except _ZIP_ERRORS as error:
        raise UnreadableFile(f"{path.name} is a zip archive that is damaged or cut off.", "Copy or pack it again.") from error
    with archive:
        yield archive


def _check(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    limits = settings()
    if len(infos) > limits.archive_files:
        raise TooLarge(f"{path.name} holds {len(infos)} files, more than {limits.archive_files}.", _LIMIT_HINT)
    if sum(info.file_size for info in infos) > limits.archive_mb * 1_000_000:
        raise TooLarge(f"{path.name} unpacks to more than {limits.archive_mb} MB.", _LIMIT_HINT)
    if any(info.flag_bits & 0x1 for info in infos):
        raise UnreadableFile(f"{path.name} is encrypted.", "Unpack it with its password and choose the folder.")
    for info in infos:
        name = PurePosixPath(info.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or ":" in name.parts[0] or "\0" in info.filename:
            raise UnsafeFile(f"{path.name} holds a file that would be written outside its folder.", "Do not unpack it.")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise UnsafeFile(f"{path.name} holds a link to another file.", "Pack the files themselves.")


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name.replace("\\", "/")).parts)


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, folder: Path, budget: int) -> Path:
    """Write one member, counting what comes out: the sizes in an archive are only promises."""
    folder.mkdir(parents=True, mode=0o700)
    target = folder / PurePosixPath(info.filename.replace("\\", "/")).name
    written = 0
    with archive.open(info) as source, target.open("xb") as file:
        while piece := source.read(_CHUNK):
            written += len(piece)
            if written > min(budget, info.file_size):
                target.unlink()
                raise TooLarge(f"{archive.filename and Path(archive.filename).name} unpacks to more than it says.", "Do not unpack it.")
            file.write(piece)
    return target
