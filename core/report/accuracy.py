"""The report of an accuracy assessment: overall accuracy, areas with intervals, the error matrix, and what the sample was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.accuracy.agreement import Agreement
from core.accuracy.estimate import Accuracy, ClassAccuracy
from core.accuracy.intervals import Interval
from core.accuracy.sample import ReferenceLabel, ReferenceSample
from core.report.composer import Composer
from core.report.language import language_of
from core.types import Report

_SOURCE = "sample"
RATES = ("users", "producers", "f1")


@dataclass(frozen=True)
class AssessedMap:
    """What a sample says of a map. reference: the labels that counted. second: those of a second rater."""

    sample: ReferenceSample
    reference: tuple[ReferenceLabel, ...]
    accuracy: Accuracy
    agreement: Agreement | None = None
    second: tuple[ReferenceLabel, ...] = ()

    @property
    def hectares(self) -> float:
        """The whole area."""
        return sum(stratum.hectares for stratum in self.sample.strata)

    @property
    def areas(self) -> tuple[Interval, ...]:
        """Hectares of each class on the ground, in the order of the labels."""
        return tuple(each.area.times(self.hectares) for each in self.accuracy.classes)

    @property
    def mapped_hectares(self) -> tuple[float, ...]:
        """Hectares of each class on the map."""
        return tuple(map(float, np.sum([stratum.mapped for stratum in self.sample.strata], axis=0)))


def accuracy_report(result: AssessedMap, *, language: str = "en", created: str | None = None) -> Report:
    """Facts and sentences of one assessment. Raises NotFound for a language without templates."""
    composer = Composer(language_of(language))
    points = composer.fact("sample.labelled", len(result.reference), "count", _SOURCE)
    composer.say("findings", "accuracy_overall", **_interval(composer, "overall", result.accuracy.overall, "rate"), points=points)
    for place, (label, area) in enumerate(zip(result.sample.labels, result.areas, strict=True), start=1):
        _say_area(composer, place, label, area, result.mapped_hectares[place - 1])
    for place, each in enumerate(result.accuracy.classes, start=1):
        _say_rates(composer, place, each)
    _say_matrix(composer, result)
    _say_sample(composer, result)
    _say_agreement(composer, result.agreement)
    for caveat in ("accuracy_caveat_sampling", "accuracy_caveat_reference", "intended_use"):
        composer.say("limits", caveat)
    sample = result.sample
    parameters = {"sample": sample.key, "strata_by": sample.strata_by, "seed": sample.seed, "points": len(sample.points)}
    return composer.report("accuracy", composer.language.titles["accuracy"], parameters, created)


def _interval(composer: Composer, name: str, interval: Interval, unit: str) -> dict[str, str]:
    numbers = {"value": interval.value, "low": interval.low, "high": interval.high}
    return {role: composer.fact(f"{name}.{role}", float(number), unit, _SOURCE) for role, number in numbers.items()}


def _say_area(composer: Composer, place: int, label: str, area: Interval, mapped: float) -> None:
    name = f"estimate.{place}"
    roles = {
        "label": composer.fact(f"{name}.label", label, "label", _SOURCE),
        "mapped": composer.fact(f"{name}.mapped", mapped, "ha", "map"),
        "hectares": composer.fact(f"{name}.hectares", float(area.value), "ha", _SOURCE),
        "low": composer.fact(f"{name}.low", float(area.low), "ha", _SOURCE),
        "high": composer.fact(f"{name}.high", float(area.high), "ha", _SOURCE),
    }
    composer.say("findings", "accuracy_area", **roles)


def _say_rates(composer: Composer, place: int, each: ClassAccuracy) -> None:
    """User's and producer's accuracy and F1; nothing of a class that no point shows."""
    name, intervals = f"quality.{place}", [getattr(each, rate) for rate in RATES]
    roles = {"label": composer.fact(f"{name}.label", each.label, "label", _SOURCE)}
    for rate, interval in zip(RATES, intervals, strict=True):
        if interval is None:
            continue
        roles[rate] = composer.fact(f"{name}.{rate}", float(interval.value), "rate", _SOURCE)
        roles[f"{rate}_low"] = composer.fact(f"{name}.{rate}_low", float(interval.low), "rate", _SOURCE)
        roles[f"{rate}_high"] = composer.fact(f"{name}.{rate}_high", float(interval.high), "rate", _SOURCE)
    told = [rate for rate, interval in zip(RATES, intervals, strict=True) if interval is not None]
    if not told:
        return composer.say("findings", "accuracy_not_seen", **roles)
    return composer.say("findings", "accuracy_rates" if len(told) == len(RATES) else f"accuracy_{told[0]}", **roles)


def _say_matrix(composer: Composer, result: AssessedMap) -> None:
    """The error matrix as points, rows of the map; the table beside the findings shows it."""
    for place, label in enumerate(result.sample.labels, start=1):
        composer.fact(f"ground.{place}.label", label, "label", _SOURCE)
    for row, (label, counts) in enumerate(zip(result.sample.labels, result.accuracy.counts.tolist(), strict=True), start=1):
        composer.fact(f"matrix.{row}.label", label, "label", _SOURCE)
        for column, count in enumerate(counts, start=1):
            composer.fact(f"matrix.{row}.{column}", int(count), "count", _SOURCE)


def _say_sample(composer: Composer, result: AssessedMap) -> None:
    sample = result.sample
    for place, (stratum, points) in enumerate(zip(sample.strata, sample.points_drawn, strict=True), start=1):
        composer.fact(f"stratum.{place}.label", stratum.name, "label", _SOURCE)
        composer.fact(f"stratum.{place}.hectares", stratum.hectares, "ha", "map")
        composer.fact(f"stratum.{place}.points", points, "count", _SOURCE)
    roles = {
        "points": composer.fact("sample.points", len(sample.points), "count", _SOURCE),
        "strata": composer.fact("sample.strata", len(sample.strata), "count", _SOURCE),
        "by": composer.fact("sample.strata_by", f"strata_{sample.strata_by}", "word", _SOURCE),
        "seed": composer.fact("sample.seed", sample.seed, "", _SOURCE),
    }
    composer.say("technique", "accuracy_sample", **roles)
    missing = len(sample.points) - len(result.reference)
    if missing:
        composer.say("findings", "accuracy_unlabelled", missing=composer.fact("sample.unlabelled", missing, "count", _SOURCE))
    composer.say("technique", "accuracy_estimators")
    raters, images = (sorted({getattr(each, name) for each in _all(result)} - {""}) for name in ("rater", "image"))
    if raters:
        composer.say("technique", "accuracy_raters", raters=composer.fact("sample.raters", tuple(raters), "", _SOURCE))
    if images:
        composer.say("technique", "accuracy_images", images=composer.fact("sample.images", tuple(images), "", _SOURCE))
    seconds = [each.seconds for each in result.reference if each.seconds is not None]
    if seconds:
        composer.say("technique", "accuracy_seconds", median=composer.fact("sample.seconds", float(np.median(seconds)), "s", _SOURCE))


def _all(result: AssessedMap) -> Sequence[ReferenceLabel]:
    return (*result.reference, *result.second)


def _say_agreement(composer: Composer, agreement: Agreement | None) -> None:
    if agreement is None:
        return composer.say("limits", "accuracy_one_rater")
    roles = _interval(composer, "agreement.raw", agreement.raw, "rate")
    roles["points"] = composer.fact("agreement.points", agreement.points, "count", _SOURCE)
    if agreement.kappa is None:
        return composer.say("findings", "accuracy_agreement_raw", **roles)
    kappa = _interval(composer, "agreement.kappa", agreement.kappa, "score")
    return composer.say("findings", "accuracy_agreement", **roles, **{f"kappa_{role}": fact for role, fact in kappa.items()})
