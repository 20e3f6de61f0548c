"""`sightline export`: from a file to objects of DICOM in its own study."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pydicom import dcmread

from core.settings import PROJECT
from core.types import Domain
from tests.tiny import write_tiny_model
from tests.unit.cli.running import Sightline
from tests.unit.export.dicom.exported import errors_by_dciodvfy

RADIOGRAPH = PROJECT / "sample_data" / "real" / "child-pneumonia.dcm"
SERIES = PROJECT / "sample_data" / "ct-series"


@pytest.mark.parametrize("kind", ["sr", "sc"])
def test_a_radiograph_gets_an_object_in_its_own_study(sightline: Sightline, radiograph_model: Path, tmp_path: Path, kind: str) -> None:
    done = sightline("export", RADIOGRAPH, "--model", radiograph_model, "--format", kind, "--out", tmp_path / "out", "--json")
    assert done.status == 0, done.err
    told = done.json
    assert (told["path"], told["format"]) == (str(RADIOGRAPH), kind)
    made, source = dcmread(told["file"]), dcmread(RADIOGRAPH)
    assert made.StudyInstanceUID == source.StudyInstanceUID and made.PatientID == source.PatientID
    assert made.SeriesInstanceUID != source.SeriesInstanceUID
    if shutil.which("dciodvfy"):
        assert errors_by_dciodvfy(Path(told["file"])) == []


def test_a_folder_of_slices_is_one_series_and_a_note_beside_it_keeps_it_from_nothing(sightline: Sightline, tmp_path: Path) -> None:
    folder, count = tmp_path / "in", 3
    folder.mkdir()
    for path in sorted(SERIES.iterdir())[20 : 20 + count]:
        shutil.copy(path, folder)
    (folder / "note.txt").write_text("a note")
    done = sightline(
        "export",
        folder,
        "--model",
        write_tiny_model(tmp_path / "tiny-ct", Domain.CHEST_CT),
        "--format",
        "seg",
        "--out",
        tmp_path / "out",
        "--json",
    )
    assert done.status == 0, done.err
    written, refused = done.lines
    assert int(dcmread(written["file"]).NumberOfFrames) % count == 0
    assert refused["path"].endswith("note.txt") and refused["error"]["code"]


def test_another_format_and_a_picture_are_told_in_one_line(sightline: Sightline, radiograph_model: Path, tmp_path: Path) -> None:
    done = sightline("export", RADIOGRAPH, "--model", radiograph_model, "--format", "gif", "--out", tmp_path / "out")
    assert done.status == 2 and "seg" in done.error
    (tmp_path / "note.txt").write_text("a note")
    done = sightline("export", tmp_path / "note.txt", "--model", radiograph_model, "--format", "sr", "--out", tmp_path / "out")
    assert done.status == 2 and "no DICOM file" in done.error
