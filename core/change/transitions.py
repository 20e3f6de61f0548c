"""What became what: every pair of classes as one number, so that pairs are counted and outlined like classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.areas.zonal_counts import ZonalCounts
from core.change.evidence import NODATA, Classes
from core.types import Transition

NO_PAIR = -1
"""Where there is no data, or where pairs are not asked for."""

Pairs = NDArray[np.int32]


def pairs_of(before: Classes, after: Classes, labels: int) -> Pairs:
    """before * labels + after, int32; -1 where one of them has no data. before, after: uint8 of any shape, 255 for no data."""
    valid = (before != NODATA) & (after != NODATA)
    return np.where(valid, before.astype(np.int32) * labels + after, NO_PAIR).astype(np.int32)


def pair_names(pair: int, labels: Sequence[str]) -> tuple[str, str]:
    """(before, after) of a pair."""
    before, after = divmod(pair, len(labels))
    return labels[before], labels[after]


def pair_counts(labels: Sequence[str]) -> ZonalCounts:
    """Counts pairs instead of classes."""
    return ZonalCounts(len(labels) ** 2)


def transitions_of(counts: ZonalCounts, labels: Sequence[str]) -> tuple[Transition, ...]:
    """Every pair that occurs, unchanged ones included, in the order of the labels."""
    return tuple(
        Transition(*pair_names(pair, labels), int(counts.pixels[pair]), float(counts.hectares[pair]))
        for pair in range(len(labels) ** 2)
        if counts.pixels[pair]
    )
