"""From which score on two dates count as different.

The total variation of class probabilities has a scale of its own. The distance of embeddings has none that is known beforehand, but most of
a scene does not change, so its usual distance is that of light, season and noise: what lies far above the median, measured by the median
absolute deviation (Hampel 1974; Iglewicz and Hoaglin 1993), is change. A floor holds where the dates hardly differ at all, a ceiling where
nearly everything changed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.change.evidence import STEPS
from core.types import FloatImage

CLASS_THRESHOLD = 0.6
"""Total variation from which classes count as different: the dates disagree on most of what they believe. Means over four tiles are less
sure of themselves than single ones: on the bundled pair this finds 92 % of what changed, where 0.7 of single tiles found 93 %."""
DEVIATIONS = 6.0
"""Robust standard deviations above the median from which embeddings count as different."""
LEAST_DISTANCE, MOST_DISTANCE = 0.2, 0.9
"""Cosine distances below which embeddings never count as different, and from which they always do: a scene may have changed all over."""
NORMAL_DEVIATION = 1.4826
"""A standard deviation of a normal distribution, in median absolute deviations."""


class ScoreHistogram:
    """Counts scores in [low, high] at the steps that they are stored in, strip by strip; NaN does not count."""

    def __init__(self, low: float = 0.0, high: float = 1.0) -> None:
        self._low = low
        self._counts = np.zeros(round((high - low) * STEPS) + 1, dtype=np.int64)

    def add(self, score: FloatImage) -> None:
        """score: float32 of any shape."""
        known = score[np.isfinite(score)]
        self._counts += np.bincount(np.rint((known - self._low) * STEPS).astype(np.intp), minlength=len(self._counts))

    def unusual(self, deviations: float = DEVIATIONS) -> float:
        """The median and so many robust standard deviations, within LEAST_DISTANCE and MOST_DISTANCE."""
        if not self._counts.any():
            return LEAST_DISTANCE
        values = self.values
        middle = _median(values, self._counts)
        spread = NORMAL_DEVIATION * _median(np.abs(values - middle), self._counts)
        return min(MOST_DISTANCE, max(LEAST_DISTANCE, middle + deviations * spread))

    def otsu(self, otherwise: float) -> float:
        """The score that parts all scores into two groups of the least spread each (Otsu 1979); `otherwise` where they are all alike."""
        if np.count_nonzero(self._counts) < 2:
            return otherwise
        from skimage.filters import threshold_otsu  # here, since few comparisons are by a threshold of their own

        below = threshold_otsu(hist=(self._counts, self.values))  # type: ignore[no-untyped-call]
        above = self.values[(self._counts > 0) & (self.values > below)][0]
        return float((below + above) / 2)  # between the groups, any score parts them alike

    @property
    def count(self) -> int:
        """Scores that were counted."""
        return int(self._counts.sum())

    def share_from(self) -> NDArray[np.float64]:
        """For each of `values`, the share of the scores that reach it."""
        return np.asarray(self._counts[::-1].cumsum()[::-1] / max(self.count, 1), dtype=np.float64)

    def share_below(self) -> NDArray[np.float64]:
        """For each of `values`, the share of the scores below it."""
        return 1.0 - self.share_from()

    @property
    def values(self) -> NDArray[np.float64]:
        """Every score that is told from its neighbours, from the lowest to the highest."""
        return self._low + np.arange(len(self._counts)) / STEPS


def _median(values: NDArray[np.float64], counts: NDArray[np.int64]) -> float:
    order = np.argsort(values, kind="stable")
    below = np.cumsum(counts[order])
    return float(values[order][np.searchsorted(below, below[-1] / 2)])
