"""`sightline map` and `sightline change`: from arguments to files; what the files hold is tested where they are made."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from rasterio.transform import from_origin

from tests.unit.cli.running import Sightline, write_scene
from tests.unit.readers.scenes.geotiff_files import write_geotiff

MAP = {
    "landcover.tif",
    "landcover.tif.aux.xml",
    "landcover.qml",
    "confidence.tif",
    "outside.tif",
    "uncertainty.tif",
    "unstable.tif",
    "areas.csv",
    "classes.gpkg",
}
CHANGE = {"change.tif", "change_score.tif", "changes.gpkg", "transitions.csv"}
REPORT = {"report.md", "report.pdf", "report.json"}
SIDE = 64


@pytest.fixture
def scenes(tmp_path: Path) -> list[Path]:
    """Three dates of one place; the second half of the scene differs from date to date."""
    same = np.random.default_rng(0).integers(100, 2700, (3, SIDE, SIDE)).astype(np.uint16)
    paths = []
    for date in range(3):
        pixels = same.copy()
        pixels[:, :, SIDE // 2 :] = pixels[:, :, SIDE // 2 :] // (1 + date) + 300 * date
        paths.append(write_geotiff(tmp_path / f"{date}.tif", pixels, descriptions=("B04", "B03", "B02")))
    return paths


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_a_map_leaves_its_files_and_one_object(scenes: list[Path], tmp_path: Path, cover_model: Path, sightline: Sightline) -> None:
    out = tmp_path / "out"
    ran = sightline("map", scenes[0], "--model", cover_model, "--out", out, "--date", "2019-06-15", "--min-area", 0.5, "--json")
    assert ran.status == 0
    assert names(out) >= MAP | REPORT
    assert ran.json["path"] == str(scenes[0])
    assert sum(area["pixels"] for area in ran.json["areas"]) == ran.json["valid_pixels"] == SIDE * SIDE
    with (out / "areas.csv").open() as file:
        assert [row["class"] for row in csv.DictReader(file)] == ran.json["labels"]
    told = json.loads((out / "report.json").read_text())
    assert {"tile", "overlap", "runtime", "precision"} <= set(told["parameters"])
    assert "2019-06-15" in (out / "report.md").read_text()


def digital_numbers(path: Path, seed: int = 0) -> Path:
    """A scene in digital numbers of Sentinel-2, stored as floats without a scale."""
    values = np.random.default_rng(seed).uniform(8, 9_580, (3, SIDE, SIDE))
    return write_geotiff(path, values, descriptions=("B04", "B03", "B02"))


def test_a_map_of_digital_numbers_says_first_that_the_scale_is_missing(tmp_path: Path, cover_model: Path, sightline: Sightline) -> None:
    scene = digital_numbers(tmp_path / "a.tif")
    ran = sightline("map", scene, "--model", cover_model, "--out", tmp_path / "out")
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert ran.status == 0
    assert "--scale" in ran.err.splitlines()[0]
    assert " ha" not in ran.out
    assert told["withheld"] in ran.out
    ran = sightline("map", scene, "--model", cover_model, "--out", tmp_path / "again", "--scale", "0.0001")
    assert "--scale" not in ran.err
    assert "scale" not in (json.loads((tmp_path / "again" / "report.json").read_text())["withheld"] or "")


def test_change_of_digital_numbers_says_first_that_the_scale_is_missing(tmp_path: Path, cover_model: Path, sightline: Sightline) -> None:
    dates = [digital_numbers(tmp_path / f"{seed}.tif", seed) for seed in (1, 2)]
    ran = sightline("change", *dates, "--model", cover_model, "--out", tmp_path / "out")
    assert "--scale" in ran.err.splitlines()[0]
    assert "--scale" in json.loads((tmp_path / "out" / "report.json").read_text())["withheld"]
    assert " ha" not in ran.out


def test_an_offset_that_may_be_missing_is_a_warning_of_the_first_lines(tmp_path: Path, cover_model: Path, sightline: Sightline) -> None:
    values = np.random.default_rng(0).integers(1_000, 2_700, (3, SIDE, SIDE)).astype(np.uint16)
    scene = write_geotiff(tmp_path / "a.tif", values, descriptions=("B04", "B03", "B02"))
    ran = sightline("map", scene, "--model", cover_model, "--out", tmp_path / "out")
    assert any("--offset -0.1" in line for line in ran.err.splitlines()[:3])
    assert "--offset -0.1" not in sightline("map", scene, "--model", cover_model, "--out", tmp_path / "out2", "--offset", "0").err


@pytest.mark.parametrize(
    ("crs", "step"), [("+proj=longlat +a=3396190 +b=3376200 +no_defs", 0.001), ("EPSG:32631", 78_000.0)], ids=["Mars", "78 km"]
)
def test_neither_another_planet_nor_pixels_of_78_km_are_mapped_or_compared(
    tmp_path: Path, cover_model: Path, sightline: Sightline, crs: str, step: float
) -> None:
    scene = write_scene(tmp_path / "a.tif", rows=SIDE, columns=SIDE, crs=crs, transform=from_origin(10.0, 10.0, step, step))
    for arguments in (("map", scene), ("change", scene, scene)):
        ran = sightline(*arguments, "--model", cover_model, "--out", tmp_path / "out")
        assert ran.status == 2
        assert "a.tif" in ran.error
        assert not (tmp_path / "out").exists() or not names(tmp_path / "out")


def test_every_assumption_of_a_map_goes_to_standard_error_and_into_the_report(
    scenes: list[Path], tmp_path: Path, cover_model: Path, sightline: Sightline
) -> None:
    ran = sightline("map", scenes[0], "--model", cover_model, "--out", tmp_path / "out", "--json")
    spoken = {sentence["text"] for sentence in json.loads((tmp_path / "out" / "report.json").read_text())["sentences"]}
    assert ran.json["assumptions"]
    for sentence in ran.json["assumptions"]:
        assert sentence in ran.err
        assert sentence in spoken


def test_a_scene_outside_the_model_is_mapped_with_a_warning_first(tmp_path: Path, cover_model: Path, sightline: Sightline) -> None:
    coarse = write_scene(tmp_path / "a.tif", rows=SIDE, columns=SIDE, transform=from_origin(500_000.0, 5_000_000.0, 100.0, 100.0))
    ran = sightline("map", coarse, "--model", cover_model, "--out", tmp_path / "out", "--json")
    assert ran.status == 0
    assert ran.json["valid_pixels"] == SIDE * SIDE
    assert "Warning: 100.0 %" in ran.err.splitlines()[0]


def test_a_scene_of_one_band_a_file_is_a_folder_or_its_files_joined(tmp_path: Path, cover_model: Path, sightline: Sightline) -> None:
    pixels = np.random.default_rng(0).integers(100, 2700, (3, SIDE, SIDE)).astype(np.uint16)
    files = [write_geotiff(tmp_path / "day" / f"x_{name}.tif", pixels[at : at + 1]) for at, name in enumerate(("B04", "B03", "B02"))]
    whole = write_geotiff(tmp_path / "whole.tif", pixels, descriptions=("B04", "B03", "B02"))
    areas = [
        sightline("map", scene, "--model", cover_model, "--out", tmp_path / "out", "--json").json["areas"]
        for scene in (whole, tmp_path / "day", "+".join(map(str, files)))
    ]
    assert areas[0] == areas[1] == areas[2]


def test_change_of_ground_that_the_model_does_not_know_has_no_headline_of_hectares(
    tmp_path: Path, cover_model: Path, sightline: Sightline
) -> None:
    coarse = from_origin(500_000.0, 5_000_000.0, 100.0, 100.0)
    scenes = [write_scene(tmp_path / name, rows=SIDE, columns=SIDE, transform=coarse) for name in ("a.tif", "b.tif")]
    ran = sightline("change", *scenes, "--model", cover_model, "--out", tmp_path / "out")
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert ran.status == 0
    assert told["withheld"].startswith("No area is given")
    assert told["sentences"][0]["text"] == told["withheld"]
    assert told["withheld"] in ran.err.splitlines()[0]
    assert told["withheld"] == ran.out.splitlines()[0]
    for text in (ran.out, (tmp_path / "out" / "report.md").read_text()):
        assert re.search(r"\d ha\b", text) is None


def test_two_dates_leave_their_change_in_the_folder(scenes: list[Path], tmp_path: Path, cover_model: Path, sightline: Sightline) -> None:
    out = tmp_path / "out"
    dates = ("--date", "2019-06-15", "--date", "2021-06-19")
    ran = sightline("change", *scenes[:2], "--model", cover_model, "--out", out, *dates, "--json")
    assert ran.status == 0
    assert names(out) >= CHANGE | REPORT
    (pair,) = ran.json["pairs"]
    assert (pair["name"], pair["method"]) == ("", "classes")
    assert sum(one["pixels"] for one in pair["transitions"]) == pair["valid_pixels"]
    text = (out / "report.md").read_text()
    assert "2019-06-15" in text and "2021-06-19" in text


def test_change_of_an_index_needs_no_model(tmp_path: Path, sightline: Sightline) -> None:
    green = np.full((2, SIDE, SIDE), 800, np.uint16)
    green[1] = 4_000
    burnt = green.copy()
    burnt[:, :20] = np.array([2_500, 1_000])[:, None, None]
    names = ("B12", "B08")
    scenes = [write_geotiff(tmp_path / f"{at}.tif", pixels, descriptions=names) for at, pixels in enumerate((green, burnt))]
    ran = sightline("change", *scenes, "--method", "index", "--index", "nbr", "--out", tmp_path / "out", "--json")
    assert ran.status == 0
    (pair,) = ran.json["pairs"]
    assert (pair["method"], pair["model"], pair["changed_pixels"]) == ("index", None, 20 * SIDE)
    assert names_of_report(tmp_path / "out") == REPORT
    without = sightline("change", *scenes, "--out", tmp_path / "other")
    assert (without.status, "--model" in without.error) == (2, True)
    unnamed = sightline("change", *scenes, "--method", "index", "--out", tmp_path / "other")
    assert (unnamed.status, "--index" in unnamed.error) == (2, True)


def names_of_report(folder: Path) -> set[str]:
    return names(folder) & REPORT


def test_later_dates_have_a_folder_for_each_pair_and_one_for_first_against_last(
    scenes: list[Path], tmp_path: Path, cover_model: Path, sightline: Sightline
) -> None:
    out = tmp_path / "out"
    ran = sightline("change", *scenes, "--model", cover_model, "--out", out, "--method", "embedding")
    assert ran.status == 0
    assert names(out) == {"01-02", "02-03", "01-03"}
    assert all(names(out / pair) >= CHANGE | REPORT for pair in names(out))
    assert [line.split(":")[0] for line in ran.out.splitlines()[:3]] == ["01-02", "02-03", "01-03"]


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (("--method", "magic"), "embedding"),
        (("--date", "2019-06-15", "--date", "2020-06-15", "--date", "2021-06-15"), "--date"),
        (("--date", "15.6.2019"), "15.6.2019"),
        (("--min-area", "-1"), "--min-area"),
        (("--min-area", "nan"), "--min-area"),
        (("--min-area", "inf"), "--min-area"),
        (("--scale", "0"), "scale is 0.0"),
        (("--scale", "-1"), "scale is -1.0"),
        (("--scale", "nan"), "scale is nan"),
        (("--scale", "1e308"), "scale is 1e+308"),
        (("--offset", "inf"), "offset is inf"),
        (("--offset", "nan"), "offset is nan"),
        (("--crs", "EPSG:0"), "EPSG:0"),
        (("--zones", "nothing.gpkg"), "nothing.gpkg"),
        (("--language", "xx"), "en"),
        (("--bands", "B04"), "bands"),
    ],
)
def test_what_cannot_be_used_is_named_and_nothing_is_left(
    more: tuple[str, ...], named: str, scenes: list[Path], tmp_path: Path, cover_model: Path, sightline: Sightline
) -> None:
    ran = sightline("change", *scenes[:2], "--model", cover_model, "--out", tmp_path / "out", *more)
    assert (ran.status, ran.out) == (2, "")
    assert named in ran.error
    assert not (tmp_path / "out").exists() or not names(tmp_path / "out")


def test_scenes_of_different_places_are_refused_with_both_footprints(tmp_path: Path, cover_model: Path, sightline: Sightline) -> None:
    here = write_scene(tmp_path / "here.tif", rows=SIDE, columns=SIDE)
    there = write_scene(tmp_path / "there.tif", rows=SIDE, columns=SIDE, transform=from_origin(600_000.0, 5_500_000.0, 10.0, 10.0))
    ran = sightline("change", here, there, "--model", cover_model, "--out", tmp_path / "out")
    assert ran.status == 2
    assert "here.tif" in ran.error and "there.tif" in ran.error


def test_a_scene_without_the_bands_is_refused_with_the_option(tmp_path: Path, cover_model: Path, sightline: Sightline) -> None:
    grey = write_geotiff(tmp_path / "grey.tif", np.full((1, SIDE, SIDE), 700, np.uint16))
    ran = sightline("map", grey, "--model", cover_model, "--out", tmp_path / "out")
    assert ran.status == 2
    assert "--bands" in ran.error


def test_a_model_of_radiographs_maps_nothing(scenes: list[Path], tmp_path: Path, radiograph_model: Path, sightline: Sightline) -> None:
    ran = sightline("map", scenes[0], "--model", radiograph_model, "--out", tmp_path / "out")
    assert ran.status == 2
    assert "radiograph" in ran.error
