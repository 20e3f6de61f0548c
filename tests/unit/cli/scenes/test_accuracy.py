"""`sightline sample` and `sightline assess`: from arguments to files; what the files hold is tested where they are made."""

from __future__ import annotations

from pathlib import Path

from tests.unit.cli.running import Sightline
from tests.unit.workflows.accuracy.mapped_folders import LABELS, as_in_truth, fill, rows_of, write_change, write_map


def test_a_sample_is_drawn_labelled_and_assessed(tmp_path: Path, sightline: Sightline) -> None:
    folder = write_map(tmp_path / "map")
    drawn = sightline("sample", folder, "--out", tmp_path / "points.gpkg", "--interval", 0.06, "--json")
    assert drawn.status == 0
    assert drawn.json["labels"] == list(LABELS) and drawn.json["points"] == sum(one["points"] for one in drawn.json["strata"])
    assert Path(drawn.json["design"]).parent == folder
    first = fill(tmp_path / "points.csv", tmp_path / "first.csv", as_in_truth)
    second = fill(tmp_path / "points.csv", tmp_path / "second.csv", as_in_truth)
    ran = sightline("assess", folder, "--labels", first, "--labels", second, "--out", tmp_path / "out", "--json")
    assert ran.status == 0
    assert ran.json["agreement"]["raw"]["value"] == 1.0 and ran.json["agreement"]["raw"]["low"] < 1.0
    assert {Path(file).name for file in ran.json["report"]} == {file.name for file in (tmp_path / "out").iterdir()}
    said = sightline("assess", folder, "--labels", first, "--out", tmp_path / "out")
    assert said.out.startswith("Overall accuracy: ") and "95 % interval" in said.out


def test_strata_around_change_are_chosen_by_an_option(tmp_path: Path, sightline: Sightline) -> None:
    ran = sightline(
        "sample", write_change(tmp_path / "change"), "--out", tmp_path / "points.gpkg", "--strata", "buffer", "--buffer", 5, "--json"
    )
    assert [one["name"] for one in ran.json["strata"]] == ["changed", "unchanged near change", "unchanged elsewhere"]
    assert len(rows_of(tmp_path / "points.csv")) == ran.json["points"]


def test_a_fault_of_the_input_is_one_line_that_names_it(tmp_path: Path, sightline: Sightline) -> None:
    folder = write_map(tmp_path / "map")
    for arguments, words in (
        (("sample", tmp_path, "--out", tmp_path / "p.gpkg"), "sightline map"),
        (("sample", folder, "--out", tmp_path / "p.csv"), ".gpkg"),
        (("sample", folder, "--out", tmp_path / "p.gpkg", "--strata", "squares"), "--strata"),
        (("sample", folder, "--out", tmp_path / "p.gpkg", "--points", 10**9), "number of points"),
        (("assess", folder, "--labels", tmp_path / "none.csv", "--out", tmp_path / "out"), "none.csv"),
    ):
        ran = sightline(*arguments)
        assert ran.status == 2
        assert words in ran.error
