"""Areas and accuracy of a map from a stratified sample.

Olofsson et al. 2014, "Good practices for estimating area and assessing accuracy of land change", Remote Sensing of Environment 148, 42-57,
where the strata are the classes of the map; Stehman 2014, "Estimating area and map accuracy for stratified random sampling when the strata
are different from the map classes", International Journal of Remote Sensing 35, 4923-4939, where they are not. The second holds the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.accuracy.intervals import Hits, Interval, ratio_interval, sum_interval

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class ClassAccuracy:
    """What the sample says of one class.

    area: share of the whole area that is of the class on the ground. users: of what is mapped as the class, the share that is of it;
    producers: of what is of the class, the share that is mapped so; f1: their harmonic mean. None where the sample cannot tell.
    """

    label: str
    area: Interval
    users: Interval | None
    producers: Interval | None
    f1: Interval | None


@dataclass(frozen=True)
class Accuracy:
    """What a sample says of a map.

    matrix: float64 [classes on the map, classes on the ground], estimated shares of the whole area, summing to 1.
    counts: int64 of the same shape, points.
    """

    overall: Interval
    classes: tuple[ClassAccuracy, ...]
    matrix: NDArray[np.float64]
    counts: Counts


def accuracy_of(counts: Counts, areas: Sequence[float], labels: Sequence[str], mapped: NDArray[np.float64] | None = None) -> Accuracy:
    """Estimates of one map.

    counts: int [strata, classes on the map, classes on the ground], labelled points; at least one in each stratum.
    areas: of the strata, in any unit. labels: of the classes.
    mapped: float [strata, classes], area of each class on the map in each stratum, in that unit; where it is not given nothing is known of
    what the map shows beside the sample, and intervals are wider.
    Equations of Stehman 2014: 3 and 14 (area), 12 (overall), 18, 19 (user's), 22, 23 (producer's), 24 (cells of the matrix).
    Raises ValueError for a stratum without a point.
    """
    points = counts.sum(axis=(1, 2))
    if (points < 1).any():
        raise ValueError("a stratum has no labelled point")
    weights = np.asarray(areas, dtype=np.float64) / float(np.sum(areas))
    shown = np.full(counts.shape[:2], True) if mapped is None else np.asarray(mapped) > 0.0
    not_all = np.full(counts.shape[:2], True) if mapped is None else np.asarray(mapped) < np.asarray(mapped).sum(axis=1, keepdims=True)
    right = np.trace(counts, axis1=1, axis2=2)
    return Accuracy(
        overall=sum_interval(weights, right, points),
        classes=tuple(
            _of_class(counts, weights, points, place, label, shown[:, place], not_all[:, place]) for place, label in enumerate(labels)
        ),
        matrix=np.asarray(np.tensordot(weights / points, counts, axes=1), dtype=np.float64),
        counts=counts.sum(axis=0),
    )


def _of_class(
    counts: Counts,
    weights: NDArray[np.float64],
    points: Counts,
    place: int,
    label: str,
    shown: NDArray[np.bool_],
    not_shown: NDArray[np.bool_],
) -> ClassAccuracy:
    """shown, not_shown: bool [strata], whether some, or not all, of each stratum is mapped as the class."""
    on_ground, on_map, both = counts[:, :, place].sum(axis=1), counts[:, place].sum(axis=1), counts[:, place, place]
    missed, falsely = on_ground - both, on_map - both
    return ClassAccuracy(
        label,
        area=sum_interval(weights, on_ground, points),
        users=ratio_interval(weights, points, Hits(both, falsely, shown, shown)),
        producers=ratio_interval(weights, points, Hits(both, missed, shown, not_shown)),
        f1=ratio_interval(weights, points, Hits(both, missed + falsely, shown, shown | not_shown, factor=2.0)),
    )
