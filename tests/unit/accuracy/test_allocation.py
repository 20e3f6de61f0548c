"""How large a sample must be, and how it is spread over strata."""

from __future__ import annotations

import pytest

from core.accuracy.allocation import allocated, points_needed
from core.accuracy.intervals import Z
from core.errors import OutOfRange

# Olofsson et al. 2014, section 5.1: deforestation, forest gain, stable forest, stable non-forest, as pixels.
PIXELS = (200_000, 150_000, 3_200_000, 6_450_000)


def test_the_size_is_that_of_the_worked_example_of_olofsson_2014() -> None:
    """A standard error of 0.01 with user's accuracies of 0.70, 0.60, 0.90 and 0.95 asks for 641 points."""
    assert points_needed(Z * 0.01, PIXELS, PIXELS, (0.70, 0.60, 0.90, 0.95)) == 641


def test_half_the_width_asks_for_four_times_the_points() -> None:
    wide, narrow = (points_needed(width, PIXELS, PIXELS) for width in (0.04, 0.02))
    assert narrow == pytest.approx(4 * wide, rel=0.01)


def test_a_small_map_asks_for_fewer_points_than_it_has_pixels() -> None:
    assert points_needed(0.001, (1.0, 1.0), (40, 60)) <= 100


def test_rare_strata_get_the_least_number_and_the_others_go_by_area() -> None:
    """As the paper's second allocation, but for its rounding: 75, 75, 165 and 325 of 640."""
    assert allocated(640, PIXELS, PIXELS, least=75) == (75, 75, 162, 328)
    assert allocated(640, PIXELS, PIXELS, least=1) == (13, 9, 205, 413)


def test_no_stratum_gets_more_points_than_it_has_pixels() -> None:
    assert allocated(300, (1.0, 5000.0), (7, 50_000)) == (7, 293)
    assert allocated(300, (1.0, 2.0), (7, 20)) == (7, 20)


@pytest.mark.parametrize("total", [4, 10, 199, 200, 201, 997])
def test_all_points_are_given_away(total: int) -> None:
    given = allocated(total, PIXELS, PIXELS)
    assert sum(given) == total
    assert min(given) >= 1


@pytest.mark.parametrize("total", [0, 3, 100_001])
def test_too_few_and_too_many_points_are_refused(total: int) -> None:
    with pytest.raises(OutOfRange, match="number of points"):
        allocated(total, PIXELS, PIXELS)


@pytest.mark.parametrize("width", [0.0, -0.1, 0.5, float("nan")])
def test_an_interval_that_is_none_is_refused(width: float) -> None:
    with pytest.raises(OutOfRange, match="--interval"):
        points_needed(width, PIXELS, PIXELS)
