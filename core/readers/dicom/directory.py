"""DICOMDIR (PS3.3 F, PS3.10 8): the file at the head of a disc that names the others."""

from __future__ import annotations

from pathlib import Path

from core.deidentify.header import CONVERSION_ERRORS, raw_value
from core.readers.dicom.parse import parse
from core.readers.sniff import Kind, sniff

NAME = "dicomdir"
"""As it is called, whatever the case: copies of discs are written in either."""


def is_directory(path: Path) -> bool:
    """Whether a file is a DICOMDIR: by its name and by its content. Raises what `sniff` raises."""
    return path.name.casefold() == NAME and sniff(path) is Kind.DICOM


def named_files(path: Path) -> tuple[tuple[str, ...], ...]:
    """The path of each file that a DICOMDIR names, by its parts, relative to the folder of the DICOMDIR; in its order, each once.

    Parts that would lead out of that folder drop the file. Raises UnreadableFile where it cannot be read.
    """
    dataset = parse(path, path.name).dataset
    try:
        records = list(raw_value(dataset, "DirectoryRecordSequence") or ())
    except (*CONVERSION_ERRORS, RecursionError):
        records = []
    found = (_parts(raw_value(record, "ReferencedFileID")) for record in records)
    return tuple(dict.fromkeys(parts for parts in found if parts))


def _parts(told: object) -> tuple[str, ...]:
    if not told:
        return ()
    parts = [told] if isinstance(told, str) else [str(part) for part in told]  # type: ignore[attr-defined]
    split = tuple(piece for part in parts for piece in part.replace("\\", "/").split("/"))
    return () if any(piece in ("", ".", "..") or "\0" in piece or ":" in piece for piece in split) else split
