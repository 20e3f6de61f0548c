"""Series of dates: on one grid, by date, in places of interest, with their shifts, and with breaks where the dates carry them."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
from numpy.typing import NDArray
from rasterio.transform import Affine
from scipy.ndimage import gaussian_filter
from shapely.geometry import box

from core.errors import InputError, MissingBands, NoOverlap, OutOfRange
from core.readers import SceneOptions, read_scene
from core.types import Scene, SeriesResult
from core.workflows.dates import cells, placed
from core.workflows.dates.placed import place_dates
from core.workflows.dates.series_map import make_series
from core.workflows.dates.written import write_series_report
from tests.unit.readers.scenes.geotiff_files import write_geotiff
from tests.unit.workflows.land import table

GRID = Affine(10, 0, 448_000, 0, -10, 5_411_000)
SIDE, FIRST = 80, date(2019, 3, 1)
CUT = (slice(20, 40), slice(30, 60))
"""Rows and columns of forest that is felled between the ninth and the tenth date."""
FELLED = 9


def forest(number: int, rng: np.random.Generator, felled: bool) -> NDArray[np.uint16]:
    """[2, rows, columns]: red and near infrared, with haze of the day, and a cloud of zeros that wanders."""
    ndvi = 0.7 + 0.05 * np.sin(number) + gaussian_filter(np.random.default_rng(1).normal(0, 1, (SIDE, SIDE)), 2) * 0.1
    if felled:
        ndvi[CUT] -= 0.45
    ndvi = np.clip(ndvi + rng.normal(0, 0.02, (SIDE, SIDE)) + rng.normal(0, 0.03), -0.9, 0.95)
    pixels = np.stack([2_000 * (1 - ndvi), 2_000 * (1 + ndvi)]).astype(np.uint16)
    pixels[:, 5 * (number % 12) : 5 * (number % 12) + 8, :20] = 0
    return pixels


def dates(folder: Path, count: int, step: int = 40, **profile: Any) -> list[Scene]:
    rng, scenes = np.random.default_rng(2), []
    for number in range(count):
        day = FIRST + timedelta(days=step * number)
        told = {"descriptions": ("B04", "B08"), "transform": GRID, "nodata": 0, **profile}
        path = write_geotiff(folder / f"{day}.tif", forest(number, rng, number >= FELLED), **told)
        scenes.append(read_scene([path], SceneOptions(scale=1e-4, offset=0.0, date=day)))
    return scenes


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[Scene]:
    return dates(tmp_path_factory.mktemp("scenes"), 18)


@pytest.fixture(scope="module")
def made(scenes: Sequence[Scene], tmp_path_factory: pytest.TempPathFactory) -> SeriesResult:
    folder = tmp_path_factory.mktemp("series")
    drawn = [box(*GRID @ (30, 40), *GRID @ (60, 20)), box(*GRID @ (62, 70), *GRID @ (78, 50))]
    geopandas.GeoDataFrame({"name": ["felled", "kept"]}, geometry=drawn, crs="EPSG:32631").to_file(folder / "zones.gpkg")
    return make_series(scenes[::-1], folder / "out", zones=folder / "zones.gpkg", at=(70, 10))


def test_a_felled_forest_breaks_with_date_size_and_place(made: SeriesResult) -> None:
    assert [day.scene.date for day in made.dates] == sorted(day.scene.date for day in made.dates if day.scene.date)
    largest = made.breaks[0]
    ahead, behind = FIRST + timedelta(days=320), FIRST + timedelta(days=360)
    assert (largest.date_before, largest.date_after) == (ahead.isoformat(), behind.isoformat())
    assert largest.size == pytest.approx(-0.45, abs=0.05)
    assert largest.is_lasting and largest.days == 40 * 8 and largest.p <= 0.05
    assert largest.hectares == pytest.approx(20 * 30 * 0.01, rel=0.15)
    drawn = geopandas.read_file(made.breaks_file, layer="breaks")
    assert drawn.id.tolist() == [one.id for one in made.breaks]
    cut = box(*GRID @ (30, 40), *GRID @ (60, 20))
    assert drawn.geometry[0].intersection(cut).area / drawn.geometry[0].union(cut).area > 0.85
    assert sum(one.hectares for one in made.breaks[1:]) < 0.1


def test_areas_by_date_count_what_was_seen_and_have_no_interval(made: SeriesResult) -> None:
    rows = table(made.areas_file)
    assert list(rows[0]) == ["date", "name", "hectares", "low", "high", "valid_share"]
    assert [row["name"] for row in rows] == ["ndvi"] * 18
    assert {row["low"] + row["high"] for row in rows} == {""}
    areas = [float(row["hectares"]) for row in rows]
    assert areas[0] - areas[-1] == pytest.approx(20 * 30 * 0.01, abs=1.0)
    assert all(0.95 < float(row["valid_share"]) < 1 for row in rows)


def test_series_of_zones_and_of_a_pixel_are_told_by_date(made: SeriesResult, scenes: Sequence[Scene]) -> None:
    rows = table(made.series_file)
    assert list(rows[0]) == ["date", "id", "place", "name", "value", "valid_share"]
    told = {(row["date"], row["place"], row["name"]): row["value"] for row in rows}
    first, last = (scenes[place].when for place in (0, -1))
    assert float(told[last, "felled", "ndvi"]) - float(told[first, "felled", "ndvi"]) == pytest.approx(-0.45, abs=0.1)
    assert float(told[last, "kept", "ndvi"]) - float(told[first, "kept", "ndvi"]) == pytest.approx(0.0, abs=0.1)
    assert {place for _, place, _ in told} == {"felled", "kept", "pixel 70 10"}
    assert {name for _, _, name in told} == {"red", "near infrared", "ndvi"}
    from rasterio import open as opened

    with opened(scenes[0].files[0]) as raster:
        assert float(told[first, "pixel 70 10", "red"]) == pytest.approx(raster.read(1)[10, 70] * 1e-4, rel=1e-5)


@pytest.mark.parametrize("count", [2, 11])
def test_with_fewer_than_twelve_dates_no_break_is_claimed_and_that_is_said(tmp_path: Path, count: int) -> None:
    made, report, files = write_series_report(dates(tmp_path, count), tmp_path / "out")
    assert (made.tested, made.breaks) == (0, ())
    assert len(geopandas.read_file(made.breaks_file, layer="breaks")) == 0
    text = " ".join(sentence.text for sentence in report.sentences)
    assert "No break is claimed: that needs at least 12 valid dates" in text
    assert all(file.is_file() for file in files) and made.areas_file.is_file()


def test_a_report_tells_breaks_with_their_corrections(scenes: Sequence[Scene], tmp_path: Path) -> None:
    _, report, files = write_series_report(scenes, tmp_path / "out")
    text = files[0].read_text()
    assert "NDVI breaks on" in text and "corrected for the number of tests" in text
    assert "lasting to the last date" in text and "Holm 1979" in text
    assert report.kind == "series" and "2020" in text


def test_a_shift_is_measured_corrected_when_asked_and_told(tmp_path: Path) -> None:
    ground = gaussian_filter(np.random.default_rng(3).normal(0, 1, (180, 180)), 1.5) * 4_000 + 3_000
    scenes = []
    for number, right in enumerate((0, 2)):
        day = FIRST + timedelta(days=number)
        pixels = np.stack([np.roll(ground, right, axis=1)] * 2)[:, 10:170, 10:170].clip(1, 9_000).astype(np.uint16)
        path = write_geotiff(tmp_path / f"{day}.tif", pixels, descriptions=("B04", "B08"), transform=GRID)
        scenes.append(read_scene([path], SceneOptions(scale=1e-4, offset=0.0, date=day)))
    as_it_is = place_dates(scenes, ("red", "near infrared"), is_corrected=False)[1]
    assert as_it_is.shift == pytest.approx((2.0, 0.0), abs=0.15) and as_it_is.left is None
    corrected = place_dates(scenes, ("red", "near infrared"), is_corrected=True)[1]
    assert corrected.is_corrected and corrected.left is not None
    assert np.hypot(*corrected.left) < 0.3


def test_a_correction_that_does_not_shrink_the_shift_is_thrown_away(scenes: Sequence[Scene], monkeypatch: pytest.MonkeyPatch) -> None:
    told = iter([(1.5, 0.0), (1.2, 0.0)])
    monkeypatch.setattr(placed, "measure_shift", lambda *_: next(told))
    kept = place_dates(scenes[:2], ("red", "near infrared"), is_corrected=True)[1]
    assert (kept.shift, kept.left, kept.is_corrected) == ((1.5, 0.0), (1.2, 0.0), False)
    assert kept.scene.transform == scenes[0].transform


def test_memory_does_not_grow_with_the_number_of_dates(scenes: Sequence[Scene], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a date the means of cells are kept, at most 20,000, and nothing of its pixels."""
    monkeypatch.setattr(cells, "MOST_CELLS", 100)

    def peak(count: int) -> int:
        tracemalloc.start()
        make_series(scenes[:count], tmp_path / f"{count}")
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    peak(2)  # what is imported
    assert peak(11) < 1.2 * peak(4)


