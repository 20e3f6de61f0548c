"""95 % intervals of sums of shares over strata, and of ratios of two such sums, that hold in rare strata too.

The interval of value plus or minus 1.96 standard errors has no width where no error was observed, and covers far too seldom in small
strata. Here each stratum has the exact binomial interval of its share (Clopper and Pearson 1934, Biometrika 26, 404-413), and the
intervals of the strata are put together by the distances of their limits from the estimate (Zou, Huang and Zhang 2009, "A note on
confidence interval estimation for a linear function of binomial proportions", Computational Statistics and Data Analysis 53, 1080-1085;
for ratios Donner and Zou 2012, Statistical Methods in Medical Research 21, 347-359).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

_Floats = NDArray[np.float64]

LEVEL = 0.95
"""Of every interval."""
Z = 1.959963984540054
"""Standard errors to either side of a normal interval of that level."""
_PSEUDO_COUNT = 0.5
"""Added to each kind of point before the correlation of two of them is estimated, so that none is taken for impossible unseen."""


@dataclass(frozen=True)
class Interval:
    """An estimate, its 95 % interval, and its standard error, all of one unit; the error is NaN where a stratum has a single point."""

    value: float
    low: float
    high: float
    standard_error: float

    def times(self, factor: float) -> Interval:
        """The same in another unit. factor: above 0."""
        return Interval(*(factor * number for number in (self.value, self.low, self.high, self.standard_error)))


def share_limits(counts: NDArray[np.integer], points: NDArray[np.integer]) -> tuple[_Floats, _Floats]:
    """(lower, upper) limit of the share behind each count, arrays of any one shape. points: at least 1.

    Clopper and Pearson 1934, as quantiles of beta distributions.
    """
    tail = (1.0 - LEVEL) / 2.0
    counts, points = np.broadcast_arrays(counts, points)
    with np.errstate(all="ignore"):
        low = betaincinv(np.maximum(counts, 1), points - counts + 1, tail)
        high = betaincinv(counts + 1, np.maximum(points - counts, 1), 1.0 - tail)
    return np.where(counts == 0, 0.0, low), np.where(counts == points, 1.0, high)


def sum_interval(weights: _Floats, counts: NDArray[np.integer], points: NDArray[np.integer]) -> Interval:
    """Of the sum over strata of weight times share.

    weights: float64 [strata], shares of the whole area. counts: int [strata], points that count; points: int [strata], at least 1 each.
    Standard error: Stehman 2014, equation 25 (Olofsson et al. 2014, equations 5 and 10), without the finite population correction, which
    could only make it smaller.
    """
    shares = counts / points
    low, high = share_limits(counts, points)
    value = float(weights @ shares)
    return Interval(
        value,
        max(0.0, value - _root_of_squares(weights * (shares - low))),
        min(float(weights.sum()), value + _root_of_squares(weights * (high - shares))),
        _root_of_squares(weights * _deviations(shares - shares**2, points)),
    )


@dataclass(frozen=True)
class Hits:
    """What the points of each stratum say of one class, as a ratio: factor x hits / (factor x hits + misses).

    hits: int [strata], points that are of the class on the map and on the ground. misses: points that speak against it: of the class on
    the ground alone for producer's accuracy, on the map alone for user's, either for F1, where factor is 2.
    may_hit, may_miss: bool [strata], whether either is possible at all, as the map itself tells: where no pixel of a stratum is mapped as
    the class there can be no hit, and none that was not looked at either.
    """

    hits: NDArray[np.integer]
    misses: NDArray[np.integer]
    may_hit: NDArray[np.bool_]
    may_miss: NDArray[np.bool_]
    factor: float = 1.0


def ratio_interval(weights: _Floats, points: NDArray[np.integer], counted: Hits) -> Interval | None:
    """Of a ratio; None where the sample holds neither a hit nor a miss. weights, points: as of sum_interval.

    Combined ratio estimator and its standard error: Stehman 2014, equations 27 and 28; where strata are the map's classes these are
    equations 2, 3, 6 and 7 of Olofsson et al. 2014.
    """
    shares = [np.asarray(each / points, dtype=np.float64) for each in (counted.hits, counted.misses)]
    falls, rises = zip(_distances(counted.hits, points, counted.may_hit), _distances(counted.misses, points, counted.may_miss), strict=True)
    hits, misses = (float(weights @ share) for share in shares)
    if hits == misses == 0.0:
        return None
    value = counted.factor * hits / (counted.factor * hits + misses)
    together = _correlation(counted.hits, counted.misses, points)
    lowest = _least_odds(hits, misses, weights * falls[0], weights * rises[1], together)
    highest = _least_odds(misses, hits, weights * falls[1], weights * rises[0], together)
    return Interval(
        value,
        counted.factor * lowest / (counted.factor * lowest + 1.0),
        counted.factor / (counted.factor + highest),
        _ratio_error(weights, points, shares, counted.factor, value, counted.factor * hits + misses),
    )


def _least_odds(first: float, second: float, falls: _Floats, rises: _Floats, together: _Floats) -> float:
    """The lower limit of first / second, where both are sums over strata.

    falls: how far each stratum's part of `first` may lie below its estimate; rises: that of `second` above. together: minus the correlation
    of both in a stratum. The least t with (first - t second)^2 = sum of falls^2 + 2 t together falls rises + t^2 rises^2.
    """
    spread, cross, far = float(falls @ falls), float(together @ (falls * rises)), float(rises @ rises)
    constant, middle, leading = first**2 - spread, first * second + cross, second**2 - far
    root = math.sqrt(max(0.0, middle**2 - leading * constant))
    return max(0.0, constant) / (middle + root) if middle + root > 0.0 else 0.0


def _distances(counts: NDArray[np.integer], points: NDArray[np.integer], is_possible: NDArray[np.bool_]) -> tuple[_Floats, _Floats]:
    """How far the lower and the upper limit of each stratum's share lie from its estimate."""
    share = counts / points
    low, high = share_limits(counts, points)
    return share - low, np.where(is_possible, high - share, 0.0)


def _correlation(first: NDArray[np.integer], second: NDArray[np.integer], points: NDArray[np.integer]) -> _Floats:
    """Minus the correlation of the shares of two kinds of points; 1 where there is no third kind, so that one is what the other is not."""
    p, q = ((each + _PSEUDO_COUNT) / (points + 3.0 * _PSEUDO_COUNT) for each in (first, second))
    return np.where(first + second == points, 1.0, np.sqrt(p * q / ((1.0 - p) * (1.0 - q))))


def _ratio_error(
    weights: _Floats, points: NDArray[np.integer], shares: list[_Floats], factor: float, ratio: float, denominator: float
) -> float:
    """Stehman 2014, equation 28: the spread of y - R x in each stratum, y = factor x hit and x = factor x hit + miss."""
    of_hit, of_miss = factor * (1.0 - ratio), -ratio
    mean = of_hit * shares[0] + of_miss * shares[1]
    spread = of_hit**2 * shares[0] + of_miss**2 * shares[1] - mean**2
    return _root_of_squares(weights * _deviations(spread, points)) / denominator


def _deviations(spread: _Floats, points: NDArray[np.integer]) -> _Floats:
    """Standard errors of means. spread: mean of squares less square of the mean."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(points > 1, np.sqrt(np.maximum(spread, 0.0) / (points - 1)), np.nan)


def _root_of_squares(parts: _Floats) -> float:
    return float(np.sqrt(parts @ parts))
