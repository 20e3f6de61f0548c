"""One picture of a period out of several dates: what a pixel looked like most, without the clouds of single days.

The median is taken band by band, so that a pixel may be a mixture of dates; the medoid is the date whose pixel is nearest to those of all
others (Flood 2013, "Seasonal Composite Landsat TM/ETM+ Images Using the Medoid"), so that its bands belong together.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from core.types import FloatImage, Mask

MEDIAN, MEDOID = "median", "medoid"
COMPOSITES = (MEDIAN, MEDOID)


def composite_of(values: FloatImage, valid: Mask, method: str) -> tuple[FloatImage, NDArray[np.uint8]]:
    """values: reflectance, float32 [dates, bands, rows, columns]. valid: bool [dates, rows, columns], where each date has data.

    Returns float32 [bands, rows, columns], NaN where no date has data; and how many have, uint8 [rows, columns].
    """
    count = valid.sum(axis=0).astype(np.uint8)
    known = np.where(valid[:, np.newaxis], values, np.float32(np.nan))
    made = _median(known) if method == MEDIAN else _medoid(known, valid)
    return np.where(count > 0, made, np.float32(np.nan)).astype(np.float32), count


def _median(known: FloatImage) -> FloatImage:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="All-NaN slice encountered")  # where no date has data
        return np.asarray(np.nanmedian(known, axis=0), dtype=np.float32)


def _medoid(known: FloatImage, valid: Mask) -> FloatImage:
    """Of dates that are as near to the others, the first."""
    distances = np.zeros(valid.shape, dtype=np.float32)  # [dates, rows, columns]: the sum of a date's distances to the others
    for one in range(len(known)):
        for other in range(one + 1, len(known)):
            apart = np.nan_to_num(np.sqrt(np.square(known[one] - known[other]).sum(axis=0)))
            distances[one] += apart
            distances[other] += apart
    distances[~valid] = np.inf
    chosen = distances.argmin(axis=0)  # [rows, columns]
    return np.asarray(np.take_along_axis(known, chosen[np.newaxis, np.newaxis], axis=0)[0], dtype=np.float32)
