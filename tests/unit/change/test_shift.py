"""How far two dates are shifted against each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from core.change.shift import measure_shift, shift_confidence
from core.prepare.grid.bands import resolve_bands
from core.types import Scene
from tests.unit.change.pairs import written

RGB = ("red", "green", "blue")


def land(seed: int, right: float = 0.0, down: float = 0.0) -> NDArray[np.uint16]:
    """[3, 200, 220] of smooth texture, moved by so many pixels."""
    texture = ndimage.gaussian_filter(np.random.default_rng(seed).normal(0.0, 1.0, (240, 260)), 1.5)
    moved = ndimage.shift(texture, (down, right), order=3, mode="wrap")[20:220, 20:240]
    return np.repeat((1500 + 2000 * moved)[np.newaxis], 3, axis=0).clip(1, 4000).astype(np.uint16)


def measured(before: Scene, after: Scene) -> tuple[float, float] | None:
    return measure_shift((before, resolve_bands(before, RGB)[0]), (after, resolve_bands(after, RGB)[0]))


def test_a_shift_of_parts_of_a_pixel_is_measured_whatever_the_light(tmp_path: Path) -> None:
    before = written(tmp_path / "before.tif", land(1))
    brighter = (land(1, right=1.3, down=-0.6) * 1.2 + 100).astype(np.uint16)
    assert measured(before, written(tmp_path / "after.tif", brighter)) == pytest.approx((1.3, -0.6), abs=0.1)


def test_a_date_is_not_shifted_against_itself(tmp_path: Path) -> None:
    scene = written(tmp_path / "one.tif", land(1))
    assert measured(scene, scene) == (0.0, 0.0)


def test_two_lands_without_likeness_have_no_shift(tmp_path: Path) -> None:
    assert measured(written(tmp_path / "a.tif", land(1)), written(tmp_path / "b.tif", land(2))) is None


@pytest.mark.parametrize("pixels", [np.full((3, 80, 90), 700, np.uint16), np.zeros((3, 80, 90), np.uint16), land(1)[:, :40, :40]])
def test_a_scene_without_texture_data_or_size_has_none(tmp_path: Path, pixels: NDArray[np.uint16]) -> None:
    scene = written(tmp_path / "one.tif", pixels)
    assert measured(scene, scene) is None


def test_a_rim_as_wide_as_the_shift_has_no_confidence_and_a_wide_area_keeps_most() -> None:
    assert shift_confidence(1.0, pixels=1 * 200, perimeter=2 * 201) == pytest.approx(0.0, abs=0.01)
    assert shift_confidence(1.0, pixels=20 * 20, perimeter=80) == pytest.approx(0.9)
    assert shift_confidence(0.0, pixels=4, perimeter=8) == 1.0
    falling = [shift_confidence(shift, pixels=36, perimeter=24) for shift in (0.0, 0.5, 1.0, 2.0, 9.0)]
    assert falling == sorted(falling, reverse=True) and falling[-1] == 0.0
