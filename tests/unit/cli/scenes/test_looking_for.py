"""`sightline change --looking-for`: what somebody looks for picks the way; on a real fire it finds what burned."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio

from core.change.goals import GOALS
from tests.unit.cli.running import Sightline
from tests.unit.readers.scenes.geotiff_files import write_geotiff

FIRE = Path(__file__).resolve().parents[5] / "shared" / "data" / "geotiff" / "fire-sentinel2-california"
BANDS = ("B02", "B03", "B04", "B08", "B11", "B12")


@pytest.fixture
def dates(tmp_path: Path) -> list[Path]:
    pixels = np.random.default_rng(2).integers(500, 3000, (len(BANDS), 40, 40)).astype(np.uint16)
    after = pixels.copy()
    after[3, :20] //= 4
    return [write_geotiff(tmp_path / f"{year}.tif", each, descriptions=BANDS) for year, each in ((2019, pixels), (2021, after))]


@pytest.mark.parametrize(
    ("goal", "method", "index"),
    [("burn", "index", "nbr"), ("water", "index", "ndwi"), ("vegetation-loss", "index", "ndvi"), ("anything", "mad", None)],
)
def test_what_is_looked_for_picks_the_way(
    dates: list[Path], tmp_path: Path, sightline: Sightline, goal: str, method: str, index: str | None
) -> None:
    ran = sightline("change", *dates, "--looking-for", goal, "--out", tmp_path / "out", "--scale", "0.0001", "--json")
    assert ran.status == 0
    assert ran.err.startswith(f"sightline: Looking for {goal}: --method {method}")
    parameters = json.loads((tmp_path / "out" / "report.json").read_text())["parameters"]
    assert (parameters["method"], parameters.get("index")) == (method, index)
    assert ran.json["pairs"][0]["changed_pixels"] > 0


def test_greening_is_no_loss_of_vegetation(dates: list[Path], tmp_path: Path, sightline: Sightline) -> None:
    ran = sightline(
        "change", *reversed(dates), "--looking-for", "vegetation-loss", "--out", tmp_path / "out", "--scale", "0.0001", "--json"
    )
    lost = ran.json["pairs"][0]["changed_pixels"]
    ran = sightline(
        "change", *reversed(dates), "--method", "index", "--index", "ndvi", "--out", tmp_path / "out", "--scale", "0.0001", "--json"
    )
    assert lost == 0 < ran.json["pairs"][0]["changed_pixels"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--looking-for", "gold"), ", ".join(GOALS)),
        (("--looking-for", "burn", "--method", "mad"), "not both"),
        (("--looking-for", "burn", "--model", "land-cover"), "Leave --model out"),
    ],
)
def test_what_does_not_go_together_is_refused(
    dates: list[Path], tmp_path: Path, sightline: Sightline, options: tuple[str, ...], said: str
) -> None:
    ran = sightline("change", *dates, *options, "--out", tmp_path / "out")
    assert ran.status == 2
    assert said in ran.error


@pytest.mark.skipif(not FIRE.is_dir(), reason="needs ../shared/data/geotiff/fire-sentinel2-california")
def test_a_real_fire_is_found_within_its_perimeter(tmp_path: Path, sightline: Sightline) -> None:
    scenes = FIRE / "2024-before.tif", FIRE / "2024-after.tif"
    ran = sightline("change", *scenes, "--looking-for", "burn", "--scale", "0.0001", "--out", tmp_path / "out", "--json")
    assert ran.status == 0
    with rasterio.open(tmp_path / "out" / "change.tif") as change, rasterio.open(FIRE / "burned.tif") as perimeter:
        found, burned = change.read(1) == 1, perimeter.read(1) == 1
    f1 = 2 * (found & burned).sum() / (found.sum() + burned.sum())
    assert f1 > 0.92
    hectares = {each["severity"]: each["hectares"] for each in ran.json["pairs"][0]["severities"]}
    assert hectares["low severity"] > hectares["moderate-low severity"] > hectares["high severity"] >= 0
