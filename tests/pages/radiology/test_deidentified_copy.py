"""The copy that leaves from the Export tab names nobody, and masks only what a person confirmed."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from pydicom import dcmread
from streamlit.testing.v1 import AppTest

from core.deidentify.profile import ProfileOptions
from core.deidentify.pseudonyms import Pseudonyms
from core.workflows.dicom.deidentify import deidentified_archive
from tests.unit.export.dicom.exported import SLICES, ct_study


def test_every_file_of_a_study_leaves_cleaned_under_a_name_that_says_nothing(home: Path, tmp_path: Path) -> None:
    study = ct_study(tmp_path / "source")
    held = deidentified_archive(study, Pseudonyms(b"k" * 32), ProfileOptions(dates=True, patient=True), [(0.0, 0.0, 10.0, 4.0)])
    with zipfile.ZipFile(io.BytesIO(held)) as archive:
        assert len(archive.namelist()) == SLICES and archive.namelist()[0] == "image-00001.dcm"
        made = [dcmread(io.BytesIO(archive.read(name))) for name in archive.namelist()]
        assert b"4711-A" not in b"".join(archive.read(name) for name in archive.namelist())
    assert len({one.StudyInstanceUID for one in made}) == 1 and made[0].PatientID.startswith("SL-")
    assert all((one.pixel_array[:4, :10] == one.pixel_array.min()).all() for one in made)


def test_a_region_waits_for_a_person_who_looked(home: Path, tmp_path: Path) -> None:
    ct_study(tmp_path / "source")

    def page(folder: str) -> None:
        from pathlib import Path

        from core.readers import read_series
        from core.ui.radiology.deidentified_copy import deidentified_copy

        deidentified_copy(read_series(sorted(Path(folder).iterdir()), "series")[0], "here")

    drawn = AppTest.from_function(page, args=(str(tmp_path / "source"),)).run()
    assert "does not say whether words are burned" in " ".join(each.proto.body for each in drawn.get("html"))
    drawn.text_area[0].set_value("0, 0, 10, 4").run()
    assert "Nothing is masked before you confirm it." in " ".join(each.proto.body for each in drawn.get("html"))
    drawn.text_area[0].set_value("0, 0, 1000, 4").run()
    assert "inside 128 x 96 pixels" in " ".join(each.value for each in drawn.text)
