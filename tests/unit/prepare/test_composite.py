"""Composites of several dates: against numpy's own median, and against the definition of a medoid."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from core.prepare.composite import composite_of

VALUES = np.random.default_rng(1).random((5, 3, 7, 6)).astype(np.float32)
VALID = np.random.default_rng(2).random((5, 7, 6)) > 0.4


@pytest.mark.parametrize("method", ["median", "medoid"])
def test_a_pixel_that_no_date_shows_is_no_value_and_counts_none(method: str) -> None:
    valid = VALID.copy()
    valid[:, 2, 3] = False
    made, count = composite_of(VALUES, valid, method)
    assert_array_equal(count, valid.sum(axis=0))
    assert np.isnan(made[:, 2, 3]).all()
    assert np.isfinite(made[:, count > 0]).all()


def test_the_median_is_that_of_the_valid_dates() -> None:
    made, count = composite_of(VALUES, VALID, "median")
    for row, column in np.argwhere(count > 0):
        seen = VALUES[VALID[:, row, column], :, row, column]
        assert_array_equal(made[:, row, column], np.median(seen, axis=0))


def test_the_medoid_is_the_date_nearest_to_all_others() -> None:
    made, count = composite_of(VALUES, VALID, "medoid")
    for row, column in np.argwhere(count > 0):
        seen = VALUES[VALID[:, row, column], :, row, column]
        apart = np.linalg.norm(seen[:, np.newaxis] - seen[np.newaxis], axis=2).sum(axis=1)
        assert_array_equal(made[:, row, column], seen[apart.argmin()])


def test_a_cloud_of_one_date_is_in_neither() -> None:
    values = np.full((5, 2, 4, 4), 0.1, np.float32) + np.linspace(0, 0.01, 5, dtype=np.float32)[:, None, None, None]
    values[2] = 0.9
    for method in ("median", "medoid"):
        assert composite_of(values, np.ones((5, 4, 4), bool), method)[0].max() < 0.12
