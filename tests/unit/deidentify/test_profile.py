"""An object that leaves names nobody: the table of PS3.15, whatever else could identify, and the marks that say so."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from pydicom import Dataset, dcmread
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from core.deidentify.profile import TABLE, Cleaned, ProfileOptions, deidentified
from core.deidentify.pseudonyms import Pseudonyms
from core.deidentify.terms import words_of_the_field
from tests.unit.readers.dicom.dicom_files import slice_dataset

KEY = Pseudonyms(b"a site's key, for this test alone")
VALUES: dict[str, Any] = {
    "AE": "SCANNER7",
    "AS": "044Y",
    "CS": "LEAK",
    "DA": "20250301",
    "DS": "17.5",
    "DT": "20250301081500",
    "FD": 7.5,
    "FL": 7.5,
    "IS": "17",
    "LO": "Leak Lane",
    "LT": "Leak Lane",
    "OB": b"leak",
    "OW": b"leak",
    "PN": "Leak^Lena",
    "SH": "Leak",
    "SL": 7,
    "SS": 7,
    "ST": "Leak Lane",
    "TM": "081500",
    "UC": "Leak Lane",
    "UL": 7,
    "UN": b"leak",
    "UR": "http://leak.example/",
    "US": 7,
    "UT": "Leak Lane",
    "OF": b"leakleak",
}


def table() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def value_of(vr: str) -> Any:
    if vr == "UI":
        return generate_uid()
    if vr == "SQ":
        inner = Dataset()
        inner.PatientName, inner.PatientComments = "Leak^Lena", "Leak Lane"
        return [inner]
    return VALUES[vr]


def filled() -> Dataset:
    """A CT slice that holds every attribute of the table."""
    dataset = slice_dataset(ConvolutionKernel="B50f", KVP="120")
    for row in table():
        tag = Tag(int(row["tag"].replace(",", ""), 16))
        if tag.group <= 2:
            continue
        vr = dictionary_VR(tag).split()[0] if row["keyword"] else "LO"
        dataset[tag] = DataElement(tag, vr, value_of(vr))
    return dataset


def flat(dataset: Dataset) -> bytes:
    held = io.BytesIO()
    dataset.save_as(held, enforce_file_format=True)
    return held.getvalue()


def test_no_attribute_of_the_table_is_left_as_it_was() -> None:
    source = filled()
    clean = deidentified(source, KEY).dataset
    left = []
    for row in table():
        tag = Tag(int(row["tag"].replace(",", ""), 16))
        if tag.group <= 2 or tag not in clean:
            continue
        if clean[tag].VR != "SQ" and clean[tag].value == source[tag].value:
            left.append((row["tag"], row["keyword"]))
    assert left == []
    assert b"Leak" not in flat(clean) and b"LEAK" not in flat(clean) and b"leak" not in flat(clean)


@pytest.mark.parametrize(
    "row",
    [row for row in table() if row["keyword"] in ("PatientName", "AccessionNumber", "StudyDate", "DeviceUID", "StationName")],
    ids=lambda row: row["keyword"],
)
def test_each_rule_does_what_it_says(row: dict[str, str]) -> None:
    clean = deidentified(filled(), KEY).dataset
    tag = Tag(int(row["tag"].replace(",", ""), 16))
    if row["basic"] == "Z":
        assert clean[tag].value in (None, "")
    elif row["basic"] == "X":
        assert tag not in clean
    elif row["basic"] == "U":
        assert clean[tag].value.startswith("2.25.")
    else:
        assert tag in clean  # X/D, X/Z/D: a dummy is right for every type


def test_what_a_model_and_a_viewer_need_stays() -> None:
    clean = deidentified(filled(), KEY).dataset
    source = filled()
    for keyword in (
        "Rows",
        "PixelSpacing",
        "ImagePositionPatient",
        "WindowCenter",
        "RescaleIntercept",
        "ConvolutionKernel",
        "KVP",
        "SOPClassUID",
    ):
        assert clean[keyword].value == source[keyword].value, keyword
    assert clean.PixelData == source.PixelData


def test_private_attributes_curves_overlays_and_strange_ones_go() -> None:
    source = slice_dataset()
    block = source.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x10, "LO", "Leak Lane")
    for tag, vr, value in (
        (0x60003000, "OW", b"leak"),
        (0x60004000, "LT", "Leak"),
        (0x50003000, "OW", b"leak"),
        (0x00080FFE, "LO", "Leak"),
    ):
        source.add_new(tag, vr, value)
    cleaned = deidentified(source, KEY)
    assert b"leak" not in flat(cleaned.dataset).lower()
    assert {"0029,1010", "6000,3000", "5000,3000", "0008,0FFE"} <= set(cleaned.tags)


def test_names_and_uids_inside_sequences_go_too() -> None:
    inner = Dataset()
    inner.ReferencedSOPInstanceUID, inner.PatientName, inner.OperatorsName = "1.2.276.0.7.1", "Leak^Lena", "Leak^Otto"
    outer = Dataset()
    outer.ReferencedImageSequence = [inner]
    source = slice_dataset(SourceImageSequence=[outer])
    clean = deidentified(source, KEY).dataset
    item = clean.SourceImageSequence[0].ReferencedImageSequence[0]
    assert item.ReferencedSOPInstanceUID == KEY.uid("1.2.276.0.7.1") and not item.PatientName
    assert item.OperatorsName == "ANONYMIZED^"


def test_a_name_that_the_table_does_not_know_is_emptied() -> None:
    source = slice_dataset()
    names = [tag for tag, entry in DicomDictionary.items() if entry[0] == "PN" and tag >> 16 > 2]
    assert len(names) > 20
    for tag in names:
        source.add_new(tag, "PN", "Leak^Lena")
    assert b"Leak" not in flat(deidentified(source, KEY).dataset)


def test_uids_are_the_same_wherever_they_stand_and_those_of_the_standard_stay() -> None:
    first, second = (deidentified(slice_dataset(StudyInstanceUID="1.2.276.0.7.2"), KEY).dataset for _ in range(2))
    assert first.StudyInstanceUID == second.StudyInstanceUID == KEY.uid("1.2.276.0.7.2") and len(first.StudyInstanceUID) <= 64
    assert first.SOPClassUID == slice_dataset().SOPClassUID
    assert Pseudonyms(b"another key of another site").uid("1.2.276.0.7.2") != first.StudyInstanceUID


def test_marks_say_what_was_done_and_file_meta_names_no_application() -> None:
    source = slice_dataset(PatientID="4711")
    source.file_meta.SourceApplicationEntityTitle, source.file_meta.MediaStorageSOPInstanceUID = "LEAK", source.SOPInstanceUID
    source.preamble = b"LEAK" * 32
    clean = deidentified(source, KEY, ProfileOptions(dates=True, descriptors=True)).dataset
    assert clean.PatientIdentityRemoved == "YES" and clean.LongitudinalTemporalInformationModified == "MODIFIED"
    assert [item.CodeValue for item in clean.DeidentificationMethodCodeSequence] == ["113100", "113107", "113105"]
    written = dcmread(io.BytesIO(flat(clean)))
    assert b"LEAK" not in flat(clean) and "SourceApplicationEntityTitle" not in written.file_meta
    assert written.file_meta.MediaStorageSOPInstanceUID == written.SOPInstanceUID != source.SOPInstanceUID


def dated(**changes: Any) -> Cleaned:
    source = slice_dataset(
        PatientID="4711", IssuerOfPatientID="H", StudyDate="20250301", SeriesDate="20250311", StudyTime="081500", **changes
    )
    return deidentified(source, KEY, ProfileOptions(dates=True))


def test_dates_of_a_patient_move_by_one_number_of_days_and_times_stay() -> None:
    clean = dated(AcquisitionDateTime="20250301081500.5").dataset
    assert clean.StudyDate == KEY.shifted("20250301", "4711", "H") != "20250301"
    assert (int(clean.SeriesDate[6:]) - int(clean.StudyDate[6:])) % 30 in (10, 9, 11, 8, 12) and clean.StudyTime == "081500"
    assert clean.AcquisitionDateTime == clean.StudyDate + "081500.5"
    assert KEY.days("4711", "H") != KEY.days("4712", "H")
    plain = deidentified(slice_dataset(PatientID="4711", StudyDate="20250301"), KEY).dataset
    assert not plain.StudyDate and plain.LongitudinalTemporalInformationModified == "REMOVED"


def test_a_pseudonym_keeps_the_studies_of_a_patient_together() -> None:
    one, two, other = (
        deidentified(slice_dataset(PatientID=patient), KEY, ProfileOptions(patient=True)).dataset.PatientID for patient in ("1", "1", "2")
    )
    assert one == two != other and one.startswith("SL-")
    assert not deidentified(slice_dataset(PatientID="1"), KEY).dataset.PatientID, "rule Z/D, and of type 2: empty"


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("CT Chest w contrast 1.25 mm", "CT CHEST W CONTRAST 1.25 MM"),
        ("Dr. Mueller: lung follow-up", "LUNG FOLLOW"),
        ("Mueller 4711", ""),
        ("1965", ""),
    ],
)
def test_of_descriptors_the_words_of_the_field_stay(told: str, kept: str) -> None:
    assert words_of_the_field(told) == kept
    clean = deidentified(slice_dataset(SeriesDescription=told), KEY, ProfileOptions(descriptors=True)).dataset
    assert clean.get("SeriesDescription", "") == kept


def test_a_file_without_file_meta_information_is_written_as_it_was_read() -> None:
    source = slice_dataset(StudyInstanceUID="1.2.276.0.7.2")
    held = io.BytesIO()
    source.save_as(held, implicit_vr=False, little_endian=True, enforce_file_format=False)
    bare = dcmread(io.BytesIO(held.getvalue()), force=True)
    if "TransferSyntaxUID" in bare.file_meta:
        del bare.file_meta.TransferSyntaxUID
    written = dcmread(io.BytesIO(flat(deidentified(bare, KEY).dataset)))
    assert written.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert written.PixelData == source.PixelData
