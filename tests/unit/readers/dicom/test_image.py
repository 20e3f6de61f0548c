"""Reading one DICOM object."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian

from core.errors import NoPixels, OutOfRange, SightlineError, UnreadableFile
from core.readers import read_dicom, read_image, sniff
from core.types import Study, notice
from tests.unit.readers.dicom.dicom_files import enhanced, installed, save, slice_dataset


def test_stored_values_come_back_as_they_were_written(tmp_path: Path) -> None:
    pixels = np.arange(-128, 128, dtype=np.int16).reshape(16, 16)
    study = read_dicom(save(slice_dataset(pixels), tmp_path / "a"))
    assert study.shape == (1, 16, 16)
    assert_array_equal(study.frames.read(0), pixels)


def test_a_study_tells_what_is_in_the_header(tmp_path: Path) -> None:
    dataset = slice_dataset(PatientSex="F", PatientAge="011M", PixelSpacing=[0.4, 0.6], ImagePositionPatient=[1.0, 2.0, 3.0])
    study = read_dicom(save(dataset, tmp_path / "a"), "what the user calls it")
    assert (study.name, study.modality, study.body_part, study.sex) == ("what the user calls it", "CT", "CHEST", "F")
    assert study.age_years == pytest.approx(11 / 12, abs=0.01)
    assert study.spacing_mm == (0.4, 0.6)
    assert study.positions == ((1.0, 2.0, 3.0),)
    assert study.frame_header(0).RescaleIntercept == -1024
    assert not study.is_volume


def test_age_is_derived_from_dates_where_it_is_not_told_and_the_dates_are_forgotten(tmp_path: Path) -> None:
    study = read_dicom(save(slice_dataset(PatientBirthDate="19700615", StudyDate="20200101"), tmp_path / "a"))
    assert study.age_years == 49.0
    assert "1970" not in str(study.header)


def test_spacing_of_a_radiograph_is_that_at_the_detector(tmp_path: Path) -> None:
    dataset = slice_dataset(Modality="DX", ImagerPixelSpacing=[0.2, 0.2], PixelSpacing=[0.1, 0.1])
    assert read_dicom(save(dataset, tmp_path / "a")).spacing_mm == (0.2, 0.2)


@pytest.mark.parametrize(
    ("compressed", "plain"),
    [
        ("MR_small_RLE.dcm", "MR_small.dcm"),
        ("MR_small_jp2klossless.dcm", "MR_small.dcm"),
        ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm"),
        ("MR_small_implicit.dcm", "MR_small.dcm"),
        ("MR_small_bigendian.dcm", "MR_small.dcm"),
        ("SC_rgb_rle_2frame.dcm", "SC_rgb_rle.dcm"),
        ("rtdose_rle.dcm", "rtdose.dcm"),
        ("rtdose_expb.dcm", "rtdose.dcm"),
    ],
)
def test_a_lossless_encoding_changes_no_value(compressed: str, plain: str) -> None:
    one, other = read_dicom(installed(compressed)), read_dicom(installed(plain))
    assert one.frames.read(0).dtype.isnative
    assert_array_equal(one.frames.read(0), other.frames.read(0))


def test_jpeg_lossless_of_16_bits_gives_signed_values(shared_data: Path) -> None:
    frame = read_dicom(shared_data / "dicom" / "odd" / "explicit_ct_jpeg-lossless-nh_mono2.dcm").frames.read(0)
    assert (frame.dtype, frame.min(), frame.max()) == (np.int16, -196, 406)


def test_twelve_bit_jpeg_extended_is_decoded() -> None:
    frame = read_dicom(installed("JPGExtended.dcm")).frames.read(0)
    assert frame.shape == (1024, 256)
    assert frame.max() == 264  # as pydicom's documentation has it


def test_deflated_files_are_inflated() -> None:
    assert read_dicom(installed("image_dfl.dcm")).frames.read(0).shape == (512, 512)


@pytest.mark.parametrize(
    "name",
    [
        "examples_palette.dcm",
        "examples_ybr_color.dcm",
        "examples_rgb_color.dcm",
        "SC_rgb_rle_16bit.dcm",
        "SC_ybr_full_422_uncompressed.dcm",
    ],
)
def test_colour_comes_out_as_eight_bit_red_green_blue(name: str) -> None:
    study = read_dicom(installed(name))
    frame = study.frames.read(0)
    assert frame.dtype == np.uint8
    assert frame.shape == (*study.shape[1:], 3)
    assert study.photometric == study.header.PhotometricInterpretation == "RGB"
    assert study.frame_header(0).BitsStored == 8


def test_the_same_picture_is_the_same_in_rgb_and_ybr() -> None:
    rgb = read_dicom(installed("SC_rgb_rle.dcm")).frames.read(0).astype(int)
    ybr = read_dicom(installed("SC_ybr_full_422_uncompressed.dcm")).frames.read(0).astype(int)
    assert np.abs(rgb - ybr).mean() < 3  # chroma is shared by two pixels


def test_monochrome1_stays_as_stored_and_says_so(shared_data: Path) -> None:
    study = read_dicom(shared_data / "dicom" / "odd" / "dx_image.dcm")
    assert study.photometric == study.frame_header(0).PhotometricInterpretation == "MONOCHROME1"


def test_several_windows_are_all_kept(tmp_path: Path) -> None:
    dataset = slice_dataset(WindowCenter=[40, -600], WindowWidth=[400, 1500], WindowCenterWidthExplanation=["WINDOW1", "LUNG"])
    header = read_dicom(save(dataset, tmp_path / "a")).frame_header(0)
    assert list(header.WindowCenter) == [40, -600]
    assert list(header.WindowWidth) == [400, 1500]
    assert list(header.WindowCenterWidthExplanation) == ["WINDOW1", "LUNG"]


def test_frames_of_an_enhanced_object_have_their_own_rescale_window_and_place(tmp_path: Path) -> None:
    study = read_dicom(save(enhanced([0.0, 2.0, 4.0], [-1024.0, -1000.0, -900.0]), tmp_path / "a"))
    assert [study.frame_header(i).RescaleIntercept for i in range(3)] == [-1024, -1000, -900]
    assert [study.frame_header(i).WindowCenter for i in range(3)] == [0, 1, 2]
    assert study.spacing_mm == (0.7, 0.7)
    assert study.is_volume
    assert study.slice_spacing_mm == pytest.approx(2.0)
    assert [int(study.frames.read(i).max()) for i in range(3)] == [0, 1, 2]


def test_frames_of_an_enhanced_object_with_a_gap_are_no_volume(tmp_path: Path) -> None:
    study = read_dicom(save(enhanced([0.0, 2.0, 6.0], [0.0, 0.0, 0.0]), tmp_path / "a"))
    assert not study.is_volume
    assert len(study.positions) == 3


def test_a_frame_that_is_not_there_is_refused() -> None:
    with pytest.raises(OutOfRange, match="0 <= frame < 15"):
        read_dicom(installed("rtdose.dcm")).frames.read(15)


def test_preamble_file_meta_and_name_are_not_needed(tmp_path: Path) -> None:
    dataset = slice_dataset()
    bare = io.BytesIO()
    dataset.save_as(bare, implicit_vr=False, little_endian=True, enforce_file_format=False)
    data = bare.getvalue()
    path = tmp_path / "picture.jpg"
    path.write_bytes(data[data.index(b"\x08\x00\x08\x00CS") :])
    assert sniff(path) == "DICOM"
    study = read_image(path)
    assert isinstance(study, Study)
    assert study.frames.read(0).max() == 255


def test_a_broken_number_of_frames_is_told_by_the_length_of_the_pixels() -> None:
    study = read_dicom(installed("badVR.dcm"))
    assert study.shape == (15, 10, 10)
    assert study.assumptions[0] == notice("dicom.frames-counted", frames=15)


def test_missing_photometric_interpretation_is_an_assumption(tmp_path: Path) -> None:
    study = read_dicom(save(slice_dataset(PhotometricInterpretation=None), tmp_path / "a"))
    assert study.photometric == "MONOCHROME2"
    assert notice("dicom.photometric-assumed", photometric="MONOCHROME2") in study.assumptions


def test_a_modality_lut_keeps_its_numbers(tmp_path: Path) -> None:
    dataset = slice_dataset(np.zeros((4, 4), np.uint16))
    table = type(dataset)()
    table.add_new("LUTDescriptor", "US", [3, 0, 16])
    table.add_new("LUTData", "US", [10, 20, 30])
    table.LUTExplanation = "MUSTERMANN"
    table.ModalityLUTType = "HU"
    dataset.ModalityLUTSequence = [table]
    kept = read_dicom(save(dataset, tmp_path / "a")).frame_header(0).ModalityLUTSequence[0]
    assert (list(kept.LUTDescriptor), list(kept.LUTData), kept.ModalityLUTType) == ([3, 0, 16], [10, 20, 30], "HU")
    assert "LUTExplanation" not in kept


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rtplan.dcm", "RT Plan"),
        ("test-SR.dcm", "Comprehensive SR"),
        ("waveform_ecg.dcm", "12-lead ECG Waveform"),
        ("DICOMDIR", "the index of a disc"),
    ],
)
def test_an_object_without_an_image_is_named_for_what_it_is(name: str, words: str) -> None:
    with pytest.raises(NoPixels, match=words):
        read_dicom(installed(name))


def test_every_file_that_comes_with_pydicom_is_read_or_refused_with_a_sentence() -> None:
    folder = installed("CT_small.dcm").parent
    for path in sorted(folder.glob("*")):
        if path.is_dir():
            continue
        try:
            image = read_image(path)
            assert isinstance(image, Study)
            for index in {0, image.shape[0] // 2, image.shape[0] - 1}:
                assert image.frames.read(index).size > 0
        except SightlineError as error:
            assert error.message.endswith("."), path.name
            assert error.hint, path.name
            assert path.name in error.message


def test_every_odd_file_is_read_or_refused_with_a_sentence(shared_data: Path) -> None:
    refused = {}
    for path in sorted((shared_data / "dicom" / "odd").iterdir()):
        try:
            study = read_image(path)
            assert isinstance(study, Study)
            study.frames.read(0)
        except SightlineError as error:
            refused[path.name] = type(error)
    assert set(refused) == {
        "at_invalid.dcm",
        "at_no_value.dcm",
        "duplicates.dcm",
        "encoding_iso8859-1.dcm",
        "encoding_utf8.dcm",
        "invalid_compression.dcm",
        "sr_document.dcm",
    }
    assert refused["invalid_compression.dcm"] is UnreadableFile


def test_a_header_says_explicitly_what_pydicom_reads_of_the_pixels() -> None:
    """Oracle: pydicom's own pixel array of an uncompressed file."""
    path = installed("CT_small.dcm")
    dataset = dcmread(path)
    assert dataset.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    study = read_dicom(path)
    assert_array_equal(study.frames.read(0), dataset.pixel_array)
    assert_allclose(study.spacing_mm or (), dataset.PixelSpacing)


def test_a_photograph_is_no_shadow_and_its_millimetres_are_not_those_of_a_detector(tmp_path: Path) -> None:
    photograph = read_dicom(save(slice_dataset(Modality="XC", ImagerPixelSpacing=[0.2, 0.2], PixelSpacing=[0.1, 0.1]), tmp_path / "a"))
    assert not photograph.is_projection
    assert photograph.spacing_mm == (0.1, 0.1)
    assert read_dicom(save(slice_dataset(Modality="PX"), tmp_path / "b")).is_projection
