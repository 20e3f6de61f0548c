"""`sightline composite`: from dates to one picture, and how many dates each pixel had."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate

from core.settings import PROJECT
from tests.unit.cli.running import Sightline
from tests.unit.readers.scenes.geotiff_files import write_geotiff

PUCALLPA = PROJECT.parent / "shared" / "data" / "geotiff" / "landsat-pucallpa-1985-2020"
SIZE = (700, 40)


@pytest.fixture
def dates(tmp_path: Path) -> list[Path]:
    """Three dates, the second white with cloud in its upper half, the third without data in its last row."""
    paths = []
    for number in range(3):
        pixels = np.full((2, *SIZE), 1000 + 10 * number, np.uint16)
        if number == 1:
            pixels[:, : SIZE[0] // 2] = 9000
        if number == 2:
            pixels[:, -1] = 0
        paths.append(write_geotiff(tmp_path / f"2020060{number + 1}.tif", pixels, descriptions=("B04", "B08"), nodata=0))
    return paths


@pytest.mark.parametrize("method", ["median", "medoid"])
def test_a_composite_and_its_count_are_whole_and_on_the_grid_of_the_dates(
    dates: list[Path], tmp_path: Path, sightline: Sightline, method: str
) -> None:
    ran = sightline("composite", *dates, "--method", method, "--scale", "0.0001", "--out", tmp_path / "out", "--json")
    assert ran.status == 0
    with rasterio.open(tmp_path / "out" / "composite.tif") as made, rasterio.open(dates[0]) as first:
        assert (made.shape, made.crs, made.transform, made.descriptions) == (SIZE, first.crs, first.transform, ("red", "near infrared"))
        values = made.read()
    with rasterio.open(tmp_path / "out" / "count.tif") as raster:
        count = raster.read(1)
    assert values.max() < 0.11
    assert (count[-1] == 2).all()
    assert (count[:-1] == 3).all()
    assert ran.json["mean_dates"] == pytest.approx(count.mean())
    assert cog_validate(tmp_path / "out" / "composite.tif")[0]


def test_other_dates_and_methods_are_refused(dates: list[Path], tmp_path: Path, sightline: Sightline) -> None:
    assert "2 to 50" in sightline("composite", dates[0], "--out", tmp_path / "out").error
    assert "medoid" in sightline("composite", *dates, "--method", "mean", "--out", tmp_path / "out").error
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not PUCALLPA.is_dir(), reason="needs ../shared/data/geotiff/landsat-pucallpa-1985-2020")
def test_eight_landsat_dates_make_one(tmp_path: Path, sightline: Sightline) -> None:
    scenes = sorted(PUCALLPA.glob("*.tif"))
    ran = sightline("composite", *scenes, "--out", tmp_path / "out", "--json")
    assert ran.status == 0
    assert ran.json["dates"] == [path.stem for path in scenes]
    assert ran.json["mean_dates"] > 7
