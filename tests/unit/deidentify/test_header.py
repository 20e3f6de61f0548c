"""Nothing that names a person passes the door."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, config
from pydicom.datadict import DicomDictionary
from pydicom.dataelem import DataElement
from pydicom.tag import Tag

from core.deidentify import header
from core.deidentify.header import ALLOWED
from core.errors import SightlineError
from core.readers import read_dicom
from core.readers.dicom.series import read_series
from core.report.notices import say
from core.types import Study
from tests.unit.readers.dicom.dicom_files import enhanced, installed, save, slice_dataset

NAME, NUMBER, DAY = "MUSTERMANN", "31415926535", "19630228"
MARKERS = (NAME, NUMBER, DAY, NAME.lower(), NAME.title())
BY_VR = {
    "AE": NAME,
    "AS": NAME,
    "CS": NAME,
    "DA": DAY,
    "DT": DAY + "101112",
    "LO": NAME,
    "LT": NAME,
    "PN": f"{NAME}^ERIKA",
    "SH": NAME,
    "ST": NAME,
    "TM": "101112." + "314159",
    "UC": NAME,
    "UI": f"1.2.{NUMBER}",
    "UR": f"https://{NAME}.example",
    "UT": NAME,
}
# What the file needs to be read as an image at all.
NEEDED = {"SpecificCharacterSet", "PhotometricInterpretation"}


def fill(dataset: Dataset) -> int:
    """Put identifying text into every text attribute of the dictionary, numbers as strings included, and count them."""
    filled = 0
    for number, (vr, _, _, _, keyword) in DicomDictionary.items():
        group = number >> 16
        if keyword in NEEDED or group in (0x0000, 0x0002, 0x0004, 0xFFFE) or group % 2 or not keyword:
            continue
        if vr in BY_VR:
            dataset[number] = DataElement(number, vr, BY_VR[vr], validation_mode=config.IGNORE)
        elif vr in ("DS", "IS"):  # a text where a number belongs
            dataset[number] = DataElement(number, "LO", NAME, validation_mode=config.IGNORE)
        else:
            continue
        filled += 1
    return filled


@pytest.fixture
def careless() -> Iterator[None]:
    """Let pydicom write what is not valid."""
    earlier = config.settings.writing_validation_mode
    config.settings.writing_validation_mode = config.IGNORE
    yield
    config.settings.writing_validation_mode = earlier


def everything(study: Study) -> str:
    """All that can be read out of a Study but its name, as text."""
    parts = [repr(study), str(study.header), repr(study.frames), *map(say, study.assumptions)]
    parts += [str(header) for header in study.frame_headers]
    parts += [f"{element.keyword} {element.value!r}" for element in study.header.iterall()]
    parts += [str(value) for value in vars(study).values()]
    return "\n".join(parts)


def test_no_text_attribute_of_a_file_survives(tmp_path: Path, careless: None) -> None:
    dataset = slice_dataset()
    assert fill(dataset) > 2000
    dataset.add_new(Tag(0x0009, 0x0010), "LO", NAME)
    dataset.add_new(Tag(0x0009, 0x1001), "LO", NAME)
    inner = Dataset()
    fill(inner)
    dataset.RequestAttributesSequence = [inner]
    dataset.OtherPatientIDsSequence = [inner]
    study = read_dicom(save(dataset, tmp_path / "a"))
    text = everything(study)
    assert not [marker for marker in MARKERS if marker in text]
    assert study.frames.read(0).shape == (16, 16)
    assert {element.keyword for element in study.header} <= ALLOWED


def test_no_text_of_functional_groups_survives(tmp_path: Path, careless: None) -> None:
    dataset = enhanced([0.0, 2.0], [0.0, 0.0])
    for item in dataset.PerFrameFunctionalGroupsSequence:
        fill(item)
        for inner in (item.PlanePositionSequence[0], item.FrameVOILUTSequence[0], item.PixelValueTransformationSequence[0]):
            fill(inner)
    text = everything(read_dicom(save(dataset, tmp_path / "a")))
    assert not [marker for marker in MARKERS if marker in text]


def test_no_text_of_a_series_survives(tmp_path: Path, careless: None) -> None:
    paths = []
    for index in range(3):
        dataset = slice_dataset(np.full((16, 16), index, np.int16))
        fill(dataset)
        dataset.SeriesInstanceUID = f"1.2.{NUMBER}"
        paths.append(save(dataset, tmp_path / str(index)))
    for study in read_series(paths, "series"):
        assert not [marker for marker in MARKERS if marker in everything(study)]


def test_only_the_class_of_the_object_remains_of_all_identifiers(tmp_path: Path) -> None:
    study = read_dicom(save(slice_dataset(StudyInstanceUID="1.2.3", FrameOfReferenceUID="1.2.4"), tmp_path / "a"))
    assert [element.keyword for element in study.header if element.VR == "UI"] == ["SOPClassUID"]


def test_high_ages_are_not_told_exactly(tmp_path: Path) -> None:
    assert read_dicom(save(slice_dataset(PatientAge="103Y"), tmp_path / "a")).age_years == 90.0


def test_warnings_and_logs_say_nothing_of_the_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], careless: None
) -> None:
    dataset = slice_dataset()
    fill(dataset)
    path = save(dataset, tmp_path / "a")
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_dicom(path).frames.read(0)
        for name in ("693_J2KI.dcm", "badVR.dcm", "J2K_pixelrep_mismatch.dcm", "MR_small_padded.dcm"):
            read_dicom(installed(name)).frames.read(0)
    assert not caught
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_an_error_and_its_cause_quote_nothing_of_the_file(tmp_path: Path, careless: None) -> None:
    path = tmp_path / "a"
    path.write_bytes(installed("CT_small.dcm").read_bytes()[:3000])
    with pytest.raises(SightlineError) as caught:
        read_dicom(path).frames.read(0)
    dataset = slice_dataset()
    dataset[Tag("Rows")] = DataElement(Tag("Rows"), "LO", NAME)
    with pytest.raises(SightlineError) as other:
        read_dicom(save(dataset, tmp_path / "b"))
    for error in (caught.value, other.value):
        assert NAME not in f"{error} {error.__cause__!r} {error.__context__!r}"


def test_a_number_of_the_header_is_converted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    converted: list[str] = []
    allowed_value = header.allowed_value

    def watched(source: Dataset, keyword: str) -> Any:
        converted.append(keyword)
        return allowed_value(source, keyword)

    monkeypatch.setattr(header, "allowed_value", watched)
    dataset = slice_dataset()
    dataset[Tag("KVP")] = DataElement(Tag("KVP"), "LO", "much")
    assert header.unreadable(dataset, header.cleaned(dataset)) == ("KVP",)
    assert len(converted) == len(set(converted))
    assert {keyword for keyword in converted if keyword not in dataset} == set(), "what is absent is not asked for"
