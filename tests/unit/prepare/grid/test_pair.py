"""Two dates as a change network reads them: the bands that both have, each by its own mean and deviation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from core.errors import MissingBands
from core.prepare.grid.pair import LARGEST_DEVIATIONS, Moments, Standard, pair_of, read_pair, standardised
from core.types import Domain, Preprocess
from tests.tiny_change import CHANNELS, built, field, scene_of

PREPROCESS = Preprocess(Domain.CHANGE, (32, 32), CHANNELS, "scene", ground_sample_distance_m=10.0)


def test_bands_that_one_date_lacks_are_left_out_of_both_and_named(tmp_path: Path) -> None:
    before = scene_of(tmp_path / "before.tif", field())
    after = scene_of(tmp_path / "after.tif", built(field()), bands=("B04", "B03", "B02"))
    pair = pair_of(before, after, PREPROCESS)
    assert pair.places == (0, 1, 2)
    assert [band.name for band in pair.after_bands] == ["B02", "B03", "B04"]
    assert pair.missing[0]["bands"] == ("near infrared", "short-wave infrared 1", "short-wave infrared 2")
    first, second, valid = read_pair(pair, (0, 0, 96, 104))
    assert first.shape == second.shape == (3, 104, 96)
    assert valid.all()
    assert_allclose(second[:, 50, 40], 0.4)


def test_bands_that_the_model_prefers_are_compared_alone_where_both_dates_have_them(tmp_path: Path) -> None:
    choosy = replace(PREPROCESS, preferred=("red", "green", "blue"))
    before = scene_of(tmp_path / "before.tif", field())
    pair = pair_of(before, scene_of(tmp_path / "after.tif", field()), choosy)
    assert (pair.places, pair.missing) == ((0, 1, 2), ())
    poor = pair_of(before, scene_of(tmp_path / "poor.tif", field(), bands=("B03", "B08", "B11")), choosy)
    assert poor.places == (1, 3, 4)
    assert poor.missing[0]["bands"][:2] == ("blue", "red")


def test_dates_without_a_common_band_are_refused(tmp_path: Path) -> None:
    before = scene_of(tmp_path / "before.tif", field(), bands=("B02",))
    after = scene_of(tmp_path / "after.tif", field(), bands=("B11",))
    with pytest.raises(MissingBands):
        pair_of(before, after, PREPROCESS)


def test_mean_and_deviation_do_not_depend_on_the_parts_and_leave_out_what_is_not_valid() -> None:
    values = np.random.default_rng(0).normal(0.2, 0.05, (2, 40, 30)).astype(np.float32)
    valid = np.ones((40, 30), dtype=bool)
    valid[:5] = False
    values[:, :5] = 99.0
    whole, parts = Moments(2), Moments(2)
    whole.add(values, valid)
    for top in range(0, 40, 7):
        parts.add(values[:, top : top + 7], valid[top : top + 7])
    assert_allclose(whole.standard().mean, values[:, 5:].mean(axis=(1, 2)), rtol=1e-5)
    assert_allclose(whole.standard().std, values[:, 5:].std(axis=(1, 2)), rtol=1e-4)
    assert_allclose(parts.standard().mean, whole.standard().mean, rtol=1e-6)


def test_nothing_valid_and_a_constant_band_give_zeros() -> None:
    nothing = Moments(1)
    nothing.add(np.ones((1, 2, 2), np.float32), np.zeros((2, 2), bool))
    assert nothing.standard().mean == 0.0
    constant = Moments(1)
    constant.add(np.full((1, 4, 4), 0.3, np.float32), np.ones((4, 4), bool))
    scaled = standardised(np.full((1, 4, 4), 0.3, np.float32), np.ones((4, 4), bool), constant.standard(), (0,), 1)
    assert np.abs(scaled).max() < 1e-2


def test_missing_bands_and_missing_pixels_are_zero_and_a_glint_is_clipped() -> None:
    standard = Standard(np.array([0.1, 0.2], np.float32), np.array([0.05, 0.05], np.float32))
    values = np.full((2, 2, 2), 0.2, np.float32)
    values[1, 0, 0] = 9.0
    valid = np.array([[True, True], [True, False]])
    scaled = standardised(values, valid, standard, (0, 2), 3)
    assert scaled.shape == (3, 2, 2)
    assert_array_equal(scaled[1], 0.0)
    assert_array_equal(scaled[:, 1, 1], 0.0)
    assert_allclose(scaled[0, 0], 2.0, rtol=1e-5)
    assert scaled[2, 0, 0] == LARGEST_DEVIATIONS
