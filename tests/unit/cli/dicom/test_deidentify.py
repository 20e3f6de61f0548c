"""`sightline deidentify`: files that name nobody, warnings of letters in the pixels, and regions made black."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import RLELossless, SecondaryCaptureImageStorage

from core.settings import settings
from tests.unit.cli.running import Sightline
from tests.unit.export.dicom.exported import errors_by_dciodvfy
from tests.unit.readers.dicom.dicom_files import save, slice_dataset

KEY = "the key of a site, in this test alone"
NAMED = {"PatientName": "Leak^Lena", "PatientID": "4711", "StudyDate": "20250301", "StudyInstanceUID": "1.2.276.0.7.2"}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SIGHTLINE_SITE_KEY", KEY)
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def named(path: Path, **changes: object) -> Path:
    return save(slice_dataset(np.arange(256, dtype=np.int16).reshape(16, 16) + 7, **{**NAMED, **changes}), path)


def test_a_folder_becomes_files_that_name_nobody_not_by_their_names_either(sightline: Sightline, tmp_path: Path) -> None:
    named(tmp_path / "in" / "Leak_Lena_1.dcm", BurnedInAnnotation="NO")
    named(tmp_path / "in" / "Leak_Lena_2.dcm", BurnedInAnnotation="NO")
    (tmp_path / "in" / "note.txt").write_text("Leak")
    done = sightline("deidentify", tmp_path / "in", "--out", tmp_path / "out", "--json")
    assert done.status == 0
    first, second, note = done.lines
    assert note["error"] and first["warnings"] == []
    assert {"0010,0010", "0010,0020", "0008,0020", "0020,000D"} <= set(first["cleaned"])
    for line in (first, second):
        held = Path(line["file"]).read_bytes()
        assert b"Leak" not in held and b"4711" not in held and b"1.2.276.0.7" not in held and "Leak" not in line["file"]
    assert dcmread(first["file"]).StudyInstanceUID == dcmread(second["file"]).StudyInstanceUID
    if shutil.which("dciodvfy"):
        assert [error for error in errors_by_dciodvfy(Path(first["file"])) if "Deidentif" in error or "Identity" in error] == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"BurnedInAnnotation": "YES"}, "Burned In Annotation"),
        ({"Modality": "US"}, "US"),
        ({"SOPClassUID": SecondaryCaptureImageStorage}, "capture"),
        ({}, "does not say"),
        ({"BurnedInAnnotation": "NO"}, ""),
    ],
    ids=["flag", "modality", "capture", "not told", "none"],
)
def test_letters_that_may_stand_in_the_pixels_are_warned_of(
    sightline: Sightline, tmp_path: Path, changes: dict[str, str], words: str
) -> None:
    done = sightline("deidentify", named(tmp_path / "a.dcm", **changes), "--out", tmp_path / "out", "--json")
    warnings = done.json["warnings"]
    assert words in " ".join(warnings) if words else warnings == []


@pytest.mark.parametrize("is_packed", [False, True], ids=["native", "RLE"])
def test_a_region_is_made_black_and_every_other_pixel_is_as_it_was(sightline: Sightline, tmp_path: Path, is_packed: bool) -> None:
    path = named(tmp_path / "a.dcm")
    if is_packed:
        packed = dcmread(path)
        packed.compress(RLELossless)
        packed.save_as(path)
    done = sightline("deidentify", path, "--out", tmp_path / "out", "--mask", "2,3,5,4", "--json")
    assert done.status == 0 and done.json["warnings"] == []
    before, made = dcmread(path).pixel_array, dcmread(done.json["file"])
    inside = np.zeros((16, 16), dtype=bool)
    inside[3:7, 2:7] = True
    np.testing.assert_array_equal(made.pixel_array[~inside], before[~inside])
    assert set(made.pixel_array[inside].tolist()) == {int(before.min())}
    assert made.BurnedInAnnotation == "NO" and made.DeidentificationMethodCodeSequence[-1].CodeValue == "113101"


def test_a_region_outside_the_picture_and_one_that_is_none_are_told(sightline: Sightline, tmp_path: Path) -> None:
    path = named(tmp_path / "a.dcm")
    assert "inside 16 x 16" in sightline("deidentify", path, "--out", tmp_path / "out", "--mask", "10,10,20,5").error
    assert "four numbers" in sightline("deidentify", path, "--out", tmp_path / "out", "--mask", "all").error
