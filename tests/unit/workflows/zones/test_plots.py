"""Plots with a cut-off date: what lies there before it and after it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
from rasterio.transform import Affine
from shapely.geometry import box, shape

from core.change.methods.choose import bands_method
from core.errors import InputError, OutOfRange
from core.readers import SceneOptions, read_scene
from core.types import Scene
from core.workflows.change import detect_change
from core.workflows.zones.plots import PLOTS, parse_cutoff
from tests.unit.readers.scenes.geotiff_files import write_geotiff

GRID = Affine(10, 0, 448_000, 0, -10, 5_411_000)
SIDE, BURNT = 60, 30
"""Columns to the left of BURNT have burnt between the dates."""
CUTOFF = date(2020, 12, 31)


def at(left: float, top: float, right: float, bottom: float) -> shapely.Polygon:
    """A box of pixels on the ground."""
    return box(*GRID @ (left, bottom), *GRID @ (right, top))


PLOTS_DRAWN = {
    "burnt": at(2, 2, 20, 20),
    "green": at(40, 2, 58, 20),
    "half": at(20, 30, 40, 50),
    "away": at(-80, 30, 10, 50),
    "earlier": at(2, 22, 20, 28),
}


@pytest.fixture(scope="module")
def dates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, Scene]:
    folder = tmp_path_factory.mktemp("scenes")
    green = np.full((2, SIDE, SIDE), 800, np.uint16)
    green[1] = 4_000
    burnt = green.copy()
    burnt[:, :, :BURNT] = np.array([2_500, 1_000])[:, None, None]
    made = []
    for pixels, day in ((green, date(2019, 6, 1)), (burnt, date(2022, 6, 1))):
        path = write_geotiff(folder / f"{day}.tif", pixels, descriptions=("B12", "B08"), transform=GRID)
        made.append(read_scene([path], SceneOptions(scale=1e-4, offset=0.0, date=day)))
    return made[0], made[1]


@pytest.fixture(scope="module")
def plots_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plots") / "plots.gpkg"
    cutoffs = [None, None, None, None, "2010-01-01"]
    told = {"name": list(PLOTS_DRAWN), "cutoff": cutoffs}
    geopandas.GeoDataFrame(told, geometry=list(PLOTS_DRAWN.values()), crs="EPSG:32631").to_file(path)
    return path


@pytest.fixture(scope="module")
def written(dates: tuple[Scene, Scene], plots_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    detect_change(*dates, bands_method("index", "nbr", "", None), out, zones=plots_file, cutoff=CUTOFF)
    return out


@pytest.fixture(scope="module")
def plots(written: Path) -> dict[str, dict[str, Any]]:
    return {feature["properties"]["name"]: feature for feature in json.loads((written / PLOTS).read_text())["features"]}


def test_a_plot_is_unchanged_changed_or_mixed_and_mixed_ones_are_flagged(plots: dict[str, dict[str, Any]]) -> None:
    told = {name: (one["properties"]["state"], one["properties"]["is_mixed"]) for name, one in plots.items()}
    assert told["burnt"] == ("changed", False)
    assert told["green"] == ("unchanged", False)
    assert told["half"] == ("mixed", True)
    assert plots["half"]["properties"]["changed_share"] == pytest.approx(0.5)
    assert plots["half"]["properties"]["cutoff"] == "2020-12-31"


def test_of_a_plot_that_was_hardly_seen_or_whose_date_lies_elsewhere_nothing_is_told(plots: dict[str, dict[str, Any]]) -> None:
    for name, why in (("away", "no data"), ("earlier", "one side")):
        told = plots[name]["properties"]
        assert (told["state"], told["changed_hectares"]) == ("not told", None)
        assert why in told["reason"]
    assert plots["earlier"]["properties"]["cutoff"] == "2010-01-01"
    assert plots["away"]["properties"]["seen_share"] == pytest.approx(10 / 90, abs=1e-3)


def test_geojson_has_six_decimals_of_a_degree_and_rings_that_turn_left(plots: dict[str, dict[str, Any]], written: Path) -> None:
    corners = [number for one in plots.values() for ring in one["geometry"]["coordinates"] for point in ring for number in point]
    assert corners and all(number == round(number, 6) for number in corners)
    assert all(shape(one["geometry"]).exterior.is_ccw for one in plots.values())
    found = geopandas.read_file(written / PLOTS)
    assert found.crs.to_epsg() == 4326
    back = found.set_index("name").to_crs(32631).geometry
    for name, drawn in PLOTS_DRAWN.items():
        assert back[name].symmetric_difference(drawn).area < 0.002 * drawn.area
    assert [one["id"] for one in plots.values()] == [1, 2, 3, 4, 5]


def test_zones_of_two_dates_have_their_state_in_the_geopackage(written: Path) -> None:
    told = geopandas.read_file(written / "zones.gpkg", layer="zones").set_index("zone")
    assert list(told.state) == ["changed", "unchanged", "mixed", "not told", "changed"]
    assert told.changed_hectares["half"] == pytest.approx(2.0, rel=2e-3)  # 200 pixels of 10 m
    assert told.hectares["half"] == pytest.approx(4.0, rel=2e-3)


def test_a_cut_off_date_needs_plots_and_dates(dates: tuple[Scene, Scene], plots_file: Path, tmp_path: Path) -> None:
    method = bands_method("index", "nbr", "", None)
    with pytest.raises(InputError, match="--cutoff asks for plots"):
        detect_change(*dates, method, tmp_path / "out", cutoff=CUTOFF)
    undated = read_scene([write_geotiff(tmp_path / "a.tif", np.full((2, 9, 9), 9, np.uint16), descriptions=("B12", "B08"), transform=GRID)])
    with pytest.raises(InputError, match="has no date"):
        detect_change(undated, dates[1], method, tmp_path / "out", zones=plots_file, cutoff=CUTOFF)
    with pytest.raises(OutOfRange, match="--cutoff"):
        parse_cutoff("31.12.2020")
    assert not (tmp_path / "out").exists()


def test_a_clipped_change_ends_at_its_zones(dates: tuple[Scene, Scene], plots_file: Path, written: Path, tmp_path: Path) -> None:
    made = detect_change(*dates, bands_method("index", "nbr", "", None), tmp_path / "out", zones=plots_file, clip=True)
    assert (tmp_path / "out" / "zones.csv").read_text() == (written / "zones.csv").read_text()
    assert made.changed_pixels == 18 * 18 + 10 * 20 + 10 * 20 + 18 * 6
    assert made.polygons[0].window[0] >= 0
    assert {polygon.window for polygon in made.polygons} == {(2, 2, 18, 18), (20, 30, 10, 20), (0, 30, 10, 20), (2, 22, 18, 6)}


def test_confidence_falls_with_the_measured_shift_and_stands_beside_each_polygon(
    dates: tuple[Scene, Scene], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {}
    for shift in (None, 0.0, 1.0):
        monkeypatch.setattr("core.change.detect.shift_between", lambda *_, shift=shift: shift)
        made = detect_change(*dates, bands_method("index", "nbr", "", None), tmp_path / f"{shift}")
        told[shift] = [polygon.confidence for polygon in made.polygons]
        written = geopandas.read_file(made.polygons_file, layer="changes").confidence.tolist()
        assert shift is None or written == told[shift]
    assert told[None] == [None]
    assert told[0.0] == [1.0]
    assert told[1.0] == pytest.approx([1 - 180 / (2 * 1800)])  # 30 x 60 pixels
