"""Breaks of series: found where they were planted, and not where there are none."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ttest_ind

from core.change.breaks import FAMILY_ERROR, LEAST_DATES, find_breaks, largest_shift


def ground(rng: np.random.Generator, places: int, dates: int, *, alike: float = 0.4, season: float = 0.15) -> NDArray[np.float64]:
    """An index of ground that does not change: a level a place, a season that places share in part, noise that is alike on near dates."""
    time = np.arange(dates) / 9.0  # nine dates a year
    level, strength = rng.uniform(0.1, 0.8, (places, 1)), 1.0 + 0.3 * rng.normal(size=(places, 1))
    noise = rng.normal(0, 0.03, (places, dates))
    for date in range(1, dates):
        noise[:, date] = alike * noise[:, date - 1] + np.sqrt(1 - alike**2) * noise[:, date]
    haze = rng.normal(0, 0.05, dates)
    series = level + season * strength * np.sin(2 * np.pi * time) + haze + noise
    series[rng.random(series.shape) < 0.15] = np.nan  # clouds
    return np.asarray(series)


def test_ground_that_does_not_change_is_hardly_ever_said_to() -> None:
    alarms = [bool(find_breaks(ground(np.random.default_rng(seed), 120, 12 + seed % 25)).breaks) for seed in range(40)]
    assert np.mean(alarms) <= FAMILY_ERROR


def test_planted_breaks_are_found_with_date_size_and_place() -> None:
    rng = np.random.default_rng(3)
    series = ground(rng, 400, 30)
    series[:40, 17:] -= 0.45
    found = find_breaks(series).breaks
    places = {one.place for one in found}
    assert len(places & set(range(40))) >= 36
    assert not places - set(range(40))
    for one in found:
        assert one.before - 2 < 17 <= one.after + 2  # clouds widen what is known of its date
        assert one.size == pytest.approx(-0.45, abs=0.15)  # the season of a place is not taken off
        assert one.until is None and one.p <= FAMILY_ERROR
    assert np.median([one.size for one in found]) == pytest.approx(-0.45, abs=0.06)


def test_a_place_that_breaks_and_recovers_has_a_duration() -> None:
    rng = np.random.default_rng(4)
    series = ground(rng, 300, 48, season=0.05)
    series[:10, 14:32] -= 0.5
    found = find_breaks(series).breaks
    first = [one for one in found if one.size < 0 and abs(one.after - 14) <= 1]
    assert len({one.place for one in first}) >= 8
    assert all(one.until is not None and abs(one.until - 32) <= 1 for one in first)
    assert {one.place for one in found} <= set(range(10))


@pytest.mark.parametrize("dates", [2, 8, LEAST_DATES - 1])
def test_with_fewer_dates_nothing_is_claimed_however_large_the_break(dates: int) -> None:
    series = ground(np.random.default_rng(5), 200, dates)
    series[:, dates // 2 :] += 0.6 * (np.arange(200) < 60)[:, np.newaxis]
    found = find_breaks(series)
    assert (found.breaks, found.tested) == ((), 0)


def test_a_place_under_clouds_too_often_is_not_tested() -> None:
    series = ground(np.random.default_rng(6), 200, 20)
    series[:50, 10:] -= 0.5
    series[0, :9] = np.nan
    found = find_breaks(series)
    assert 0 not in {one.place for one in found.breaks} and {one.place for one in found.breaks} <= set(range(50))
    assert found.tested < 200


def test_what_all_ground_shares_is_no_break() -> None:
    series = ground(np.random.default_rng(7), 300, 24)
    series[:, 12:] += 0.4  # another sensor
    assert find_breaks(series).breaks == ()


def test_one_date_that_differs_is_no_break() -> None:
    series = ground(np.random.default_rng(8), 300, 24)
    series[:20, 11] -= 0.6  # a cloud shadow that nobody masked
    assert find_breaks(series).breaks == ()


def test_the_largest_shift_is_that_of_a_plain_t_test() -> None:
    values = np.random.default_rng(9).normal(0, 1, (1, 20))
    values[0, 8:14] += 2.0
    times, p, looked = largest_shift(values)
    by_hand = {}
    for first in range(3, 18):
        for last in (*range(first + 3, 18), 20):
            if last - first >= 3:
                inside, outside = values[0, first:last], np.delete(values[0], np.s_[first:last])
                by_hand[first, last] = ttest_ind(inside, outside).pvalue
    assert p[0] == pytest.approx(min(by_hand.values()))
    assert tuple(times[0]) == min(by_hand, key=lambda time: by_hand[time]) and looked[0] == len(by_hand)
