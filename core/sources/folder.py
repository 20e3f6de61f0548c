"""Files of this machine: arguments, folders, zip and tar archives become a list of single files, each with the label it is known by."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import CannotWrite, InputError, NotFound, SightlineError, UnreadableFile, UnsafeFile
from core.readers import Kind, sniff
from core.readers.archive import members
from core.readers.scenes.zarr import is_zarr_group
from core.settings import settings

ARCHIVES = (Kind.ZIP, Kind.TAR)


@dataclass(frozen=True)
class Source:
    """One file to read, or the folder of a Zarr store, which is read as one.

    label: as the user gave it, joined with the relative name; "file.zip!/member" inside an archive.
    """

    label: str
    path: Path


@dataclass(frozen=True)
class Unusable:
    """What cannot be opened at all, and why; the others go on."""

    label: str
    error: SightlineError


def walk(paths: Sequence[str | Path], workspace: Path) -> Iterator[Source | Unusable]:
    """Expand arguments into files: folders sorted and with links followed, zip and tar archives by their members.

    Hidden files inside folders are skipped; a file that is named is taken, hidden or not. A loop of links ends.
    Members of archives are unpacked under `workspace`, each in a folder of its own, so that no side file lies beside it; an
    archive inside an archive is not opened.
    """
    for path in paths:
        label = str(path)
        target = Path(path)
        if target.is_dir():
            yield from _folder(label, target, workspace, frozenset())
        else:
            yield from _file(label, target, workspace)


def inside_roots(path: Path) -> Path:
    """The path with its links resolved, where it lies inside the folders that the application may read.

    Those are SIGHTLINE_ROOTS, the bundled samples, and the application's own folder. Raises UnsafeFile or NotFound.
    """
    limits = settings()
    try:
        resolved = path.expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise NotFound(f"{path.name} cannot be followed to a file.", "Check the path.") from error
    allowed = [root.resolve() for root in (*limits.roots, limits.samples, limits.home)]
    if not any(resolved.is_relative_to(root) for root in allowed):
        raise UnsafeFile(f"{path} is outside the folders that may be read here.", "Add its folder to SIGHTLINE_ROOTS, or upload the file.")
    if not resolved.exists():
        raise NotFound(f"{path} does not exist.", "Check the path.")
    return resolved


def _folder(label: str, folder: Path, workspace: Path, above: frozenset[tuple[int, int]]) -> Iterator[Source | Unusable]:
    """above: device and inode of the folders on the way here; meeting one again is a loop of links."""
    try:
        status = folder.stat()
        names = sorted(entry.name for entry in os.scandir(folder))
    except OSError as error:
        yield Unusable(label, UnreadableFile(f"{folder.name} cannot be opened: {error.strerror}.", "Check its permissions."))
        return
    if is_zarr_group(folder):
        yield Source(label, folder)
        return
    here = (status.st_dev, status.st_ino)
    if here in above:
        return
    for name in names:
        if name.startswith("."):
            continue
        inner = folder / name
        inner_label = os.path.join(label, name)  # noqa: PTH118 - pathlib would drop the "./" that the user wrote
        if inner.is_dir():
            yield from _folder(inner_label, inner, workspace, above | {here})
        else:
            yield from _file(inner_label, inner, workspace)


def _file(label: str, path: Path, workspace: Path) -> Iterator[Source | Unusable]:
    try:
        is_archive = sniff(path) in ARCHIVES
    except (InputError, OSError) as error:
        wrapped = error if isinstance(error, InputError) else UnreadableFile(f"{path.name} cannot be opened.", "Check the path.")
        yield Unusable(label, wrapped)
        return
    if is_archive:
        yield from _archive(label, path, workspace)
    else:
        yield Source(label, path)


def _archive(label: str, path: Path, workspace: Path) -> Iterator[Source | Unusable]:
    try:
        workspace.mkdir(parents=True, exist_ok=True)
        into = Path(tempfile.mkdtemp(prefix="zip-", dir=workspace))
    except OSError as error:
        yield Unusable(label, CannotWrite(workspace.parent, error))
        return
    try:
        for member in members(path, into):
            inner = f"{label}!/{member.name}"
            if member.path is None:
                yield Unusable(inner, member.error or UnreadableFile(f"{inner} cannot be unpacked.", "Pack it again."))
            else:
                yield _member(inner, member.path)
    except InputError as error:
        yield Unusable(label, error)


def _member(label: str, path: Path) -> Source | Unusable:
    if sniff(path) in ARCHIVES:
        return Unusable(label, UnreadableFile(f"{path.name} is an archive inside an archive.", "Unpack the outer one first."))
    return Source(label, path)
