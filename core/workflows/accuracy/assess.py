"""From labels to areas with intervals, as accuracy.json, tables and a report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.accuracy.agreement import Agreement, agreement_of, reference_of
from core.accuracy.estimate import accuracy_of
from core.accuracy.intervals import Interval
from core.accuracy.sample import ReferenceLabel, ReferenceSample
from core.errors import InputError, OutOfRange
from core.export.json import plain
from core.export.staging import staged
from core.export.tables import write_table
from core.report.accuracy import AssessedMap, accuracy_report
from core.types import Report
from core.workflows.accuracy.labels import key_of, labels_in, read_rows
from core.workflows.accuracy.result import MappedFolder
from core.workflows.accuracy.sample_files import read_design
from core.workflows.report_files import write_report

ACCURACY, AREAS_TABLE, MATRIX, LABELLED = "accuracy.json", "areas.csv", "error_matrix.csv", "labelled_points.csv"
MOST_RATERS = 2


@dataclass(frozen=True)
class Assessed:
    """A sample, what its raters said, and what follows. files: what was written, by name."""

    result: AssessedMap
    report: Report
    files: tuple[Path, ...] = ()


def assess_files(found: MappedFolder, labels: Sequence[Path], out: Path, language: str = "en") -> Assessed:
    """Estimates from the labels of one or two raters, written into `out`.

    Raises OutOfRange for more raters, InputError where `out` is the folder of the map, and what read_rows, labels_in, read_design and
    assess_labels raise.
    """
    if not 1 <= len(labels) <= MOST_RATERS:
        raise OutOfRange("number of --labels", len(labels), f"1 to {MOST_RATERS}, one for each rater")
    if out.resolve() == found.folder.resolve():
        raise InputError(f"{out} is the folder of the map, whose areas and report would be lost.", "Choose another folder with --out.")
    read = [read_rows(path) for path in labels]
    sample = read_design(found, key_of(read[0], labels[0]))
    told = [labels_in(rows, sample, path) for rows, path in zip(read, labels, strict=True)]
    assessed = assess_labels(sample, *told, language=language)
    return write_assessment(assessed, out)


def assess_labels(
    sample: ReferenceSample, first: Sequence[ReferenceLabel], second: Sequence[ReferenceLabel] = (), *, language: str = "en"
) -> Assessed:
    """Estimates from labels. Where two raters differ the first counts; where the first says nothing the second does.

    Raises InputError for a stratum without a labelled point, which nothing can be said of.
    """
    reference = reference_of(first, second)
    counts = sample.counts(reference)
    empty = [stratum.name for stratum, points in zip(sample.strata, counts.sum(axis=(1, 2)), strict=True) if not points]
    if empty:
        raise InputError(f"No point is labelled in {', '.join(map(repr, empty))}.", "Label points of every stratum.")
    mapped = np.array([stratum.mapped for stratum in sample.strata])
    accuracy = accuracy_of(counts, mapped.sum(axis=1).tolist(), sample.labels, mapped)
    agreement = agreement_of(first, second) if second else None
    result = AssessedMap(sample, reference, accuracy, agreement, tuple(second))
    return Assessed(result, accuracy_report(result, language=language))


def write_assessment(assessed: Assessed, out: Path) -> Assessed:
    """accuracy.json, areas.csv, error_matrix.csv, labelled_points.csv and the report in `out`, all at once. Raises CannotWrite."""
    result = assessed.result
    with staged(out) as whole:
        values = json.dumps(plain(as_accuracy_json(result)), ensure_ascii=False, indent=2, allow_nan=False)
        (whole / ACCURACY).write_text(values + "\n", encoding="utf-8")
        columns = ("class", "mapped_hectares", "hectares", "low", "high", "standard_error")
        areas = zip(result.mapped_hectares, result.areas, result.sample.labels, strict=True)
        write_table(whole / AREAS_TABLE, columns, ((label, mapped, *_numbers(area)) for mapped, area, label in areas))
        labels = result.sample.labels
        rows = zip(labels, result.accuracy.counts.tolist(), strict=True)
        write_table(whole / MATRIX, ("mapped as", *labels), ((label, *row) for label, row in rows))
        write_table(whole / LABELLED, POINT_COLUMNS, point_rows(result))
        written = write_report(assessed.report, whole)
    names = (ACCURACY, AREAS_TABLE, MATRIX, LABELLED, *(file.name for file in written))
    return Assessed(result, assessed.report, tuple(out / name for name in names))


POINT_COLUMNS = ("id", "stratum", "mapped", "label", "second", "rater", "image", "seconds", "at", "longitude", "latitude")


def point_rows(result: AssessedMap) -> list[tuple[object, ...]]:
    """Every point with what the map says, what its raters said, which image they looked at and for how long."""
    told, other = {each.id: each for each in result.reference}, {each.id: each.label for each in result.second}
    rows: list[tuple[object, ...]] = []
    for point in result.sample.points:
        label = told.get(point.id, ReferenceLabel(point.id, ""))
        seconds = "" if label.seconds is None else label.seconds
        beside = (label.label, other.get(point.id, ""), label.rater, label.image, seconds, label.at)
        names = (result.sample.strata[point.place.stratum].name, result.sample.labels[point.place.mapped])
        rows.append((point.id, *names, *beside, point.longitude, point.latitude))
    return rows


def as_accuracy_json(result: AssessedMap) -> dict[str, Any]:
    """overall, users, producers, f1 and areas (hectares), each {value, low, high, standard_error}; None where the sample cannot tell."""
    accuracy, sample = result.accuracy, result.sample
    by_label: dict[str, dict[str, Any]] = {
        name: {each.label: _told(getattr(each, name)) for each in accuracy.classes} for name in ("users", "producers", "f1")
    }
    areas = zip(sample.labels, result.areas, result.mapped_hectares, strict=True)
    labelled = sample.counts(result.reference).sum(axis=(1, 2)).tolist()
    return {
        "overall": _told(accuracy.overall),
        **by_label,
        "areas": {label: {**_numbered(area), "mapped": mapped} for label, area, mapped in areas},
        "n": len(result.reference),
        "strata": [
            {"name": each.name, "hectares": each.hectares, "pixels": each.pixels, "points": points, "labelled": count}
            for each, points, count in zip(sample.strata, sample.points_drawn, labelled, strict=True)
        ],
        "labels": list(sample.labels),
        "matrix": {"points": accuracy.counts.tolist(), "shares": accuracy.matrix.tolist()},
        "agreement": _agreement(result.agreement),
        "sample": {"key": sample.key, "strata_by": sample.strata_by, "seed": sample.seed, "points": len(sample.points)},
        "level": 0.95,
    }


def _agreement(agreement: Agreement | None) -> dict[str, Any] | None:
    if agreement is None:
        return None
    return {
        "n": agreement.points,
        "raw": _told(agreement.raw),
        "kappa": _told(agreement.kappa),
        "differing": list(agreement.differing),
    }


def _told(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None else _numbered(interval)


def _numbered(interval: Interval) -> dict[str, float]:
    return dict(zip(("value", "low", "high", "standard_error"), _numbers(interval), strict=True))


def _numbers(interval: Interval) -> tuple[float, float, float, float]:
    return float(interval.value), float(interval.low), float(interval.high), float(interval.standard_error)
