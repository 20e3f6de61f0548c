"""A series and its report in one folder, all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.change.breaks import LEAST_DATES
from core.export.staging import staged
from core.render.area_chart import area_chart
from core.render.colours import OTHERS, class_colours
from core.render.report_pictures import Captioned
from core.render.scene import stretch_of, true_colour
from core.report.dates.series import series_report
from core.report.language import Language, language_of
from core.report.model_facts import model_facts
from core.types import Report, Scene, SeriesResult
from core.workflows.dates.series_map import make_series
from core.workflows.report_files import PICTURES, write_report

DATE_SIDE = 640
"""Pixels of the picture of a date."""


def write_series_report(
    scenes: Sequence[Scene], out: Path, language: str = "en", **wishes: Any
) -> tuple[SeriesResult, Report, tuple[Path, ...]]:
    """wishes: as of make_series, which raises what this raises."""
    engine = wishes.get("engine")
    with staged(out, replacing=(PICTURES,)) as whole:
        result = make_series(scenes, whole, **wishes)
        report = series_report(result, LEAST_DATES, model_facts(engine.model) if engine is not None else None, language=language)
        files = write_report(report, whole, series_pictures(result, language_of(language)))
    moved = {name: out / path.name for name, path in vars(result).items() if isinstance(path, Path)}
    made: dict[str, Any] = {**moved}
    return replace(result, **made), report, tuple(out / file.name for file in files)


def series_pictures(result: SeriesResult, language: Language) -> list[Captioned]:
    """(caption, uint8 [rows, columns, 3]): areas by date, and the first and the last date through one stretch."""
    words, (first, last) = language.words, (result.dates[0].scene, result.dates[-1].scene)
    stretch = stretch_of(first)
    pictures = [
        (words["picture_first_date"], true_colour(first, DATE_SIDE, stretch)),
        (words["picture_last_date"], true_colour(last, DATE_SIDE, stretch, grid=first)),
    ]
    days = [date.scene.date for date in result.dates if date.scene.date is not None]
    names = list(dict.fromkeys(area.name for area in result.areas))
    if not names:
        return pictures
    lines = {_said(name, result, language): [area.hectares for area in result.areas if area.name == name] for name in names}
    classes = class_colours(result.labels)
    colours = {_said(name, result, language): colour for name, colour in zip(result.labels, classes, strict=True)}
    others = [name for name in lines if name not in colours]
    colours |= {name: OTHERS[place % len(OTHERS)] for place, name in enumerate(others)}
    return [(words["picture_areas"], area_chart(days, [date.scene.when for date in result.dates], lines, colours)), *pictures]


def _said(name: str, result: SeriesResult, language: Language) -> str:
    above = dict(zip(result.indices, result.thresholds, strict=True))
    return f"{name.upper()} > {above[name]:g}" if name in above else language.labels.get(name, name)
