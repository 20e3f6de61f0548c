"""Headers that are wrong in ways that files of the world are: what they mean is read, or what was left out is said."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image
from pydicom import Dataset, dcmread

from core.prepare.windowing import modality_values
from core.readers import read_dicom
from core.types import Study
from core.types.notice import NoticeValue
from tests.unit.readers.dicom.dicom_files import enhanced, save, slice_dataset
from tests.unit.readers.dicom.streams import ENCODERS, compressed, scene


def with_commas(path: Path, **values: str) -> Path:
    """The file with decimal strings of equal length put in place of what it says; pydicom would not write them."""
    data = path.read_bytes()
    for keyword, value in values.items():
        element = dcmread(path)[keyword]
        tag = element.tag.group.to_bytes(2, "little") + element.tag.elem.to_bytes(2, "little") + b"DS"
        start = data.index(tag) + 8
        length = int.from_bytes(data[start - 2 : start], "little")
        assert len(value) <= length
        data = data[:start] + value.ljust(length).encode() + data[start + length :]
    path.write_bytes(data)
    return path


def said(study: Study) -> dict[str, dict[str, NoticeValue]]:
    """Code to values of what was assumed."""
    return {note.code: dict(note.values) for note in study.assumptions}


def test_decimal_commas_are_read_as_points(tmp_path: Path) -> None:
    dataset = slice_dataset(RescaleIntercept="-1024.50", PixelSpacing=["2.2500", "2.2000"], WindowCenter="40.25")
    path = save(dataset, tmp_path / "comma")
    study = read_dicom(with_commas(path, RescaleIntercept="-1024,5", PixelSpacing="2,25\\2,2", WindowCenter="40,2"))
    assert study.spacing_mm == (2.25, 2.2)
    assert study.frame_header(0).WindowCenter == 40.2
    assert modality_values(study, 0)[0, 0] == -1024.5
    assert said(study) == {}


def test_a_number_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = save(slice_dataset(RescaleIntercept="-1024.50", PixelSpacing=["2.2500", "2.2000"]), tmp_path / "words")
    study = read_dicom(with_commas(path, RescaleIntercept="minus", PixelSpacing="2,2,5\\2,2"))
    assert study.spacing_mm is None
    assert said(study)["dicom.no-numbers"] == {"attributes": ("PixelSpacing", "RescaleIntercept")}


def of_frames(path: Path, intercepts: list[float], frames: int) -> Study:
    dataset = enhanced([2.0 * index for index in range(len(intercepts))], intercepts)
    dataset.NumberOfFrames = frames
    dataset.PixelData = np.zeros((frames, 8, 8), np.int16).tobytes()
    return read_dicom(save(dataset, path))


@pytest.mark.parametrize(("groups", "left_out"), [(1, ("ImagePositionPatient",)), (3, ("ImagePositionPatient", "WindowCenter"))])
def test_frame_groups_that_say_the_same_hold_for_every_frame(groups: int, left_out: tuple[str, ...], tmp_path: Path) -> None:
    study = of_frames(tmp_path / "mismatch", [-1024.0] * groups, 2)
    assert [float(modality_values(study, index).max()) for index in range(2)] == [-1024.0, -1024.0]
    assert study.positions == ()
    assert not study.is_volume
    assert said(study)["dicom.groups-differ"] == {"attributes": left_out, "count": groups, "held": 2}


def test_frame_groups_that_differ_are_left_out_by_name_where_nobody_knows_whose_they_are(tmp_path: Path) -> None:
    study = of_frames(tmp_path / "mismatch", [-1024.0, -1000.0, -900.0], 2)
    assert "RescaleIntercept" in str(said(study)["dicom.groups-differ"]["attributes"])
    assert "RescaleIntercept" not in study.frame_header(0)


def bits_at_the_top(values: np.ndarray, **attributes: Any) -> Dataset:
    words = (values.astype(np.uint16) << 4) | 0x5  # noise in the four bits that mean nothing
    return slice_dataset(words, BitsStored=12, HighBit=15, **attributes)


@pytest.mark.parametrize("is_signed", [False, True])
def test_bits_at_the_top_of_a_word_are_brought_down(is_signed: bool, tmp_path: Path) -> None:
    values = scene().astype(np.int16) - (2048 if is_signed else 0)
    study = read_dicom(save(bits_at_the_top(values, PixelRepresentation=int(is_signed)), tmp_path / "top"))
    assert_array_equal(study.frames.read(0), values)
    assert study.header.HighBit == 11


@pytest.mark.parametrize("is_signed", [False, True])
def test_what_stands_in_unused_bits_is_no_part_of_the_value(is_signed: bool, tmp_path: Path) -> None:
    values = scene().astype(np.int16) - (2048 if is_signed else 0)
    words = (values.astype(np.uint16) & 0x0FFF) | 0x6000
    dataset = slice_dataset(words, BitsStored=12, HighBit=11, PixelRepresentation=int(is_signed))
    assert_array_equal(read_dicom(save(dataset, tmp_path / "unused")).frames.read(0), values)


def test_bits_at_the_top_of_a_compressed_word_are_brought_down(tmp_path: Path) -> None:
    stream = ENCODERS["JPEG-LS"][1](scene() << 4)
    study = read_dicom(compressed("JPEG-LS", [stream], tmp_path / "top", HighBit=15))
    assert_array_equal(study.frames.read(0), scene())


def test_dcmtk_reads_the_same_values_out_of_words_that_hold_more(tmp_path: Path) -> None:
    if shutil.which("dcm2pnm") is None:
        pytest.skip("dcm2pnm is not here: install the package dcmtk")
    path = save(bits_at_the_top(scene(), RescaleSlope=None, RescaleIntercept=None, WindowCenter=None, WindowWidth=None), tmp_path / "top")
    subprocess.run(["dcm2pnm", "+on", "+Wm", str(path), str(tmp_path / "o.png")], check=True, capture_output=True)
    shown = np.asarray(Image.open(tmp_path / "o.png")).astype(float)
    values = read_dicom(path).frames.read(0).astype(float)
    expected = (values - values.min()) / np.ptp(values) * 255
    assert np.abs(shown - expected).max() <= 1


# ------------------------------------------------------------ the files of ../shared/cases


def hounsfield(path: Path) -> list[np.ndarray]:
    study = read_dicom(path)
    return [modality_values(study, index) for index in range(study.shape[0])]


@pytest.mark.parametrize(
    ("case", "twin"),
    [
        ("decimal-comma/intercept.dcm", "decimal-comma/twin.dcm"),
        ("decimal-comma/spacing.dcm", "decimal-comma/twin.dcm"),
        ("frame-groups-mismatch/fewer.dcm", "frame-groups-mismatch/right.dcm"),
        ("frame-groups-mismatch/more.dcm", "frame-groups-mismatch/right.dcm"),
        ("high-bit-15/top.dcm", "high-bit-15/twin.dcm"),
        ("jpegls-ff-padding/padded.dcm", "jpegls-ff-padding/twin.dcm"),
        ("offset-table/noheader.dcm", "offset-table/right.dcm"),
        ("offset-table/one.dcm", "offset-table/right.dcm"),
        ("offset-table/shifted.dcm", "offset-table/right.dcm"),
        ("offset-table/zeros.dcm", "offset-table/right.dcm"),
    ],
)
def test_each_case_reads_as_its_twin(case: str, twin: str, shared_cases: Path) -> None:
    one, other = hounsfield(shared_cases / case), hounsfield(shared_cases / twin)
    assert len(one) == len(other)
    for values, expected in zip(one, other, strict=True):
        assert_array_equal(values, expected)
    assert read_dicom(shared_cases / case).spacing_mm == read_dicom(shared_cases / twin).spacing_mm
    assert one[0].min() <= -1000
