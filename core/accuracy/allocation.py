"""How many points a sample needs, and how many of them each stratum gets.

Olofsson et al. 2014, sections 5.1.1 and 5.1.2: the size follows from the interval that is wanted of overall accuracy; rare strata get a
fixed least number, and the rest goes by area.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.accuracy.intervals import Z
from core.errors import OutOfRange

EXPECTED_ACCURACY = 0.8
"""User's accuracy that is expected of a stratum of which nothing is known; a lower one asks for more points."""
LEAST_POINTS = 50
"""In a stratum, where it has as many pixels (Olofsson et al. 2014 advise 50 to 100)."""
MOST_POINTS = 100_000
"""Of a sample: nobody labels more."""


def points_needed(half_width: float, areas: Sequence[float], pixels: Sequence[int], expected: Sequence[float] | None = None) -> int:
    """The size of a sample whose 95 % interval of overall accuracy is plus or minus `half_width` (a share).

    areas: of the strata, in any unit; pixels: how many there are in each. expected: user's accuracy of each, EXPECTED_ACCURACY by default.
    Olofsson et al. 2014, equation 13 (Cochran 1977, equation 5.25). Raises OutOfRange for a width that is none.
    """
    if not 0.0 < half_width < 0.5:
        raise OutOfRange("--interval", half_width, "above 0 and below 0.5: the half width of the interval of overall accuracy")
    weights = np.asarray(areas, dtype=np.float64) / float(np.sum(areas))
    accuracy = np.full(len(weights), EXPECTED_ACCURACY) if expected is None else np.asarray(expected, dtype=np.float64)
    variance = accuracy * (1.0 - accuracy)
    wanted = (half_width / Z) ** 2
    size = float(weights @ np.sqrt(variance)) ** 2 / (wanted + float(weights @ variance) / float(np.sum(pixels)))
    return max(1, math.ceil(size - 1e-9))


def allocated(total: int, areas: Sequence[float], pixels: Sequence[int], least: int = LEAST_POINTS) -> tuple[int, ...]:
    """Points of each stratum: at least `least` in each, the rest by area; never more than it has pixels.

    total: of all strata; where it does not suffice for the least number of each, all get equally many. Sums to `total`, or to all pixels
    where there are fewer. Raises OutOfRange for fewer points than strata, or more than MOST_POINTS.
    """
    if not len(areas) <= total <= MOST_POINTS:
        raise OutOfRange("number of points", total, f"at least one for each of {len(areas)} strata, at most {MOST_POINTS:,}")
    held = np.asarray(pixels, dtype=np.int64)
    weights = np.asarray(areas, dtype=np.float64) / float(np.sum(areas))
    fixed = np.full(len(held), -1, dtype=np.int64)  # points of the strata that do not go by area
    floor = np.minimum(min(least, total // len(held)), held)
    for bound, is_beyond in ((floor, np.less), (held, np.greater)):
        while (beyond := (fixed < 0) & is_beyond(_by_area(total, weights, fixed), bound)).any():
            fixed[beyond] = bound[beyond]
    return tuple(int(points) for points in _whole(_by_area(total, weights, fixed), held, total))


def _by_area(total: int, weights: NDArray[np.float64], fixed: NDArray[np.int64]) -> NDArray[np.float64]:
    """What each stratum gets where some are fixed and the others share the rest by area."""
    is_free = fixed < 0
    if not is_free.any():
        return fixed.astype(np.float64)
    rest = max(0, total - int(fixed[~is_free].sum()))
    return np.where(is_free, rest * weights / float(weights[is_free].sum()), fixed)


def _whole(shares: NDArray[np.float64], held: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Whole points, at most those that are held, by the largest remainders."""
    whole = np.minimum(np.floor(shares + 1e-9).astype(np.int64), held)
    while (left := min(total, int(held.sum())) - int(whole.sum())) > 0:
        remainders = np.where(whole < held, shares - whole, -np.inf)
        more = np.argsort(-remainders, kind="stable")[:left]
        whole[more[whole[more] < held[more]]] += 1
    return whole