def test_what_is_no_series_is_refused_before_the_work(scenes: Sequence[Scene], tmp_path: Path) -> None:
    with pytest.raises(OutOfRange, match="number of scenes"):
        make_series(scenes[:1], tmp_path / "out")
    undated = read_scene([write_geotiff(tmp_path / "a.tif", np.full((2, 9, 9), 9, np.uint16), descriptions=("B04", "B08"), transform=GRID)])
    with pytest.raises(InputError, match="has no date"):
        make_series([scenes[0], undated], tmp_path / "out")
    with pytest.raises(MissingBands):
        make_series(scenes[:2], tmp_path / "out", index="nbr")
    with pytest.raises(OutOfRange, match="--index"):
        make_series(scenes[:2], tmp_path / "out", index="evi")
    with pytest.raises(OutOfRange, match="--at"):
        make_series(scenes[:2], tmp_path / "out", at=(SIDE, 0))
    (tmp_path / "far").mkdir()
    with pytest.raises(NoOverlap):
        make_series([scenes[0], *dates(tmp_path / "far", 1, transform=GRID @ Affine.translation(9_000, 0))], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_eight_landsat_dates_claim_nothing(shared_data: Path, tmp_path: Path) -> None:
    files = sorted((shared_data / "geotiff" / "landsat-pucallpa-1985-2020").glob("*.tif"))
    made = make_series([read_scene([file], SceneOptions()) for file in files], tmp_path / "out")
    assert len(made.dates) == 8 and (made.tested, made.breaks) == (0, ())
