"""Whether two raters say the same of the same points, and what counts where they do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.accuracy.intervals import Interval, sum_interval
from core.accuracy.sample import ReferenceLabel


@dataclass(frozen=True)
class Agreement:
    """Of points that both have labelled.

    raw: share on which they agree. kappa: Cohen's; None where chance alone would make them agree on every point.
    differing: ids of the points on which they do not.
    """

    points: int
    raw: Interval
    kappa: Interval | None
    differing: tuple[str, ...]


def agreement_of(first: Sequence[ReferenceLabel], second: Sequence[ReferenceLabel]) -> Agreement | None:
    """Of two raters, each with at most one label a point; None where they have no point in common.

    Cohen 1960, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20, 37-46. As there, the share on
    which chance alone would agree is taken as known; the interval is that of the raw agreement, so that it has a width where both agree
    on every point. Points count alike, whatever their stratum.
    """
    other = {each.id: each.label for each in second}
    both = [(each.id, each.label, other[each.id]) for each in first if each.id in other]
    if not both:
        return None
    names = sorted({label for _, *pair in both for label in pair})
    table = np.zeros((len(names), len(names)), dtype=np.int64)
    for _, one, two in both:
        table[names.index(one), names.index(two)] += 1
    raw = sum_interval(np.ones(1), np.array([np.trace(table)]), np.array([len(both)]))
    return Agreement(len(both), raw, _kappa(table, raw), tuple(point for point, one, two in both if one != two))


def _kappa(table: NDArray[np.int64], raw: Interval) -> Interval | None:
    chance = float(table.sum(axis=1) @ table.sum(axis=0)) / int(table.sum()) ** 2
    if chance >= 1.0:
        return None
    value, low, high = ((share - chance) / (1.0 - chance) for share in (raw.value, raw.low, raw.high))
    return Interval(value, low, high, raw.standard_error / (1.0 - chance))


def reference_of(first: Sequence[ReferenceLabel], second: Sequence[ReferenceLabel]) -> tuple[ReferenceLabel, ...]:
    """What counts: the first rater's label of each point, the second's where the first gives none."""
    told = {each.id for each in first}
    return (*first, *(each for each in second if each.id not in told))
