"""The level of a pair of dates: one quantile of its own logits, held within what the training knew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from core.inference.scenes.offsets import BINS_A_LOGIT, REACH, LogitHistogram, LogitRows, held_level, levelled
from core.types import ChangeCalibration

PLAIN = ChangeCalibration(1.0, 0.0, 0.5)
LEVELLED = replace(PLAIN, level_quantile=0.5, lowest_level=-8.0, highest_level=-5.0)


def rows_of(logits: float, count: int = 3, spread: float = 1.0) -> list[LogitRows]:
    random = np.random.default_rng(1)
    valid = random.random((count, 4, 6)) < 0.9
    return [
        LogitRows(
            top=4 * place,
            scene_top=5 * place,
            valid=valid[place],
            share=valid[place].astype(np.float32),
            logits=np.where(valid[place], random.normal(logits, spread, (4, 6)), 99.0).astype(np.float32),
        )
        for place in range(count)
    ]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_the_quantile_is_that_of_all_that_was_added(share: float) -> None:
    logits = np.random.default_rng(0).normal(-6.0, 2.0, 30_001).astype(np.float32)
    levels = LogitHistogram()
    for part in np.array_split(logits, 7):
        levels.add(part, np.ones(len(part), dtype=bool))
    assert levels.quantile(share) == pytest.approx(float(np.quantile(logits, share)), abs=1 / BINS_A_LOGIT)


def test_what_is_not_known_does_not_count() -> None:
    levels = LogitHistogram()
    levels.add(np.array([1.0, np.nan, 1000.0], dtype=np.float32), np.array([True, False, False]))
    assert levels.quantile(0.5) == 1.0
    assert LogitHistogram().quantile(0.5) is None


def test_logits_beyond_the_reach_count_as_the_reach() -> None:
    levels = LogitHistogram()
    levels.add(np.array([1e6, np.inf, 1e3], dtype=np.float32), np.ones(3, dtype=bool))
    assert levels.quantile(0.5) == REACH


@pytest.mark.parametrize(("found", "held"), [(-6.5, -6.5), (-20.0, -8.0), (2.0, -5.0), (None, 0.0)])
def test_a_level_is_held_within_what_the_training_knew(found: float | None, held: float) -> None:
    assert held_level(found, LEVELLED) == held
    assert held_level(found, PLAIN) == 0.0


def test_rows_come_back_as_they_were_less_their_level() -> None:
    rows = rows_of(-6.0)
    known = np.concatenate([row.logits[row.share > 0] for row in rows])
    level = float(np.quantile(known, 0.5, method="inverted_cdf"))
    found = list(levelled(rows, LEVELLED))
    for back, row in zip(found, rows, strict=True):
        assert (back.top, back.scene_top) == (row.top, row.scene_top)
        assert_array_equal(back.valid, row.valid)
        assert_array_equal(back.share, row.share)
        assert_allclose(back.logits, row.logits - level, atol=1 / BINS_A_LOGIT)


def test_a_pair_that_is_alike_everywhere_is_not_raised() -> None:
    """Two copies of one image: every logit is very low, and stays below that of unchanged ground."""
    found = np.concatenate([row.logits[row.share > 0] for row in levelled(rows_of(-12.0, spread=0.1), LEVELLED)])
    assert found.max() < -3.0


def test_without_levels_rows_pass_as_they_come() -> None:
    asked: list[int] = []

    def one_by_one() -> Iterator[LogitRows]:
        for place, row in enumerate(rows_of(-6.0)):
            asked.append(place)
            yield row

    for calibration in (PLAIN, None):
        asked.clear()
        stream = levelled(one_by_one(), calibration)
        next(stream)
        assert asked == [0]
