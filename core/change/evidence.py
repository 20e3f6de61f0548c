"""What two dates say of each pixel: how far they differ, and which class each of them sees.

Everything here is the same when the dates are exchanged, but for what is named before and after: a score is a distance, and each date has
the classes of its own map. So exchanging the dates transposes the table of transitions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.types import FloatImage, Mask

NODATA = 255
"""Class index where one of the dates has no data."""

STEPS = 4096
"""Scores are kept in steps of 1/4096: finer ones are noise, and noise neither compresses nor tells anything."""

Classes = NDArray[np.uint8]


@dataclass(frozen=True)
class Evidence:
    """A strip of the common grid, before it is decided what counts as change. Axes: [rows, columns].

    score: float32 in steps of 1/4096, how far the dates differ, in [0, 1] unless its method says otherwise; NaN where one has no data.
    before, after: uint8, the most probable class of each date, 255 where one of them has no data.
    """

    score: FloatImage
    before: Classes
    after: Classes


def total_variation(before: FloatImage, after: FloatImage) -> FloatImage:
    """Half the sum of absolute differences of two distributions, in [0, 1]: the most that two dates disagree on any set of classes.

    before, after: float32 [labels, rows, columns], summing to 1 over labels. Returns float32 [rows, columns].
    """
    total = np.zeros(before.shape[1:], dtype=np.float32)
    for first, second in zip(before, after, strict=True):  # label by label, so that no third array of that size is held
        total += np.abs(first - second)
    return np.asarray(np.clip(total / 2, 0.0, 1.0), dtype=np.float32)


def weigh(before: FloatImage, after: FloatImage, valid: Mask, score: FloatImage | None = None) -> Evidence:
    """The evidence of one strip.

    before, after: class probabilities, float32 [labels, rows, columns]. valid: bool [rows, columns], where both dates have data.
    score: another distance of the dates, float32 [rows, columns] in [0, 1]; the total variation of their classes by default.
    """
    distance = total_variation(before, after) if score is None else score
    first, second = before.argmax(axis=0), after.argmax(axis=0)
    return Evidence(
        score=np.where(valid, np.rint(distance * STEPS) / STEPS, np.nan).astype(np.float32),
        before=np.where(valid, first, NODATA).astype(np.uint8),
        after=np.where(valid, second, NODATA).astype(np.uint8),
    )


def is_changed(score: FloatImage, threshold: float, before: Classes | None = None, after: Classes | None = None) -> Mask:
    """Where the dates differ: bool [rows, columns]; never where one of them has no data.

    before, after: where given, a pixel has changed only if its classes differ too. Where the score of such a pixel falls short, one of the
    dates is not sure of its class, and a doubt is not a change.
    """
    found = np.nan_to_num(score, nan=-1.0) >= threshold
    return found if before is None or after is None else found & (before != after)
