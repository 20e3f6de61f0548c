"""`sightline report`: three files for each image, a folder each where there are several."""

from __future__ import annotations

import json
from pathlib import Path

from core.cli.report import folder_names
from tests.unit.cli.running import Sightline, write_picture, write_scene

FILES = {"report.md", "report.pdf", "report.json", "report-1.png", "report-2.png"}


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_of_one_image_the_report_lies_in_the_folder_itself(tmp_path: Path, radiograph_model: Path, sightline: Sightline) -> None:
    picture, out = write_picture(tmp_path / "a.png"), tmp_path / "out"
    ran = sightline("report", picture, "--model", radiograph_model, "--out", out, "--json")
    assert ran.status == 0
    assert names(out) == FILES
    assert (out / "report.pdf").read_bytes().startswith(b"%PDF")
    told = json.loads((out / "report.json").read_text())
    assert told["kind"] == "image"
    assert told["parameters"]["explanation"]["method"] == "integrated-gradients"
    assert ran.json["reports"][0]["path"] == str(picture)
    assert {Path(file).name for file in ran.json["reports"][0]["files"]} == {"report.md", "report.pdf", "report.json"}


def test_every_assumption_stands_in_the_report(tmp_path: Path, radiograph_model: Path, sightline: Sightline) -> None:
    ran = sightline("report", write_picture(tmp_path / "a.png"), "--model", radiograph_model, "--out", tmp_path / "out", "--json")
    spoken = {sentence["text"] for sentence in json.loads((tmp_path / "out" / "report.json").read_text())["sentences"]}
    assert ran.json["reports"][0]["assumptions"]
    assert set(ran.json["reports"][0]["assumptions"]) <= spoken


def test_several_images_have_a_folder_each_and_a_bad_one_keeps_none_from_its_own(
    tmp_path: Path, radiograph_model: Path, sightline: Sightline
) -> None:
    write_picture(tmp_path / "one" / "a.png")
    write_picture(tmp_path / "two" / "a.png", seed=1)
    (tmp_path / "two" / "b.png").write_text("no picture")
    out = tmp_path / "out"
    ran = sightline("report", tmp_path / "one", tmp_path / "two", "--model", radiograph_model, "--out", out)
    assert ran.status == 0
    assert names(out) == {"a.png", "a.png-2"}
    assert names(out / "a.png") == names(out / "a.png-2") == FILES
    assert len(ran.out.splitlines()) == 2
    assert "b.png is a text file" in ran.err


def test_an_image_outside_the_model_has_its_report_with_the_reason(tmp_path: Path, radiograph_model: Path, sightline: Sightline) -> None:
    scene = write_scene(tmp_path / "a.tif")
    assert sightline("report", scene, "--model", radiograph_model, "--out", tmp_path / "out").status == 0
    assert "GeoTIFF" in (tmp_path / "out" / "report.md").read_text()


def test_of_a_scene_larger_than_the_input_no_place_of_the_window_is_told_as_one_of_the_scene(
    tmp_path: Path, cover_model: Path, sightline: Sightline
) -> None:
    for name, side in (("small", 32), ("large", 96)):
        scene = write_scene(tmp_path / f"{name}.tif", rows=side, columns=side)
        assert sightline("report", scene, "--model", cover_model, "--out", tmp_path / name).status == 0
    small, large = (json.loads((tmp_path / name / "report.json").read_text()) for name in ("small", "large"))
    assert any(sentence["region"] for sentence in small["sentences"])
    assert not any(sentence["region"] for sentence in large["sentences"])


def test_nothing_is_written_for_a_file_alone_that_cannot_be_read(tmp_path: Path, radiograph_model: Path, sightline: Sightline) -> None:
    (tmp_path / "a.dcm").write_text("no image")
    ran = sightline("report", tmp_path / "a.dcm", "--model", radiograph_model, "--out", tmp_path / "out")
    assert ran.status == 2
    assert "a.dcm is a text file" in ran.error
    assert not list(tmp_path.glob("out/*"))


def test_a_language_without_templates_is_refused_before_the_work(tmp_path: Path, radiograph_model: Path, sightline: Sightline) -> None:
    ran = sightline("report", write_picture(tmp_path / "a.png"), "--model", radiograph_model, "--out", tmp_path / "o", "--language", "xx")
    assert ran.status == 2
    assert "en" in ran.error
    assert not (tmp_path / "o").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, radiograph_model: Path, sightline: Sightline) -> None:
    (tmp_path / "file").touch()
    ran = sightline("report", write_picture(tmp_path / "a.png"), "--model", radiograph_model, "--out", tmp_path / "file" / "out")
    assert ran.status == 2
    assert "--out" in ran.error


def test_names_of_folders_differ_by_more_than_capitals_and_hold_nothing_odd() -> None:
    made = folder_names(["x/a.dcm", "y/A.dcm", "z.zip!/a.dcm", "..", "b c/ü?.png", "a.dcm-2"])
    assert made == ["a.dcm", "A.dcm-2", "a.dcm-3", "image", "ü_.png", "a.dcm-2-2"]
