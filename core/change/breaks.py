"""Breaks in series of many dates: when a place changed its level, by how much and for how long, claimed only where the dates carry it.

Each place is tested for a time in which its mean differs from that before and after it (circular binary segmentation, Olshen et al. 2004:
of all such times the largest t, bounded by their number). Light, haze and season that all ground shares are taken off first, as the median
of the places on each date. What is left is not white: places differ in their season, and dates near in time are alike. So the statistics
are divided by how much larger those of the stable ground are than they would be by chance (genomic control, Devlin and Roeder 1999), and
the number of tests is corrected for by Holm 1979. What lies before, within and behind is tested again where it has dates enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

LEAST_DATES = 12
"""Valid dates of a place below which nothing is claimed of it."""
LEAST_SIDE = 3
"""Valid dates on either side of a break: fewer are a cloud that was missed."""
FAMILY_ERROR = 0.05
"""Chance that a series without any break is said to hold one, anywhere in it."""
LEAST_STD = 0.01
"""Of an index between dates, by noise of the sensor and of the atmosphere alone: no series is steadier than that."""
LEAST_SIZE = 0.05
"""Of an index: a smaller shift is none that an analyst would act on, however sure it is."""
STABLE_QUANTILES = (0.5, 0.75)
"""Of the statistics of all places: most ground is taken to be stable."""
SIMULATED = 2000
MOST_ROUNDS = 4

Series = NDArray[np.float64]


@dataclass(frozen=True)
class SeriesBreak:
    """A break of one place. place: its number. after: number of the first date behind it, `before` of the last one ahead of it.

    until: number of the date on which the next break of that place begins, None where the new level lasts to the last date.
    size: level after minus level before, in the unit of the series. p: after both corrections.
    """

    place: int
    before: int
    after: int
    until: int | None
    size: float
    p: float


@dataclass(frozen=True)
class BreakSearch:
    """What was found in all places. tested: places with dates enough. inflation: of the statistics of stable ground, 1 where by chance."""

    breaks: tuple[SeriesBreak, ...]
    tested: int
    inflation: float


def find_breaks(series: Series) -> BreakSearch:
    """series: float64 [places, dates] in the order of time, NaN where a date has no data.

    With fewer than LEAST_DATES dates nothing is found.
    """
    level = _without_common(series)
    spans = [(place, 0, series.shape[1]) for place in range(len(series))]
    spans = [span for span in spans if _count(level, span) >= LEAST_DATES]
    if not spans:
        return BreakSearch((), 0, 1.0)
    tested, inflation = len(spans), _inflation(level, spans)
    found: list[tuple[int, int, float]] = []  # place, first date behind, p
    allowed = FAMILY_ERROR
    for _ in range(MOST_ROUNDS):
        allowed /= 2.0  # of what is left, half a round, so that all rounds together keep to the whole
        claimed = _claimed(level, spans, inflation, allowed)
        parts = []
        for number, (first, last), p in claimed:
            place, begin, end = spans[number]
            found += [(place, edge, p) for edge in (first, last) if begin < edge < end]
            parts += [(place, begin, first), (place, first, last), (place, last, end)]
        spans = [part for part in parts if _count(level, part) >= LEAST_DATES]
        if not spans:
            break
    return BreakSearch(_described(level, found), tested, inflation)


def _without_common(series: Series) -> Series:
    """What all places share on a date (light, haze, season) taken off; the level of each place stays."""
    known = np.isfinite(series)
    common = np.array([np.median(column[held]) if held.any() else 0.0 for column, held in zip(series.T, known.T, strict=True)])
    return np.asarray(series - (common - np.median(common)))


def _count(level: Series, span: tuple[int, int, int]) -> int:
    place, first, last = span
    return int(np.isfinite(level[place, first:last]).sum())


def _cut(level: Series, spans: Sequence[tuple[int, int, int]]) -> Series:
    """[spans, dates]: each row has its own dates alone."""
    dates = np.arange(level.shape[1])
    first, last = (np.array([span[side] for span in spans])[:, np.newaxis] for side in (1, 2))
    return np.where((dates >= first) & (dates < last), level[[span[0] for span in spans]], np.nan)


def largest_shift(values: Series) -> tuple[NDArray[np.intp], Series, Series]:
    """Of each row of [places, dates] the time whose mean differs most from that of all other dates.

    Returns ((first date of it, first date behind it), two-sided p as if it were the only one, how many were looked at): int [places, 2],
    float64 [places] twice. A time that lasts to the last date is a single break.
    """
    known = np.isfinite(values)
    places, dates = values.shape
    ahead = np.pad(np.cumsum(known, axis=1), ((0, 0), (1, 0)))  # [places, dates + 1]: valid dates before each
    sums = np.pad(np.cumsum(np.where(known, values, 0.0), axis=1), ((0, 0), (1, 0)))
    total, whole = ahead[:, -1:], sums[:, -1:]
    squares = (np.where(known, values, 0.0) ** 2).sum(axis=1, keepdims=True)
    begins = np.pad(known, ((0, 0), (0, 1)), constant_values=True)  # a break stands before a date that has data
    freedom = np.maximum(total - 2, 1)
    highest, at, looked = np.zeros(places), np.zeros((places, 2), dtype=np.intp), np.zeros(places)
    for first in range(LEAST_SIDE, dates - LEAST_SIDE + 1):
        last = np.arange(first + LEAST_SIDE, dates + 1)
        inside, behind = ahead[:, last] - ahead[:, first : first + 1], total - ahead[:, last]
        is_time = (inside >= LEAST_SIDE) & ((behind == 0) & (last == dates) | (behind >= LEAST_SIDE)) & begins[:, last]
        is_time &= begins[:, first : first + 1] & (ahead[:, first : first + 1] >= LEAST_SIDE)
        mass = sums[:, last] - sums[:, first : first + 1]
        outside = total - inside
        with np.errstate(divide="ignore", invalid="ignore"):
            mean, other = mass / inside, (whole - mass) / outside
            rest = squares - inside * mean**2 - outside * other**2
            std = np.sqrt(np.maximum(rest / freedom, LEAST_STD**2))
            statistic = np.where(is_time, np.abs(mean - other) / (std * np.sqrt(1.0 / inside + 1.0 / outside)), 0.0)
        best = statistic.argmax(axis=1)
        value = statistic[np.arange(places), best]
        is_higher = value > highest
        highest = np.where(is_higher, value, highest)
        at[is_higher] = np.column_stack([np.full(places, first), last[best]])[is_higher]
        looked += is_time.sum(axis=1)
    p = 2.0 * student.sf(highest, freedom[:, 0])
    return at, np.clip(p, np.finfo(np.float64).tiny, 1.0), looked


def _inflation(level: Series, spans: Sequence[tuple[int, int, int]]) -> float:
    """How many times larger the squared statistics of stable ground are than those of white noise on as many dates."""
    _, p, _ = largest_shift(_cut(level, spans))
    _, by_chance, _ = largest_shift(np.random.default_rng(0).normal(0.0, 1.0, (SIMULATED, level.shape[1])))
    told, expected = (np.quantile(norm.isf(each / 2.0) ** 2, STABLE_QUANTILES) for each in (p, by_chance))
    return float(max(1.0, (told / expected).max()))


def _claimed(
    level: Series, spans: Sequence[tuple[int, int, int]], inflation: float, allowed: float
) -> list[tuple[int, tuple[int, int], float]]:
    """(number of the span, the time that differs in it, corrected p) of those where one is claimed."""
    values = _cut(level, spans)
    times, p, looked = largest_shift(values)
    p = np.minimum(1.0, looked * 2.0 * norm.sf(norm.isf(p / 2.0) / np.sqrt(inflation)))
    order = np.argsort(p, kind="stable")
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    claimed = np.flatnonzero((corrected <= allowed) & (looked > 0))
    told = [(int(number), (int(times[number, 0]), int(times[number, 1])), float(corrected[number])) for number in claimed]
    return [one for one in told if abs(_size(values[one[0]], one[1][0])) >= LEAST_SIZE]


def _size(row: Series, split: int) -> float:
    ahead, behind = row[:split][np.isfinite(row[:split])], row[split:][np.isfinite(row[split:])]
    return float(behind.mean() - ahead.mean()) if len(ahead) and len(behind) else 0.0


def _described(level: Series, found: Sequence[tuple[int, int, float]]) -> tuple[SeriesBreak, ...]:
    """Each break between the levels of its neighbours, by place and time."""
    by_place: dict[int, list[tuple[int, float]]] = {}
    for place, split, p in found:
        by_place.setdefault(place, []).append((split, p))
    told = []
    for place in sorted(by_place):
        breaks = sorted(by_place[place])
        edges = [0, *(split for split, _ in breaks), level.shape[1]]
        for number, (split, p) in enumerate(breaks):
            row = level[place]
            ahead = np.flatnonzero(np.isfinite(row[:split]))
            size = _size(row[edges[number] : edges[number + 2]], split - edges[number])
            until = edges[number + 2] if number + 1 < len(breaks) else None
            told.append(SeriesBreak(place, int(ahead[-1]), split, until, size, p))
    return tuple(told)
