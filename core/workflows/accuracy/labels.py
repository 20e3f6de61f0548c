"""Labels that come back by id: from a GeoPackage or a CSV, whoever has filled it.

Only points of a sample count: whatever else was accepted, rejected or drawn on a map has no id of one, and is refused. So nothing that a
model or a threshold was trained on can enter an assessment.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.accuracy.sample import ReferenceLabel, ReferenceSample
from core.areas.zones import GEOPACKAGE_IDS
from core.errors import InputError, NotFound, OutOfRange, TooLarge, UnreadableFile
from core.settings import settings

ID, LABEL = "id", "label"
READ_FROM = "Labels are read from the GeoPackage or the CSV that `sightline sample` wrote, with the column label filled."
_SEPARATORS = (",", ";", "\t")
_NAMED = 5
"""Ids that an error names; the others are counted."""


@dataclass(frozen=True)
class LabelRow:
    """A row as it came: id, label and what stands beside them, all in words."""

    id: str
    label: str
    beside: Mapping[str, str]


def read_rows(path: Path) -> tuple[LabelRow, ...]:
    """The rows of a file that have a label. Raises NotFound, TooLarge, UnreadableFile for another file or one without these columns."""
    if not path.is_file():
        raise NotFound(f"The labels file {path} does not exist.", READ_FROM)
    limit = settings().upload_mb
    if path.stat().st_size > limit * 1_000_000:
        raise TooLarge(f"{path.name} is larger than {limit} MB.", READ_FROM)
    with path.open("rb") as file:
        head = file.read(100)
    is_geopackage = head.startswith(b"SQLite format 3\0") and head[68:72] in GEOPACKAGE_IDS
    rows = _of_geopackage(path) if is_geopackage else _of_csv(path)
    return tuple(row for row in rows if row.label)


def key_of(rows: Sequence[LabelRow], path: Path) -> str:
    """Of which sample they are. Raises InputError where there is none, or where they are of several."""
    keys = {row.id.rpartition("-")[0] for row in rows}
    if not rows:
        raise InputError(f"{path.name} holds no label.", READ_FROM)
    if len(keys) > 1 or "" in keys:
        raise InputError(f"{path.name} holds ids that are of no one sample: {_some(row.id for row in rows)}.", READ_FROM)
    return keys.pop()


def labels_in(rows: Sequence[LabelRow], sample: ReferenceSample, path: Path) -> tuple[ReferenceLabel, ...]:
    """Rows as labels of the points of a sample, whatever the case of their letters.

    Raises InputError for ids that the sample does not have or that come twice, OutOfRange for a label that is none of its classes.
    """
    known, said = {point.id for point in sample.points}, {label.casefold(): label for label in sample.labels}
    strangers = [row.id for row in rows if row.id not in known]
    if strangers:
        raise InputError(f"{path.name} has ids that the sample {sample.key} does not have: {_some(strangers)}.", READ_FROM)
    twice = [key for key, count in Counter(row.id for row in rows).items() if count > 1]
    if twice:
        raise InputError(f"{path.name} has two labels for one point: {_some(twice)}.", "Keep one row a point; a second rater has a file.")
    for row in rows:
        if row.label.casefold() not in said:
            raise OutOfRange(f"the label of {row.id} in {path.name}", row.label, f"one of {', '.join(sample.labels)}")
    return tuple(_label(row, said[row.label.casefold()]) for row in rows)


def _label(row: LabelRow, label: str) -> ReferenceLabel:
    return ReferenceLabel(
        row.id,
        label,
        rater=row.beside.get("rater", ""),
        image=row.beside.get("image", ""),
        seconds=_number(row.beside.get("seconds", "")),
        at=row.beside.get("at", ""),
    )


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0.0 else None


def _some(ids: Iterable[str]) -> str:
    listed = list(dict.fromkeys(ids))
    more = f" and {len(listed) - _NAMED:,} more" if len(listed) > _NAMED else ""
    return ", ".join(repr(each) for each in listed[:_NAMED]) + more


def _of_csv(path: Path) -> list[LabelRow]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
        first = text.partition("\n")[0]
        separator = max(_SEPARATORS, key=first.count)
        table = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        return _rows(path, table.fieldnames or (), table)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFile(f"{path.name} is no GeoPackage and no CSV in UTF-8.", READ_FROM) from error


def _of_geopackage(path: Path) -> list[LabelRow]:
    import pyogrio  # here, since it brings pandas
    from pyogrio.errors import DataLayerError, DataSourceError

    place = path.resolve()  # absolute: no "/vsicurl/" and no "DRIVER:" syntax is looked for in it
    try:
        layer = str(pyogrio.list_layers(place)[0][0])
        if pyogrio.read_info(place, layer=layer)["driver"] != "GPKG":
            raise ValueError("opened by another driver")
        frame = pyogrio.read_dataframe(place, layer=layer, read_geometry=False)
    except (DataSourceError, DataLayerError, ValueError, IndexError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{path.name} cannot be read as a GeoPackage.", READ_FROM) from error
    columns = [str(column) for column in frame.columns]
    return _rows(path, columns, (dict(zip(columns, row, strict=True)) for row in frame.itertuples(index=False, name=None)))


def _rows(path: Path, columns: Sequence[str], rows: Iterable[Mapping[Any, Any]]) -> list[LabelRow]:
    by_lower = {str(column).strip().lower(): column for column in reversed(columns)}
    missing = [name for name in (ID, LABEL) if name not in by_lower]
    if missing:
        raise UnreadableFile(f"{path.name} has no column {' and no column '.join(missing)}.", READ_FROM)
    told = ({name: _words(row.get(column)) for name, column in by_lower.items()} for row in rows)
    return [LabelRow(row[ID], row[LABEL], row) for row in told]


def _words(value: object) -> str:
    """What a cell says; "" for an empty one, as NaN and None are."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value).strip()
