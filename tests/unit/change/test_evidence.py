"""How far two dates differ, and what became what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from core.areas.zonal_counts import ZonalCounts
from core.change.evidence import NODATA, total_variation, weigh
from core.change.transitions import pair_counts, pairs_of, transitions_of

EVERYWHERE = np.ones((6, 5), dtype=bool)


def distributions(seed: int, labels: int = 4) -> NDArray[np.float32]:
    """[labels, 6, 5], summing to 1."""
    return np.moveaxis(np.random.default_rng(seed).dirichlet(np.full(labels, 0.5), (6, 5)), -1, 0).astype(np.float32)


def test_certain_dates_of_two_classes_differ_by_one_and_equal_dates_by_nothing() -> None:
    forest, lake = np.zeros((2, 3, 1, 1), np.float32)
    forest[0], lake[2] = 1, 1
    assert total_variation(forest, lake).item() == 1.0
    assert total_variation(forest, forest).item() == 0.0


def test_the_score_is_the_largest_disagreement_on_any_set_of_classes() -> None:
    before, after = distributions(1), distributions(2)
    sets = [[bool(number >> bit & 1) for bit in range(4)] for number in range(16)]
    most = np.max([np.abs(before[chosen].sum(axis=0) - after[chosen].sum(axis=0)) for chosen in sets], axis=0)
    np.testing.assert_allclose(total_variation(before, after), most, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(first=st.integers(0, 10_000), second=st.integers(0, 10_000))
def test_exchanging_the_dates_exchanges_the_classes_and_nothing_else(first: int, second: int) -> None:
    forward = weigh(distributions(first), distributions(second), EVERYWHERE)
    backward = weigh(distributions(second), distributions(first), EVERYWHERE)
    assert_array_equal(forward.score, backward.score)
    assert_array_equal(forward.before, backward.after)
    assert_array_equal(forward.after, backward.before)
    assert forward.score.min() >= 0
    assert forward.score.max() <= 1


def test_where_one_date_has_no_data_nothing_is_said() -> None:
    valid = EVERYWHERE.copy()
    valid[2, 3] = False
    told = weigh(distributions(1), distributions(2), valid)
    assert np.isnan(told.score[2, 3])
    assert np.isnan(told.score).sum() == 1
    assert {each[2, 3] for each in (told.before, told.after)} == {NODATA}


LABELS = ("Forest", "Lake", "Town")


def counted(before: Any, after: Any) -> ZonalCounts:
    pairs, counts = pairs_of(np.array(before, np.uint8), np.array(after, np.uint8), len(LABELS)), pair_counts(LABELS)
    counts.add(pairs, np.full(pairs.shape, 0.01))
    return counts


def test_every_pair_that_occurs_is_counted_unchanged_ones_included() -> None:
    table = transitions_of(counted([[0, 0, 1], [NODATA, 2, 0]], [[0, 2, 1], [0, NODATA, 2]]), LABELS)
    pairs = {(each.before, each.after): each.pixels for each in table}
    assert pairs == {("Forest", "Forest"): 1, ("Forest", "Town"): 2, ("Lake", "Lake"): 1}
    assert [each.hectares for each in table] == pytest.approx([0.01, 0.02, 0.01])


def test_exchanging_the_dates_transposes_the_transitions() -> None:
    before, after = np.random.default_rng(5).integers(0, 3, (2, 40, 30))
    forward, backward = counted(before, after), counted(after, before)
    assert_array_equal(forward.pixels.reshape(3, 3), backward.pixels.reshape(3, 3).T)
    assert_array_equal(forward.hectares.reshape(3, 3), backward.hectares.reshape(3, 3).T)
