"""`sightline predict`: a line for each file, whatever the others are like."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.cli.program import run
from tests.unit.cli.running import TILE, Sightline, write_picture, write_scene
from tests.unit.readers.dicom.dicom_files import save, slice_dataset
from tests.unit.readers.scenes.geotiff_files import write_geotiff

KEYS = {"path", "model", "weights", "labels", "probabilities", "prediction", "set", "headline", "outside", "assumptions", "seconds"}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: a folder of images of many kinds, some of them none."""
    monkeypatch.chdir(tmp_path)
    write_picture(tmp_path / "scans" / "a.jpg")
    write_picture(tmp_path / "scans" / "deep" / "b.png", seed=1)
    save(slice_dataset(), tmp_path / "scans" / "c.dcm")
    (tmp_path / "scans" / "notes.txt").write_text("not an image")
    (tmp_path / "scans" / "empty.dcm").touch()
    (tmp_path / "scans" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    return tmp_path


def by_path(lines: list[dict]) -> dict[str, dict]:  # type: ignore[type-arg]
    return {line["path"]: line for line in lines}


def test_each_file_of_a_folder_has_one_line_with_its_answer_or_its_error(here: Path, radiograph_model: Path, sightline: Sightline) -> None:
    ran = sightline("predict", "scans", "--model", radiograph_model, "--json")
    told = by_path(ran.lines)
    assert ran.status == 0
    assert list(told) == [f"scans/{name}" for name in ("a.jpg", "c.dcm", "deep/b.png", "empty.dcm", "gone.jpg", "notes.txt")]
    for name in ("scans/empty.dcm", "scans/gone.jpg", "scans/notes.txt"):
        assert set(told[name]) == {"path", "error"}
        assert set(told[name]["error"]) == {"code", "message", "hint"}
        assert sum(name in line for line in ran.err.splitlines()) == 1


def test_an_answer_has_the_promised_keys(here: Path, radiograph_model: Path, sightline: Sightline) -> None:
    told = sightline("predict", "scans/a.jpg", "--model", radiograph_model, "--json").json
    assert set(told) == KEYS | {"heads", "parents", "unnamed"}
    assert set(told["outside"]) == {"score", "threshold", "is_outside", "reason"}
    assert set(told["seconds"]) == {"read", "prepare", "forward"}
    assert told["path"] == "scans/a.jpg"
    assert sum(told["probabilities"]) == pytest.approx(1.0, abs=1e-5)
    probs = dict(zip(told["labels"], told["probabilities"], strict=True))
    assert told["heads"]["pneumonia"] == pytest.approx(probs["bacterial-pneumonia"] + probs["viral-pneumonia"])


def test_of_a_picture_whose_patient_has_no_age_the_parent_alone_is_named(here: Path, radiograph_model: Path, sightline: Sightline) -> None:
    told = sightline("predict", "scans/a.jpg", "--model", radiograph_model, "--json").json
    assert {told["prediction"], *told["set"]} <= {"normal", "pneumonia", None}
    assert len(told["probabilities"]) == len(told["labels"]) == 3 and told["parents"]["pneumonia"] == pytest.approx(
        sum(told["probabilities"][1:])
    )
    assert any("kind is not named" in one for one in told["assumptions"])
    assert told["unnamed"] == ["bacterial-pneumonia", "viral-pneumonia"]
    line = sightline("predict", "scans/a.jpg", "--model", radiograph_model).out
    assert "bacterial" not in line and "viral" not in line and "viral" not in told["headline"]
    assert told["headline"] in line


def test_an_image_of_another_kind_is_an_answer_and_no_error(here: Path, radiograph_model: Path, sightline: Sightline) -> None:
    told = sightline("predict", "scans/c.dcm", "--model", radiograph_model, "--json").json
    assert told["outside"]["is_outside"] is True
    assert "CT" in told["outside"]["reason"]
    assert told["prediction"] is None
    assert sum(told["probabilities"]) == pytest.approx(1.0, abs=1e-5)
    assert "frame" not in told


def test_what_cannot_become_an_input_has_no_probabilities(tmp_path: Path, cover_model: Path, sightline: Sightline) -> None:
    grey = write_geotiff(tmp_path / "grey.tif", np.full((1, TILE, TILE), 7, np.uint16))
    told = sightline("predict", grey, "--model", cover_model, "--json").json
    assert told["probabilities"] is None and told["prediction"] is None
    assert told["outside"]["is_outside"] is True
    assert told["outside"]["score"] is None
    assert "--bands" in told["outside"]["reason"]


def test_a_file_alone_that_cannot_be_read_is_one_line_and_exit_2(here: Path, radiograph_model: Path, sightline: Sightline) -> None:
    ran = sightline("predict", "scans/notes.txt", "--model", radiograph_model)
    assert (ran.status, ran.out) == (2, "")
    assert ran.error.startswith("sightline: scans/notes.txt is a text file.")


def test_a_folder_without_files_is_told(tmp_path: Path, radiograph_model: Path, sightline: Sightline) -> None:
    (tmp_path / "nothing").mkdir()
    ran = sightline("predict", tmp_path / "nothing", "--model", radiograph_model)
    assert ran.status == 2
    assert "nothing" in ran.error


def test_of_a_multi_frame_object_the_middle_frame_is_read_and_named_from_one(
    tmp_path: Path, radiograph_model: Path, sightline: Sightline
) -> None:
    frames = np.random.default_rng(0).integers(0, 200, (4, 40, 40)).astype(np.uint8)
    several = slice_dataset(frames[0], NumberOfFrames=4, SOPClassUID="1.2.840.10008.5.1.4.1.1.3.1", Modality="US")
    several.PixelData = frames.tobytes()
    told = sightline("predict", save(several, tmp_path / "a.dcm"), "--model", radiograph_model, "--json").json
    assert told["frame"] == 3


def test_members_of_a_zip_are_named_and_can_be_asked_for_by_that_name(here: Path, radiograph_model: Path, sightline: Sightline) -> None:
    with zipfile.ZipFile("scans.zip", "w") as archive:
        archive.write("scans/a.jpg", "in/a.jpg")
        archive.write("scans/notes.txt", "notes.txt")
    ran = sightline("predict", "scans.zip", "--model", radiograph_model, "--json")
    assert list(by_path(ran.lines)) == ["scans.zip!/in/a.jpg", "scans.zip!/notes.txt"]
    again = sightline("predict", "scans.zip!/in/a.jpg", "--model", radiograph_model, "--json").json
    assert again["probabilities"] == pytest.approx(ran.lines[0]["probabilities"])
    assert sightline("predict", "scans.zip!/in/b.jpg", "--model", radiograph_model).status == 2


def test_the_answers_do_not_depend_on_the_company(here: Path, radiograph_model: Path, sightline: Sightline) -> None:
    for seed in range(40):  # more than one batch
        write_picture(here / "many" / f"{seed:02}.png", seed)
    together = by_path(sightline("predict", "many", "--model", radiograph_model, "--json").lines)
    assert len(together) == 40
    alone = sightline("predict", "many/33.png", "--model", radiograph_model, "--json").json
    assert together["many/33.png"]["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-5)


def test_a_device_is_refused_and_not_waited_for(radiograph_model: Path, sightline: Sightline) -> None:
    ran = sightline("predict", "/dev/zero", "--model", radiograph_model)
    assert ran.status == 2
    assert "device" in ran.error


def test_without_json_the_answer_is_readable(here: Path, radiograph_model: Path, sightline: Sightline) -> None:
    ran = sightline("predict", "scans/a.jpg", "scans/c.dcm", "--model", radiograph_model)
    first, second = ran.out.splitlines()
    assert first.startswith("scans/a.jpg: ") and "normal 0." in first
    assert second.startswith("scans/c.dcm: outside what the model knows. The file holds a CT image")


def test_an_assumption_is_told_once_and_stands_in_every_answer(here: Path, radiograph_model: Path, sightline: Sightline) -> None:
    ran = sightline("predict", "scans/a.jpg", "scans/deep/b.png", "--model", radiograph_model, "--json")
    sentence = next(words for words in ran.lines[0]["assumptions"] if "no header" in words)
    assert sentence in ran.lines[1]["assumptions"]
    assert ran.err.count(sentence) == 1


def test_bands_scale_and_offset_are_the_users_to_tell(tmp_path: Path, cover_model: Path, sightline: Sightline) -> None:
    digital = np.random.default_rng(0).integers(100, 2700, (3, TILE, TILE)).astype(np.uint16)
    named = write_scene(tmp_path / "named.tif", 0)
    unnamed = write_geotiff(tmp_path / "unnamed.tif", digital[::-1] + 1000, descriptions=("first", "second", "third"))
    plain = sightline("predict", named, "--model", cover_model, "--json").json
    told = sightline(
        "predict", unnamed, "--model", cover_model, "--json",
        "--bands", "B02, B03, B04", "--scale", "0.0001", "--offset", "-0.1",
    ).json  # fmt: skip
    assert told["probabilities"] == pytest.approx(plain["probabilities"], abs=1e-5)


@pytest.mark.parametrize("bands", ["B04,,B02", "B04,B03"])
def test_bands_that_do_not_fit_are_named(bands: str, tmp_path: Path, cover_model: Path, sightline: Sightline) -> None:
    ran = sightline("predict", write_scene(tmp_path / "a.tif"), "--model", cover_model, "--bands", bands)
    assert ran.status == 2
    assert "bands" in ran.error


@pytest.fixture
def closed_pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Standard output whose reader has left."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "w") as left:
        monkeypatch.setattr("sys.stdout", left)
        yield


def test_a_reader_who_leaves_is_no_error(here: Path, radiograph_model: Path, closed_pipe: None) -> None:
    assert run(["predict", "scans/a.jpg", "--model", str(radiograph_model), "--json"]) == 0
