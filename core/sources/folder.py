"""Files of this machine: arguments, folders, zip and tar archives become a list of single files, each with the label it is known by."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core.errors import CannotWrite, InputError, NotFound, SightlineError, UnreadableFile, UnsafeFile
from core.readers import Kind, sniff
from core.readers.archive import Member, members, names_in
from core.readers.dicom import directory
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
    A DICOMDIR stands for the files that it names. In a folder or an archive that has one, DICOM files that it does not name are taken
    too; whatever else lies there belongs to the disc, not to the patient, and is left out.
    """
    beside = {Path(path).name.casefold() for path in paths}
    for path in paths:
        label = str(path)
        target = Path(path)
        if target.is_dir():
            yield from _folder(label, target, workspace, frozenset())
        elif _is_dicomdir(target):
            yield from _named(os.path.dirname(label), target, beside)  # noqa: PTH120 - as above
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
    disc = next((folder / name for name in names if name.casefold() == directory.NAME and _is_dicomdir(folder / name)), None)
    if disc is not None:
        yield from _disc(label, disc, workspace, above)
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


def _is_dicomdir(path: Path) -> bool:
    try:
        return directory.is_directory(path) and bool(directory.named_files(path))
    except (InputError, OSError):
        return False


def _disc(label: str, disc: Path, workspace: Path, above: frozenset[tuple[int, int]]) -> Iterator[Source | Unusable]:
    """The files that a DICOMDIR names, then the other DICOM files of its folder."""
    given: set[Path] = set()
    for item in _named(label, disc, frozenset()):
        if isinstance(item, Source):
            given.add(item.path)
        yield item
    status = disc.parent.stat()
    here = above | {(status.st_dev, status.st_ino)}
    for name in sorted(entry.name for entry in os.scandir(disc.parent)):
        inner, inner_label = disc.parent / name, os.path.join(label, name)  # noqa: PTH118 - as above
        if name.startswith(".") or inner == disc:
            continue
        found = _folder(inner_label, inner, workspace, here) if inner.is_dir() else _file(inner_label, inner, workspace)
        yield from (item for item in found if isinstance(item, Source) and item.path not in given and _is_dicom(item.path))


def _is_dicom(path: Path) -> bool:
    return path.is_file() and sniff(path) is Kind.DICOM


def _named(label: str, disc: Path, beside: Iterable[str]) -> Iterator[Source | Unusable]:
    """The files that a DICOMDIR names, where they are there; what is not is told once. beside: names of files that were given with it."""
    missing = []
    for parts in directory.named_files(disc):
        found = _whatever_case(disc.parent, parts)
        if found is not None:
            yield Source(os.path.join(label, *found.relative_to(disc.parent).parts), found)  # noqa: PTH118 - as above
        elif parts[-1].casefold() not in beside:
            missing.append("/".join(parts))
    if missing:
        yield _not_there(os.path.join(label, disc.name), disc.name, missing)  # noqa: PTH118 - as above


def _not_there(label: str, name: str, missing: Sequence[str]) -> Unusable:
    others = f" and {len(missing) - 1:,} other files" if len(missing) > 1 else ""
    return Unusable(label, NotFound(f"{name} names {missing[0]}{others}, not there.", "Give the whole disc: its folder, or a zip of it."))


def _whatever_case(folder: Path, parts: Sequence[str]) -> Path | None:
    """A file below a folder, its name in whatever case the copy of a disc was written in; None where there is none."""
    exact = folder.joinpath(*parts)
    if exact.is_file():
        return exact
    here = folder
    for part in parts:
        if not here.is_dir():
            return None
        match = next((inner for inner in here.iterdir() if inner.name.casefold() == part.casefold()), None)
        if match is None:
            return None
        here = match
    return here if here.is_file() else None


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
        if any(PurePosixPath(name).name.casefold() == directory.NAME for name in names_in(path)):
            yield from _packed_disc(label, list(members(path, into)))
        else:
            yield from (_unpacked(label, member) for member in members(path, into))
    except InputError as error:
        yield Unusable(label, error)


def _unpacked(label: str, member: Member) -> Source | Unusable:
    inner = f"{label}!/{member.name}"
    if member.path is None:
        return Unusable(inner, member.error or UnreadableFile(f"{inner} cannot be unpacked.", "Pack it again."))
    return _member(inner, member.path)


def _packed_disc(label: str, unpacked: Sequence[Member]) -> Iterator[Source | Unusable]:
    """The members that a DICOMDIR names, in its order, then the other DICOM files of the archive."""
    by_name = {member.name.replace("\\", "/").casefold(): member for member in unpacked}
    discs = [member for member in unpacked if member.path is not None and _is_dicomdir(member.path)]
    if not discs:
        yield from (_unpacked(label, member) for member in unpacked)
        return
    taken = [member.name for member in discs]
    for disc in discs:
        assert disc.path is not None
        root, missing = PurePosixPath(disc.name.replace("\\", "/")).parent, []
        for parts in directory.named_files(disc.path):
            member = by_name.get(str(root.joinpath(*parts)).casefold())
            if member is None:
                missing.append("/".join(parts))
            elif member.name not in taken:
                taken.append(member.name)
                yield _unpacked(label, member)
        if missing:
            yield _not_there(f"{label}!/{disc.name}", disc.path.name, missing)
    for member in unpacked:
        if member.name not in taken and (member.path is None or _is_dicom(member.path)):
            yield _unpacked(label, member)


def _member(label: str, path: Path) -> Source | Unusable:
    if sniff(path) in ARCHIVES:
        return Unusable(label, UnreadableFile(f"{path.name} is an archive inside an archive.", "Unpack the outer one first."))
    return Source(label, path)
