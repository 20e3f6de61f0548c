"""Strata of a map and the points drawn in them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import shapely
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine
from scipy.stats import chisquare

from core.accuracy.strata import NOWHERE, StrataStrip, ZonesOnGrid, buffered, count_strata, draw_places
from core.areas.pixels import row_hectares
from core.areas.zones import Zone

GENERATOR = np.random.default_rng(11)
STRATA = np.where(GENERATOR.random((60, 50)) < 0.05, 0, 1).astype(np.int32)
STRATA[:4] = NOWHERE
MAPPED = np.where(STRATA == NOWHERE, NOWHERE, GENERATOR.integers(0, 3, STRATA.shape)).astype(np.int32)


def strips(rows: int) -> Iterator[StrataStrip]:
    for top in range(0, len(STRATA), rows):
        yield StrataStrip(top, STRATA[top : top + rows], MAPPED[top : top + rows])


def alike(top: int, rows: int) -> NDArray[np.float64]:
    return np.full((rows, STRATA.shape[1]), 0.01)


def test_every_pixel_of_a_stratum_is_counted_with_its_class() -> None:
    counts = count_strata(strips(7), alike, 2, 3)
    assert_array_equal(counts.pixels, [(STRATA == 0).sum(), (STRATA == 1).sum()])
    assert counts.hectares[1, 2] == pytest.approx(0.01 * ((STRATA == 1) & (MAPPED == 2)).sum())


def test_points_lie_in_their_stratum_once_and_carry_the_class_of_the_map() -> None:
    places = draw_places(strips(7), alike, (20, 40), seed=1)
    assert len({(place.row, place.column) for place in places}) == 60
    assert sorted(place.stratum for place in places) == [0] * 20 + [1] * 40
    for place in places:
        assert STRATA[place.row, place.column] == place.stratum and MAPPED[place.row, place.column] == place.mapped


def test_a_seed_gives_the_same_points_however_the_map_is_cut_and_another_seed_others() -> None:
    assert draw_places(strips(7), alike, (20, 40), seed=1) == draw_places(strips(60), alike, (20, 40), seed=1)
    assert draw_places(strips(7), alike, (20, 40), seed=1) != draw_places(strips(7), alike, (20, 40), seed=2)


def test_the_order_of_points_does_not_tell_their_strata() -> None:
    order = [place.stratum for place in draw_places(strips(7), alike, (20, 40), seed=1)]
    assert order != sorted(order) and order != sorted(order, reverse=True)


def test_a_stratum_of_which_all_is_wanted_is_taken_whole() -> None:
    rare = int((STRATA == 0).sum())
    places = draw_places(strips(7), alike, (rare, 0), seed=1)
    assert {(place.row, place.column) for place in places} == set(zip(*np.nonzero(STRATA == 0), strict=True))


def test_a_pixel_is_drawn_with_a_chance_that_goes_with_its_ground() -> None:
    """On a grid of degrees from 0 to 80 degrees north a pixel at the top covers less than a quarter of one at the bottom."""
    height = 16
    hectares = row_hectares(CRS.from_epsg(4326), Affine(5.0, 0, 0, 0, -5.0, 80.0), 40, height)
    zeros = np.zeros((height, 40), dtype=np.int32)
    drawn = [place.row for seed in range(300) for place in draw_places([StrataStrip(0, zeros, zeros)], hectares, (5,), seed)]
    expected = hectares(0, height).sum(axis=1)
    assert expected[0] < expected[-1] / 4
    assert chisquare(np.bincount(drawn, minlength=height), len(drawn) * expected / expected.sum()).pvalue > 0.01


def test_the_buffer_surrounds_change_and_no_data_is_in_no_stratum() -> None:
    states = np.zeros((9, 9), dtype=np.uint8)
    states[4, 4], states[0, 0] = 1, 255
    strata = buffered(states, 2, 0, 9)
    assert strata[4, 4] == 0 and strata[4, 6] == 1 and strata[4, 7] == 2 and strata[6, 6] == 2 and strata[0, 0] == NOWHERE
    assert_array_equal(buffered(states[2:], 2, 2, 3), strata[4:7])


def test_without_change_there_is_nothing_around_it() -> None:
    assert (buffered(np.zeros((3, 3), dtype=np.uint8), 2, 0, 3) == 2).all()


def test_a_pixel_is_in_the_first_zone_that_holds_its_centre() -> None:
    transform = Affine(10.0, 0, 500_000, 0, -10.0, 4_000_000)
    zones = [Zone("a", shapely.box(500_000, 3_999_970, 500_020, 4_000_000)), Zone("b", shapely.box(500_000, 3_999_970, 500_040, 4_000_000))]
    whole = ZonesOnGrid(zones, transform).rows(0, 4, 6)
    assert_array_equal(whole[0], [0, 0, 1, 1, 2, 2])
    assert_array_equal(whole[3], [2] * 6)
    assert_array_equal(ZonesOnGrid(zones, transform).rows(2, 2, 6), whole[2:])
