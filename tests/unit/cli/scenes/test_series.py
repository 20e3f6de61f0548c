"""`sightline series` on files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.unit.cli.running import Sightline
from tests.unit.readers.scenes.geotiff_files import write_geotiff


def test_a_series_of_three_dates_is_told_and_nothing_is_claimed(tmp_path: Path, sightline: Sightline) -> None:
    pixels = np.random.default_rng(0).integers(500, 4_000, (2, 64, 64)).astype(np.uint16)
    files = [write_geotiff(tmp_path / f"s_{year}0601.tif", pixels, descriptions=("B04", "B08")) for year in (2019, 2020, 2021)]
    ran = sightline("series", *files, "--at", "3", "4", "--out", tmp_path / "out", "--json")
    assert ran.status == 0
    assert (ran.json["index"], ran.json["breaks"], ran.json["tested"]) == ("ndvi", [], 0)
    assert [day["date"] for day in ran.json["dates"]] == ["2019-06-01", "2020-06-01", "2021-06-01"]
    assert {"areas_by_date.csv", "series.csv", "breaks.gpkg", "report.md", "report.pdf", "report.json"} <= {
        file.name for file in (tmp_path / "out").iterdir()
    }
    told = sightline("series", *files, "--out", tmp_path / "out")
    assert "No break is claimed" in told.out


def test_a_series_without_dates_or_of_one_scene_is_refused(tmp_path: Path, sightline: Sightline) -> None:
    pixels = np.full((2, 64, 64), 900, np.uint16)
    files = [write_geotiff(tmp_path / f"{name}.tif", pixels, descriptions=("B04", "B08")) for name in "ab"]
    for arguments, named in ((files, "--date"), (files[:1], "number of scenes")):
        ran = sightline("series", *arguments, "--out", tmp_path / "out")
        assert (ran.status, ran.out) == (2, "")
        assert named in ran.error
