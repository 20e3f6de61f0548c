"""The level of a pair of dates: what a change network says of ground that did not change there.

Seasons, light and air differ from pair to pair, and with them the logits of everything that is as it was. Most of a scene did not
change between two dates, so a quantile of its own logits tells that level, and taking it away lets one threshold serve all pairs. It is
held within what it was in the cities of the training: two copies of one image have nothing to raise, and where most of a scene was built
over the quantile is change itself. training/RESULTS.md has what it gained.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from core.types import ChangeCalibration, FloatImage, Mask

BINS_A_LOGIT = 64
"""The quantile is known to a sixty-fourth of a logit."""
REACH = 40
"""Logits beyond this, either way, count as this."""


class LogitHistogram:
    """Counts of logits, so that a scene of any size has its quantile."""

    def __init__(self) -> None:
        self._counts = np.zeros(2 * REACH * BINS_A_LOGIT + 1, dtype=np.int64)

    def add(self, logits: NDArray[np.float32], known: NDArray[np.bool_]) -> None:
        """The logits where `known`, which has their shape; they are finite there."""
        held = np.clip(logits[known], -REACH, REACH)
        self._counts += np.bincount(np.rint((held + REACH) * BINS_A_LOGIT).astype(np.int64), minlength=len(self._counts))

    def quantile(self, share: float) -> float | None:
        """The least logit that at least `share` of all are not above; None where there are none."""
        total = int(self._counts.sum())
        if total == 0:
            return None
        return float(np.searchsorted(np.cumsum(self._counts), share * total)) / BINS_A_LOGIT - REACH


def held_level(found: float | None, calibration: ChangeCalibration) -> float:
    """What is taken from the logits of a pair whose quantile is `found`; 0 for a calibration without levels."""
    if found is None or calibration.level_quantile is None:
        return 0.0
    return float(np.clip(found, calibration.lowest_level, calibration.highest_level))


@dataclass(frozen=True)
class LogitRows:
    """Finished rows of a pair's lattice, which come from top to bottom: as core.inference.scenes.strips.TokenRows, with logits for probs.

    share, logits: float32 [rows, columns]; where the share is 0 a logit means nothing.
    """

    top: int
    scene_top: int
    valid: Mask
    share: FloatImage
    logits: FloatImage


def levelled(
    rows: Iterable[LogitRows],
    calibration: ChangeCalibration | None,
    known: float | None = None,
    tell: Callable[[float], None] = lambda level: None,
) -> Iterator[LogitRows]:
    """The rows with the level of all of them taken from their logits. tell: told that level, before the first row comes.

    known: the level where it is known before, as that of the whole of which these rows are a part. Else a calibration with levels must see
    every row first: they wait in a temporary file, nine bytes a pixel of the scene.
    """
    if calibration is None or calibration.level_quantile is None or known is not None:
        level = known or 0.0
        tell(level)
        yield from (replace(row, logits=row.logits - np.float32(level)) for row in rows)
        return
    levels, count = LogitHistogram(), 0
    with tempfile.TemporaryFile() as file:
        for row in rows:
            levels.add(row.logits, row.share > 0)
            for value in vars(row).values():
                np.save(file, value)
            count += 1
        level = held_level(levels.quantile(calibration.level_quantile), calibration)
        tell(level)
        file.seek(0)
        for _ in range(count):
            top, scene_top, valid, share, logits = (np.load(file) for _ in fields(LogitRows))
            yield LogitRows(int(top), int(scene_top), valid, share, logits - np.float32(level))
