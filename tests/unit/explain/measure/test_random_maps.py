"""Random maps as smooth as a map."""

from __future__ import annotations

import numpy as np
import pytest

from core.explain.measure.random_maps import LENGTHS, nearest_length, random_maps, smoothness

GRID = (10, 12)


@pytest.mark.parametrize("length", LENGTHS)
def test_a_field_is_taken_for_one_of_its_own_length_most_often(length: float) -> None:
    others = random_maps(GRID, length, 30, seed=9)
    assert np.mean([nearest_length(field) == length for field in others]) >= 0.6


def test_longer_fields_are_smoother_and_all_repeat_with_their_seed() -> None:
    usual = [smoothness(random_maps(GRID, length, 200, 0)).mean() for length in LENGTHS]
    assert usual == sorted(usual) and abs(usual[0]) < 0.05 and usual[-1] > 0.8
    np.testing.assert_array_equal(random_maps(GRID, LENGTHS[2], 5, 3), random_maps(GRID, LENGTHS[2], 5, 3))
    assert (random_maps(GRID, LENGTHS[2], 5, 3) != random_maps(GRID, LENGTHS[2], 5, 4)).any()


def test_a_flat_map_is_as_rough_as_noise() -> None:
    assert smoothness(np.ones((1, 4, 4), np.float32))[0] == 0.0
    assert nearest_length(np.ones(GRID, np.float32)) == LENGTHS[0]


def test_only_order_counts() -> None:
    field = random_maps(GRID, LENGTHS[1], 1, 0)
    np.testing.assert_allclose(smoothness(field), smoothness(np.exp(5.0 * field)))
