"""What the Export tab gives as DICOM, and what it says of whose it is."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

from pydicom import dcmread

from core.types import Candidate, Mark, ModelInput
from core.ui.radiology.dicom_downloads import BACK, RESEARCH, WHOSE, DicomAnswer
from tests.unit.export.dicom.exported import content, ct_study


def unasked() -> ModelInput:
    raise AssertionError("only the PDF shows the input")


def test_a_file_for_the_pacs_names_the_patient_and_one_for_research_nobody(home: Path, tmp_path: Path) -> None:
    told = content(ct_study(tmp_path))
    answer = DicomAnswer(told.study, told.prediction, told.report, told.explanation, unasked)
    named, unnamed = (dcmread(io.BytesIO(answer.file("sr", research))) for research in (False, True))
    assert named.PatientID == "4711-A" and unnamed.PatientID.startswith("SL-")
    assert "name the patient" in WHOSE[BACK] and "pseudonyms alone" in WHOSE[RESEARCH]


def test_pictures_of_several_slices_come_in_one_zip(home: Path, tmp_path: Path) -> None:
    told = content(ct_study(tmp_path))
    found = tuple(Candidate(40.0, 30.0, frame, 0.9, 0.9, None, (Mark(40.0, 30.0, frame),)) for frame in (1, 3))  # type: ignore[arg-type]
    answer = DicomAnswer(told.study, replace(told.prediction, candidates=found), told.report, told.explanation, unasked)
    assert answer.pictured() == 2
    with zipfile.ZipFile(io.BytesIO(answer.file("sc", False))) as archive:
        assert archive.namelist() == ["sc-001.dcm", "sc-002.dcm"]
