"""The report of a series: areas by date, shifts, and breaks where the dates carry them."""

from __future__ import annotations

import math

from core.report.composer import Composer
from core.report.language import language_of
from core.report.model_facts import ModelFacts
from core.report.scenes import is_listed, say_scene_model
from core.report.sections import say_limits
from core.types import LevelBreak, Report, SeriesResult

MOST_BREAKS = 10
"""Breaks that are put into words; breaks.gpkg holds all."""
_MADE = "series"


def series_report(
    result: SeriesResult, least_dates: int, model: ModelFacts | None = None, *, language: str = "en", created: str | None = None
) -> Report:
    """least_dates: valid dates below which nothing is claimed. Raises NotFound for a language without templates."""
    composer = Composer(language_of(language))
    _say_breaks(composer, result, least_dates)
    _keep_areas(composer, result)
    _say_dates(composer, result)
    if result.model:
        say_scene_model(composer, result.model, result.weights, model)
    for caveat in ("series_caveat_areas", "area_caveat"):
        composer.say("limits", caveat)
    if result.tested:
        composer.say("limits", "series_caveat_breaks")
    say_limits(composer, model, result.assumptions)
    parameters = {**result.parameters, "sha256": [date.scene.sha256 for date in result.dates]}
    return composer.report("series", composer.language.titles["series"], parameters, created)


def _say_breaks(composer: Composer, result: SeriesResult, least_dates: int) -> None:
    roles = {
        "dates": composer.fact("series.dates", len(result.dates), "count", _MADE),
        "first": composer.fact("series.first", result.dates[0].scene.when, "", _MADE),
        "last": composer.fact("series.last", result.dates[-1].scene.when, "", _MADE),
    }
    composer.say("findings", "series_dates", **roles)
    least = composer.fact("series.least_dates", least_dates, "count", "parameters")
    if not result.index:
        return composer.say("findings", "series_no_index")
    if not result.tested:
        return composer.say("findings", "series_claims_nothing", least=least, **roles)
    tested = {
        "tested": composer.fact("series.tested", result.tested, "count", _MADE),
        "inflation": composer.fact("series.inflation", result.inflation, "score", _MADE),
        "index": composer.fact("series.index", result.index.upper(), "", "parameters"),
    }
    composer.say("technique", "series_tests", least=least, **tested)
    if not result.breaks:
        return composer.say("findings", "series_no_break", **tested)
    total = composer.fact("series.broken_hectares", result.broken_hectares, "ha", _MADE)
    count = composer.fact("series.breaks", len(result.breaks), "count", _MADE)
    composer.say("findings", "series_breaks", hectares=total, count=count, **tested)
    for place, one in enumerate([one for one in result.breaks if is_listed(one.hectares)][:MOST_BREAKS], start=1):
        _say_break(composer, one, f"break.{place}")
    return None


def _say_break(composer: Composer, one: LevelBreak, name: str) -> None:
    roles = {
        "id": composer.fact(f"{name}.id", one.id, "count", _MADE),
        "hectares": composer.fact(f"{name}.hectares", one.hectares, "ha", _MADE),
        "before": composer.fact(f"{name}.before", one.date_before, "", _MADE),
        "after": composer.fact(f"{name}.after", one.date_after, "", _MADE),
        "size": composer.fact(f"{name}.size", one.size, "score", _MADE),
        "days": composer.fact(f"{name}.days", one.days, "count", _MADE),
        "until": composer.fact(f"{name}.until", one.lasts_to, "", _MADE),
        "p": composer.fact(f"{name}.p", one.p, "p", _MADE),
    }
    composer.say("findings", "series_break_lasting" if one.is_lasting else "series_break", **roles)


def _keep_areas(composer: Composer, result: SeriesResult) -> None:
    """As facts, which the table of areas by date is made of."""
    above = dict(zip(result.indices, result.thresholds, strict=True))
    for place, area in enumerate(result.areas, start=1):
        name = area.name if area.name not in above else f"{area.name.upper()} > {above[area.name]:g}"
        composer.fact(f"areadate.{place}.date", area.date, "", _MADE)
        composer.fact(f"areadate.{place}.label", name, "label", _MADE)
        composer.fact(f"areadate.{place}.hectares", area.hectares, "ha", _MADE)
        composer.fact(f"areadate.{place}.valid", area.valid_share, "rate", _MADE)


def _say_dates(composer: Composer, result: SeriesResult) -> None:
    for place, date in enumerate(result.dates, start=1):
        composer.fact(f"date.{place}.when", date.scene.when, "", "source file")
        composer.fact(f"date.{place}.name", date.scene.name, "", "source file")
        composer.fact(f"date.{place}.valid", date.valid_share, "rate", _MADE)
        if date.clouds is not None:
            composer.fact(f"date.{place}.clouds", date.clouds, "rate", _MADE)
        if date.shift is not None:
            composer.fact(f"date.{place}.shift", math.hypot(*date.shift), "px", _MADE)
        if date.left is not None:
            composer.fact(f"date.{place}.left", math.hypot(*date.left), "px", _MADE)
            composer.fact(f"date.{place}.corrected", date.is_corrected, "", _MADE)
    kept = sum(date.is_corrected for date in result.dates)
    told = composer.fact("series.shifted", max((math.hypot(*date.shift) for date in result.dates if date.shift), default=0.0), "px", _MADE)
    unknown = composer.fact("series.shift_unknown", sum(date.shift is None for date in result.dates), "count", _MADE)
    composer.say("technique", "series_shift", largest=told, unknown=unknown)
    if any(date.left is not None for date in result.dates):
        thrown = sum(date.left is not None and not date.is_corrected for date in result.dates)
        composer.say(
            "technique", "series_corrected", kept=composer.fact("series.corrected", kept, "count", _MADE),
            thrown=composer.fact("series.thrown_away", thrown, "count", _MADE),
        )  # fmt: skip
