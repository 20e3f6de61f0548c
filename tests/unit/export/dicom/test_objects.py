"""Every object of an export is valid, lies in the study of its source, and says what it is worth."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from highdicom.sr import Comprehensive3DSR
from pydicom import dcmread
from pydicom.uid import UID, XRayAngiographicImageStorage

from core.deidentify.pseudonyms import Pseudonyms
from core.errors import InputError
from core.export.dicom.source import PATIENT, STUDY, source_images
from core.readers import read_series
from core.readers.dicom.parse import parse
from core.types import Study, notice
from core.workflows.dicom.export import OBJECT_KINDS, on_source
from tests.unit.export.dicom.exported import COLUMNS, IDENTITY, ROWS, SLICES, content, ct_study, errors_by_dciodvfy, exported, radiograph
from tests.unit.readers.dicom.dicom_files import enhanced, save, slice_dataset

needs_dciodvfy = pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools (dciodvfy) is not installed")


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return ct_study(tmp_path / "source", "oblique")


@needs_dciodvfy
@pytest.mark.parametrize("signed_by", ["", "Ada Reader"], ids=["unsigned", "signed"])
@pytest.mark.parametrize("kind", list(OBJECT_KINDS))
def test_dciodvfy_reports_no_error(kind: str, signed_by: str, study: Study, tmp_path: Path) -> None:
    exported(content(study, signed_by=signed_by), kind, tmp_path)
    assert errors_by_dciodvfy(tmp_path / f"{kind}.dcm") == []


@needs_dciodvfy
@pytest.mark.parametrize("kind", [kind for kind in OBJECT_KINDS if kind != "pm"])
def test_dciodvfy_reports_no_error_for_a_radiograph(kind: str, tmp_path: Path) -> None:
    exported(content(radiograph(tmp_path / "source")), kind, tmp_path)
    assert errors_by_dciodvfy(tmp_path / f"{kind}.dcm") == []


@needs_dciodvfy
@pytest.mark.parametrize("kind", list(OBJECT_KINDS))
def test_dciodvfy_reports_no_error_for_a_research_export(kind: str, study: Study, tmp_path: Path) -> None:
    exported(content(study), kind, tmp_path, pseudonyms=Pseudonyms(b"k" * 32))
    assert errors_by_dciodvfy(tmp_path / f"{kind}.dcm") == []


@pytest.mark.parametrize("kind", list(OBJECT_KINDS))
def test_patient_and_study_are_those_of_the_source_byte_by_byte_in_a_series_of_their_own(kind: str, study: Study, tmp_path: Path) -> None:
    made = exported(content(study), kind, tmp_path)
    source, written = parse(study.sources[0], "source").dataset, parse(tmp_path / f"{kind}.dcm", "made").dataset
    for keyword in (*PATIENT, *STUDY):
        if keyword in source:
            assert written.get_item(keyword).value == source.get_item(keyword).value, keyword
    assert str(made.PatientName) == IDENTITY["PatientName"] and made.StudyDescription == IDENTITY["StudyDescription"]
    original = dcmread(study.sources[0])
    assert made.SeriesInstanceUID != original.SeriesInstanceUID and made.StudyInstanceUID == original.StudyInstanceUID
    again = exported(content(study), kind, tmp_path / "again")
    assert again.SeriesInstanceUID == made.SeriesInstanceUID, "a repeat makes no second series"
    assert again.SOPInstanceUID != made.SOPInstanceUID


def test_every_image_of_the_series_is_referred_to(study: Study, tmp_path: Path) -> None:
    uids = {image.SOPInstanceUID for image in source_images(study).images}
    assert len(uids) == SLICES
    for kind in ("pr", "seg", "sr", "pdf"):
        text = str(exported(content(study), kind, tmp_path))
        assert all(uid in text for uid in uids), kind


@pytest.mark.parametrize("kind", list(OBJECT_KINDS))
def test_a_research_export_carries_pseudonyms_alone(kind: str, study: Study, tmp_path: Path) -> None:
    pseudonyms = Pseudonyms(b"k" * 32)
    made = exported(content(study), kind, tmp_path, pseudonyms=pseudonyms)
    held = (tmp_path / f"{kind}.dcm").read_bytes()
    gone = [
        value.encode("latin-1")
        for keyword, value in IDENTITY.items()
        if keyword not in ("PatientSex", "SpecificCharacterSet", "PatientAge")
    ]
    gone += [b"1.2.276.0.7238.99.", "Zünd".encode()]
    assert [text for text in gone if text in held] == []
    assert made.PatientID == pseudonyms.patient("4711-A", "HOSPITAL") and made.PatientIdentityRemoved == "YES"
    assert made.StudyInstanceUID == pseudonyms.uid("1.2.276.0.7238.99.1")
    assert made.StudyDate == pseudonyms.shifted("20250301", "4711-A", "HOSPITAL") != "20250301"
    assert pseudonyms.uid("1.2.276.0.7238.99.3.3") in str(made), "it still refers to the images under their other UIDs"
    assert made.file_meta.MediaStorageSOPInstanceUID == made.SOPInstanceUID


def test_a_report_is_unverified_until_a_person_signs(study: Study, tmp_path: Path) -> None:
    draft, signed = exported(content(study), "sr", tmp_path), exported(content(study, signed_by="Ada Reader"), "sr", tmp_path)
    assert (draft.VerificationFlag, signed.VerificationFlag) == ("UNVERIFIED", "VERIFIED")
    assert str(signed.VerifyingObserverSequence[0].VerifyingObserverName) == "Reader^Ada"
    assert exported(content(study), "pdf", tmp_path).VerificationFlag == "UNVERIFIED"


def test_a_signer_whose_name_the_source_cannot_write_changes_the_bytes_and_no_name(study: Study, tmp_path: Path) -> None:
    made = exported(content(study, signed_by="王 小明"), "sr", tmp_path)
    assert made.SpecificCharacterSet == "ISO_IR 192"
    assert str(made.PatientName) == IDENTITY["PatientName"]
    assert "小明" in str(made.VerifyingObserverSequence[0].VerifyingObserverName)


def test_the_report_holds_codes_probabilities_model_and_weights(study: Study, tmp_path: Path) -> None:
    told = content(study)
    text = str(exported(told, "sr", tmp_path))
    report = Comprehensive3DSR.from_dataset(dcmread(tmp_path / "sr.dcm"))
    (group,) = report.content.get_planar_roi_measurement_groups()
    assert group.finding_type.value == "27925004"  # SNOMED CT: nodule
    sizes = {measurement.name.meaning: measurement.value for measurement in group.get_measurements()}
    assert sizes["Long axis"] == 2.0 and sizes["Score of a model, no probability"] == pytest.approx(0.93)
    assert told.prediction.model in text and told.prediction.weights in text
    assert "Calibrated probability" in text and "Research and development use only" in text


def test_an_image_that_is_outside_is_exported_and_says_so(study: Study, tmp_path: Path) -> None:
    told = content(study)
    outside = replace(
        told.prediction.outside, is_outside=True, reason=notice("outside.windows", outside=1, windows=1, score=9.0, threshold=1.0)
    )
    told = replace(told, prediction=replace(told.prediction, outside=outside), regions=(), explanation=None, map=None)
    assert "Outside what the model knows" in str(exported(told, "sr", tmp_path))
    seg = exported(told, "seg", tmp_path)
    assert int(seg.NumberOfFrames) == SLICES and not np.any(seg.pixel_array)
    assert "outside" in seg.SegmentSequence[0].SegmentLabel
    assert "Outside what the model knows." in str(exported(told, "pr", tmp_path))
    with pytest.raises(InputError, match="no map"):
        exported(told, "pm", tmp_path)


@pytest.mark.parametrize(
    ("keyword", "value", "sent"),
    [
        ("PatientBirthDate", "1961-02-31x", ""),
        ("PatientSex", "female", ""),
        ("AccessionNumber", "A" * 30, "A" * 16),
        ("PatientID", None, ""),
        ("StudyTime", "half past eight", ""),
    ],
)
@pytest.mark.filterwarnings("ignore")  # of pydicom, which writes the invalid value for this test
def test_invalid_values_are_repaired_and_unknown_ones_sent_empty(keyword: str, value: str | None, sent: str, tmp_path: Path) -> None:
    broken = ct_study(tmp_path / "source", **{keyword: value})
    made = exported(content(broken), "sr", tmp_path)
    assert (made[keyword].value or "") == sent


@pytest.mark.filterwarnings("ignore")  # of pydicom, which writes the invalid value for this test
def test_a_study_uid_that_is_none_gets_one_that_is_the_same_in_every_object(tmp_path: Path) -> None:
    broken = ct_study(tmp_path / "source", StudyInstanceUID="1.2.03.x")
    uids = {exported(content(broken), kind, tmp_path).StudyInstanceUID for kind in OBJECT_KINDS}
    assert len(uids) == 1 and UID(uids.pop()).is_valid


def test_frames_of_one_object_are_referred_to_by_their_number(tmp_path: Path) -> None:
    many = enhanced([0.0, 2.0, 4.0], [-1024.0] * 3)
    many.StudyInstanceUID, many.FrameOfReferenceUID = "1.2.276.0.7238.99.1", "1.2.276.0.7238.99.2"
    (study,) = read_series([save(many, tmp_path / "source" / "many.dcm")], "many")
    source = source_images(study)
    assert source.number_in(2) == 3 and source.image(2) is source.image(0)


@pytest.mark.parametrize("kind", ["seg", "pr", "pm"])
def test_frames_that_do_not_say_how_they_lie_are_refused_with_what_will_do(kind: str, tmp_path: Path) -> None:
    """As angiography and ultrasound: several frames in one object, without functional groups."""
    frames = np.zeros((3, ROWS, COLUMNS), np.uint16)
    nowhere = dict.fromkeys(("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope", "RescaleIntercept"))
    many = slice_dataset(frames[0], SOPClassUID=XRayAngiographicImageStorage, Modality="XA", NumberOfFrames=3, **nowhere)
    many.PixelData, many.StudyInstanceUID = frames.tobytes(), "1.2.276.0.7238.99.1"
    (study,) = read_series([save(many, tmp_path / "source" / "many.dcm")], "many")
    told = content(study)
    with pytest.raises(InputError) as refused:
        exported(told, kind, tmp_path)
    assert "sc" in refused.value.hint
    assert exported(told, "sc", tmp_path).SourceImageSequence[0].ReferencedFrameNumber == 2


def test_a_map_lies_on_the_pixels_that_were_read_and_is_zero_elsewhere() -> None:
    drawn = on_source(np.eye(4, dtype=np.float32), (10.0, 20.0, 8.0, 8.0), (40, 30))
    assert drawn.shape == (40, 30)
    assert drawn[20, 10] == pytest.approx(1.0) and drawn[27, 17] == pytest.approx(1.0)
    assert drawn[:20].max() == drawn[:, :10].max() == drawn[28:].max() == drawn[:, 18:].max() == 0.0
