"""`--clouds`: a cloud is no change, and the first line says what was masked, or that nothing was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.unit.cli.running import Sightline
from tests.unit.readers.scenes.geotiff_files import write_geotiff

SIZE = (40, 50)
CLOUD = (slice(4, 14), slice(10, 30))


@pytest.fixture
def dates(tmp_path: Path) -> list[Path]:
    """Two dates that differ by a cloud on the second alone."""
    pixels = np.random.default_rng(0).integers(900, 1100, (2, *SIZE)).astype(np.uint16)
    pixels[1] += 2500
    later = pixels.copy()
    later[:, *CLOUD] = 8000
    scenes = ((2020, pixels), (2021, later))
    return [write_geotiff(tmp_path / f"{year}0601.tif", each, descriptions=("B04", "B08")) for year, each in scenes]


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    cloud = np.zeros((1, *SIZE), np.uint8)
    cloud[0, *CLOUD] = 1
    return write_geotiff(tmp_path / "mask.tif", cloud)


def compare(sightline: Sightline, dates: list[Path], out: Path, *more: object) -> tuple[int, str, dict[str, object]]:
    ran = sightline("change", *dates, "--method", "index", "--index", "ndvi", "--scale", "0.0001", "--out", out, "--json", *more)
    assert ran.status == 0
    return ran.json["pairs"][0]["changed_pixels"], ran.err.splitlines()[0], json.loads((out / "report.json").read_text())


def test_a_cloud_that_nobody_masks_is_change_and_the_first_line_says_so(dates: list[Path], tmp_path: Path, sightline: Sightline) -> None:
    changed, first, _ = compare(sightline, dates, tmp_path / "out")
    assert changed == 10 * 20
    assert "Clouds not masked" in first


def test_a_masked_cloud_is_no_change_and_no_data(dates: list[Path], mask: Path, tmp_path: Path, sightline: Sightline) -> None:
    changed, first, report = compare(sightline, dates, tmp_path / "out", "--clouds", "none", "--clouds", mask)
    assert changed == 0
    assert "20210601" in first or "Clouds not masked" in first
    assert "by the mask that was given: 10.0 %" in json.dumps(report)
    with rasterio.open(tmp_path / "out" / "change.tif") as raster:
        change = raster.read(1)
    assert (change[CLOUD] == 255).all()
    assert (change == 255).sum() == 200


def test_a_composite_counts_what_is_not_cloud(dates: list[Path], mask: Path, tmp_path: Path, sightline: Sightline) -> None:
    ran = sightline("composite", *dates, "--scale", "0.0001", "--clouds", "none", "--clouds", mask, "--out", tmp_path / "out")
    assert ran.status == 0
    with rasterio.open(tmp_path / "out" / "count.tif") as raster:
        count = raster.read(1)
    assert (count[CLOUD] == 1).all()
    assert (count == 1).sum() == 200


def test_three_masks_of_two_dates_are_refused(dates: list[Path], tmp_path: Path, sightline: Sightline) -> None:
    ran = sightline("composite", *dates, "--out", tmp_path / "out", "--clouds", "none", "--clouds", "none", "--clouds", "none")
    assert "--clouds" in ran.error
