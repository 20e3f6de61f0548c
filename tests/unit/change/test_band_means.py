"""What the bands say of a polygon: means over the pixels in its box that changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.change import band_means as means_of_bands
from core.change.band_means import band_means
from core.errors import MissingBands
from tests.unit.change.pairs import BLOCK, SIZE, written
from tests.unit.readers.scenes.geotiff_files import write_geotiff

RED_AND_NEAR = ("B04", "B08")
COLOURS = ("red", "near infrared")


def values(red: int, near: int) -> np.ndarray:
    noise = np.random.default_rng(red).integers(0, 100, (2, *SIZE))
    return (np.array((red, near))[:, None, None] + noise).astype(np.uint16)


@pytest.mark.parametrize("at_once", [1_000_000, 7])
def test_they_are_means_of_reflectance_where_it_changed(tmp_path: Path, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(means_of_bands, "_PIXELS", at_once)
    first, second = values(400, 4000), values(900, 1200)
    before, after = (written(tmp_path / f"{name}.tif", pixels, descriptions=RED_AND_NEAR) for name, pixels in (("a", first), ("b", second)))
    changed = np.zeros((1, *SIZE), np.uint8)
    changed[0][BLOCK] = 1
    raster = write_geotiff(tmp_path / "change.tif", changed, nodata=255)
    found = band_means(before, after, COLOURS, raster, (0, 0, SIZE[1], SIZE[0]))
    assert found.pixels == int(changed.sum())
    np.testing.assert_allclose(found.before, [band[BLOCK].mean() * 1e-4 for band in first], rtol=1e-5)
    np.testing.assert_allclose(found.after, [band[BLOCK].mean() * 1e-4 for band in second], rtol=1e-5)


def test_a_box_without_change_has_no_means_and_a_band_that_is_not_there_is_named(tmp_path: Path) -> None:
    scene = written(tmp_path / "a.tif", values(400, 4000), descriptions=RED_AND_NEAR)
    raster = write_geotiff(tmp_path / "change.tif", np.zeros((1, *SIZE), np.uint8), nodata=255)
    found = band_means(scene, scene, COLOURS, raster, (0, 0, 4, 4))
    assert found.pixels == 0 and np.isnan(found.before).all()
    with pytest.raises(MissingBands, match="green"):
        band_means(scene, scene, ("green",), raster, (0, 0, 4, 4))
