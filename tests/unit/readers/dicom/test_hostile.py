"""Damaged and hostile DICOM: always an answer or a sentence, never a crash, a bomb or a traceback."""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.encaps import encapsulate
from pydicom.uid import MPEG4HP41, DeflatedExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit

from core.errors import SightlineError, TooLarge, UnreadableFile
from core.readers import read_dicom, read_image
from core.readers.dicom.codestream import codestream_size
from core.types import Study
from tests.unit.readers.dicom.dicom_files import installed, save, slice_dataset

VICTIMS = (
    "CT_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "JPGExtended.dcm",
    "examples_palette.dcm",
    "image_dfl.dcm",
)


def read_all(data: bytes) -> None:
    """Read a file of these bytes: a Study with frames, or an error of ours."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        path.write_bytes(data)
        try:
            image = read_image(path)
            if isinstance(image, Study):
                image.frames.read(image.shape[0] - 1)
        except SightlineError as error:
            assert "Traceback" not in str(error)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(VICTIMS), st.floats(0, 1))
def test_a_file_may_be_cut_off_anywhere(name: str, share: float) -> None:
    data = installed(name).read_bytes()
    read_all(data[: int(share * len(data))])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(VICTIMS), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8), st.booleans())
def test_any_byte_may_be_wrong(name: str, changes: list[tuple[float, int]], in_the_header: bool) -> None:
    data = bytearray(installed(name).read_bytes())
    reach = min(len(data), 2500) if in_the_header else len(data)
    for share, value in changes:
        data[int(share * (reach - 1))] = value
    read_all(bytes(data))


def test_a_truncated_file_is_refused_at_the_door() -> None:
    with pytest.raises(UnreadableFile, match=r"MR_truncated\.dcm ends before its pixels do"):
        read_dicom(installed("MR_truncated.dcm"))


def test_more_frames_than_pixels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="1 of 2000000000 frames"):
        read_dicom(save(slice_dataset(NumberOfFrames=2_000_000_000), tmp_path / "a"))


def test_absurd_sizes_are_refused_before_decoding(tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="65000 x 65000"):
        read_dicom(save(slice_dataset(Rows=65000, Columns=65000), tmp_path / "a"))


def test_the_size_limit_is_a_setting(tmp_path: Path, set_limits: Callable[..., None]) -> None:
    set_limits(decoded_megapixels=1)
    with pytest.raises(TooLarge, match="more than 1 million"):
        read_dicom(save(slice_dataset(Rows=1024, Columns=1024), tmp_path / "a"))


def test_a_codestream_larger_than_its_header_is_not_decoded(tmp_path: Path) -> None:
    siz = struct.pack(">HHLLLLLLLLHB", 41, 0, 60000, 60000, 0, 0, 60000, 60000, 0, 0, 1, 7) + b"\1\1"
    bomb = b"\xff\x4f\xff\x51" + siz + b"\xff\xd9"
    size = codestream_size(bomb)
    assert size is not None
    assert (size.rows, size.columns, size.components, size.bits) == (60000, 60000, 1, 8)
    dataset = slice_dataset(BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0)
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
    dataset.PixelData = encapsulate([bomb])
    dataset["PixelData"].is_undefined_length = True
    study = read_dicom(save(dataset, tmp_path / "a"))
    with pytest.raises(TooLarge, match="60000 x 60000"):
        study.frames.read(0)


def test_a_codestream_of_another_size_than_its_header_is_refused(tmp_path: Path) -> None:
    dataset = slice_dataset(BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0)
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.PixelData = encapsulate([b"\xff\xd8\xff\xc0\x00\x0b\x08\x00\x20\x00\x20\x01\x01\x11\x00\xff\xd9"])
    dataset["PixelData"].is_undefined_length = True
    with pytest.raises(UnreadableFile, match="says 16 x 16 x 1, but its compressed frame is 32 x 32 x 1"):
        read_dicom(save(dataset, tmp_path / "a")).frames.read(0)


def test_a_deflated_bomb_is_not_inflated(tmp_path: Path, set_limits: Callable[..., None]) -> None:
    set_limits(decoded_megapixels=1)
    plain = installed("image_dfl.dcm").read_bytes()
    assert DeflatedExplicitVRLittleEndian.encode() in plain
    start = 144 + struct.unpack_from("<L", plain, 140)[0]
    worker = zlib.compressobj(9, wbits=-15)
    path = tmp_path / "a"
    path.write_bytes(plain[:start] + worker.compress(bytes(20_000_000)) + worker.flush())
    with pytest.raises(TooLarge, match="unpacks to more than 2 MB"):
        read_dicom(path)


def test_sequences_within_sequences_do_not_exhaust_the_stack(tmp_path: Path) -> None:
    depth = 5000
    opening = struct.pack("<HH2sHL", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF) + struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    data = installed("CT_small.dcm").read_bytes()
    at = data.index(b"\x28\x00\x02\x00US")  # before SamplesPerPixel: inside the data set
    path = tmp_path / "a"
    path.write_bytes(data[:at] + opening * depth + data[at:])
    with pytest.raises(SightlineError):
        read_dicom(path)


def test_a_video_is_named(tmp_path: Path) -> None:
    dataset = slice_dataset(BitsAllocated=8, BitsStored=8, HighBit=7)
    dataset.file_meta.TransferSyntaxUID = MPEG4HP41
    dataset.PixelData = encapsulate([b"\0" * 64])
    dataset["PixelData"].is_undefined_length = True
    with pytest.raises(UnreadableFile, match="holds a video"):
        read_dicom(save(dataset, tmp_path / "a"))


def test_a_file_that_vanishes_after_it_was_opened_is_told(tmp_path: Path) -> None:
    path = save(slice_dataset(), tmp_path / "a")
    study = read_dicom(path)
    path.unlink()
    with pytest.raises(SightlineError, match="no longer there"):
        study.frames.read(0)
