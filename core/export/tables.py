"""Tables out, as CSV (RFC 4180) in UTF-8 with a header line; plain numbers with a point, no thousands separators."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from core.export.staging import whole_file
from core.types import ClassArea

DIGITS = 10
"""Significant digits of a float."""


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a header and rows of words and numbers; the file appears when it is whole."""
    with whole_file(path) as made, made.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([f"{value:.{DIGITS}g}" if isinstance(value, float) else value for value in row])


def write_areas(path: Path, areas: Iterable[ClassArea]) -> None:
    """class, pixels, hectares, share (of the valid area, 0 to 1); a line for each class and no total."""
    write_table(path, ("class", "pixels", "hectares", "share"), ([area.label, area.pixels, area.hectares, area.share] for area in areas))
