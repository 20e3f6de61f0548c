"""Samples: a few real and synthetic ones that come with the project, and a catalogue of public ones that are fetched when asked for."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from core.errors import NotFound, UnreadableFile
from core.readers.digest import sha256_of
from core.settings import private_home, settings
from core.sources.address import download


@dataclass(frozen=True)
class Sample:
    """One sample. kind: "dicom" or "geotiff".

    address, sha256, bytes: of a public one, else "" and 0. local: the file or folder where it lies already, None before it is fetched.
    origin: where the images of a bundled one come from, "synthetic" where they were drawn. method, index: how it is compared with the other
    date of its place, with which it is opened; "" for the usual way.
    """

    id: str
    title: str
    kind: str
    address: str = ""
    sha256: str = ""
    bytes: int = 0
    licence: str = ""
    what_to_expect: str = ""
    local: Path | None = None
    origin: str = ""
    method: str = ""
    index: str = ""

    @property
    def is_synthetic(self) -> bool:
        """Whether no pixel of it is of a real image."""
        return self.origin == SYNTHETIC


SYNTHETIC = "synthetic"
_COLUMNS = ("id", "title", "kind", "path", "origin", "licence", "method", "index", "what_to_expect")


def bundled() -> tuple[Sample, ...]:
    """The samples of sample_data/bundled.csv, in its order. Raises NotFound where the table is missing."""
    folder = settings().samples
    return tuple(
        Sample(
            id=row["id"],
            title=row["title"],
            kind=row["kind"],
            licence=row["licence"],
            what_to_expect=row["what_to_expect"],
            local=folder / row["path"],
            origin=row["origin"],
            method=row["method"],
            index=row["index"],
        )
        for row in _rows(folder / "bundled.csv", _COLUMNS)
    )


def sample_at(path: Path) -> Sample | None:
    """The bundled sample that a file is, or lies in; None for any other file. Raises NotFound where the table of samples is missing."""
    return next((sample for sample in bundled() if sample.local and path.is_relative_to(sample.local)), None)


def catalogue() -> tuple[Sample, ...]:
    """The public samples of sample_data/catalogue.csv; `local` where one was fetched before. Raises NotFound."""
    columns = ("id", "title", "kind", "address", "sha256", "bytes", "licence", "what_to_expect")
    return tuple(_public(row) for row in _rows(settings().samples / "catalogue.csv", columns))


def fetch(
    sample: Sample,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """The file of a sample: what lies here already if it is sound, else downloaded into the cache.

    progress: called with bytes so far and in all. Raises Offline, Cancelled, UnsafeFile, TooLarge.
    """
    if not sample.address:
        if sample.local is None or not sample.local.exists():
            raise NotFound(f"The sample {sample.id} is not here.", "Install the project again.")
        return sample.local
    target = _cached(sample.id, sample.address)
    if target.is_file() and target.stat().st_size == sample.bytes and sha256_of(target) == sample.sha256:
        progress(sample.bytes, sample.bytes)
        return target
    private_home()
    return download(sample.address, target, sha256=sample.sha256, size=sample.bytes, progress=progress, cancelled=cancelled)


def _public(row: dict[str, str]) -> Sample:
    target = _cached(row["id"], row["address"])
    size = int(row["bytes"])
    is_here = target.is_file() and target.stat().st_size == size
    return Sample(
        id=row["id"],
        title=row["title"],
        kind=row["kind"],
        address=row["address"],
        sha256=row["sha256"].lower(),
        bytes=size,
        licence=row["licence"],
        what_to_expect=row["what_to_expect"],
        local=target if is_here else None,
    )


def _cached(identifier: str, address: str) -> Path:
    """Each sample in a folder of its own, under the name that it has at its address."""
    name = PurePosixPath(urlsplit(address).path).name or "sample"
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".") or "sample"
    return settings().home / "samples" / re.sub(r"[^A-Za-z0-9._-]", "_", identifier).lstrip(".") / safe


def _rows(table: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        with table.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if not set(columns) <= set(reader.fieldnames or ()):
                raise UnreadableFile(f"{table.name} lacks columns.", f"It needs {', '.join(columns)}.")
            return list(reader)
    except FileNotFoundError:
        raise NotFound(f"{table.name} is not in {table.parent.name}.", "Install the project again.") from None
