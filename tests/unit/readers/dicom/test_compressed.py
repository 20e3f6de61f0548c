"""Compressed frames: padded, cut off, said to be larger than they are, and in items that an offset table does not tell."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.uid import ExplicitVRBigEndian

from core.errors import UnreadableFile
from core.readers import read_dicom
from core.readers.dicom.codestream import JPEG_FULL_PROGRESSION, JPEG_SPECTRAL_SELECTION
from core.types import notice
from tests.unit.readers.dicom.dicom_files import installed, save, slice_dataset
from tests.unit.readers.dicom.streams import EIGHT_BITS, ENCODERS, WITH_END_MARKER, compressed, in_items, scene

END = b"\xff\xd9"
PADDING = {
    "a zero": b"\0",
    "an FF": b"\xff",
    "two FF": b"\xff\xff",
    "many zeros": bytes(16),
    "FF and zeros": b"\xff\0\0\xff",
    "a space": b" ",
}
JPEGS = ("JPEG", "JPEG with restarts", "progressive JPEG", "JPEG Lossless")
Changed = Callable[[bytes], bytes]


def frame_of(kind: str, change: Changed, path: Path) -> NDArray[Any]:
    stream = ENCODERS[kind][1](scene())
    return read_dicom(compressed(kind, [change(stream)], path)).frames.read(0)


def whole(kind: str, path: Path) -> NDArray[Any]:
    frame = frame_of(kind, lambda stream: stream, path)
    difference = np.abs(frame.astype(int) - (scene() >> 4 if kind in EIGHT_BITS else scene()))
    assert difference.mean() < 3 if kind in EIGHT_BITS else difference.max() == 0
    return frame


@pytest.mark.parametrize("padding", PADDING)
@pytest.mark.parametrize("kind", ENCODERS)
def test_padding_behind_a_frame_changes_nothing(kind: str, padding: str, tmp_path: Path) -> None:
    padded = frame_of(kind, lambda stream: stream + PADDING[padding], tmp_path / "padded")
    assert_array_equal(padded, whole(kind, tmp_path / "whole"))


@pytest.mark.parametrize("padding", ["a zero", "an FF", "two FF", "many zeros"])
@pytest.mark.parametrize("kind", WITH_END_MARKER)
def test_padding_before_the_end_marker_changes_nothing(kind: str, padding: str, tmp_path: Path) -> None:
    """One zero there is what made MR1_JLSL of the NEMA WG04 files unreadable."""
    padded = frame_of(kind, lambda stream: stream.removesuffix(END) + PADDING[padding] + END, tmp_path / "padded")
    assert_array_equal(padded, whole(kind, tmp_path / "whole"))


@pytest.mark.parametrize("kind", WITH_END_MARKER)
def test_a_whole_frame_needs_no_end_marker(kind: str, tmp_path: Path) -> None:
    assert_array_equal(frame_of(kind, lambda stream: stream.removesuffix(END), tmp_path / "open"), whole(kind, tmp_path / "whole"))


@pytest.mark.parametrize("is_closed", [False, True], ids=["open", "closed by an end marker"])
@pytest.mark.parametrize("share", [0.5, 0.7, 0.97])
@pytest.mark.parametrize("kind", ENCODERS)
def test_a_frame_that_ends_early_is_refused(kind: str, share: float, is_closed: bool, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="damaged or cut off"):
        frame_of(kind, lambda stream: stream[: int(share * len(stream))] + END * is_closed, tmp_path / "cut")


def test_a_jpeg_that_ends_between_two_restarts_is_refused(tmp_path: Path) -> None:
    def cut(stream: bytes) -> bytes:
        return stream[: stream.index(b"\xff\xd3")] + END

    with pytest.raises(UnreadableFile, match="damaged or cut off"):
        frame_of("JPEG with restarts", cut, tmp_path / "cut")


def test_a_progressive_jpeg_without_its_last_scans_is_refused(tmp_path: Path) -> None:
    def cut(stream: bytes) -> bytes:
        return stream[: stream.rindex(b"\xff\xda")] + END

    with pytest.raises(UnreadableFile, match="damaged or cut off"):
        frame_of("progressive JPEG", cut, tmp_path / "cut")


@pytest.mark.parametrize("side", [200, 19_999])
@pytest.mark.parametrize("kind", [*JPEGS, "JPEG-LS", "HTJ2K in tiles", "RLE"])
def test_a_frame_that_says_it_is_larger_than_it_is_is_refused(kind: str, side: int, tmp_path: Path) -> None:
    def raised(stream: bytes) -> bytes:
        changed = bytearray(stream)
        if kind == "HTJ2K in tiles":
            struct.pack_into(">LL", changed, 8, side, side)
        elif kind != "RLE":
            marker = next(at for at in (stream.find(b"\xff" + bytes((sof,))) for sof in (0xC0, 0xC2, 0xC3, 0xF7)) if at > 0)
            struct.pack_into(">HH", changed, marker + 5, side, side)
        return bytes(changed)

    stream = raised(ENCODERS[kind][1](scene()))
    study = read_dicom(compressed(kind, [stream], tmp_path / "raised", Rows=side, Columns=side))
    with pytest.raises(UnreadableFile):
        study.frames.read(0)


def test_a_huge_codestream_of_one_tile_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    changed = bytearray(ENCODERS["JPEG 2000"][1](scene()))
    struct.pack_into(">LL", changed, 8, 19_999, 19_999)
    struct.pack_into(">LL", changed, 24, 19_999, 19_999)
    study = read_dicom(compressed("JPEG 2000", [bytes(changed)], tmp_path / "huge", Rows=19_999, Columns=19_999))
    with pytest.raises(UnreadableFile, match=r"19999 x 19999 pixels, but its compressed frame has only [\d,]+ bytes"):
        study.frames.read(0)


@pytest.mark.parametrize("option", ["+es", "+ep"], ids=["spectral selection", "full progression"])
@pytest.mark.parametrize("name", ["CT_small.dcm", "SC_rgb_rle.dcm"])
def test_retired_progressive_jpeg_is_read_as_dcmtk_reads_it(name: str, option: str, tmp_path: Path) -> None:
    if shutil.which("dcm2pnm") is None:
        pytest.skip("dcmcjpeg is not here: install the package dcmtk")
    plain, file, back = tmp_path / "plain.dcm", tmp_path / "progressive.dcm", tmp_path / "back.dcm"
    source = dcmread(installed(name))
    if source.file_meta.TransferSyntaxUID.is_compressed:
        source.decompress()
    else:  # 12 bits without a sign, as process 10 and 12 have them
        values = source.pixel_array.astype(np.uint16)
        source.BitsStored, source.HighBit, source.PixelRepresentation, source.PixelData = 12, 11, 0, values.tobytes()
    source.save_as(plain)
    subprocess.run(["dcmcjpeg", option, str(plain), str(file)], check=True, capture_output=True)
    subprocess.run(["dcmdjpeg", str(file), str(back)], check=True, capture_output=True)
    assert dcmread(file).file_meta.TransferSyntaxUID in (JPEG_SPECTRAL_SELECTION, JPEG_FULL_PROGRESSION)
    difference = read_dicom(file).frames.read(0).astype(int) - read_dicom(back).frames.read(0)
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("kind", ["JPEG 2000", "JPEG Lossless", "RLE"])
@pytest.mark.parametrize(
    "table",
    [(), (0, 0), (0,), "right", "shifted", "without item headers", (0, 7)],
    ids=["none", "zeros", "one entry", "right", "shifted", "without item headers", "nowhere"],
)
def test_two_fragments_are_two_frames_whatever_the_offset_table_says(kind: str, table: str | Sequence[int], tmp_path: Path) -> None:
    frames = [ENCODERS[kind][1](values) for values in (scene(), scene()[::-1].copy())]
    length = len(frames[0]) + len(frames[0]) % 2
    named = {"right": (0, length + 8), "shifted": (8, length + 16), "without item headers": (0, length)}
    path = compressed(kind, frames, tmp_path / "two")
    replace_pixels(path, in_items(frames, named[table] if isinstance(table, str) else table))
    read = read_dicom(path).frames
    assert_array_equal(read.read(0), scene())
    assert_array_equal(read.read(1), scene()[::-1])


def replace_pixels(path: Path, pixels: bytes, tag: bytes = b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff") -> None:
    data = path.read_bytes()
    path.write_bytes(data[: data.index(tag) + len(tag)] + pixels)


@pytest.mark.parametrize("table", [(), (0, 0)])
def test_frames_of_several_fragments_are_told_by_the_codestreams_that_begin(table: Sequence[int], tmp_path: Path) -> None:
    frames = [ENCODERS["JPEG-LS"][1](values) for values in (scene(), scene()[::-1].copy())]
    pieces = [frames[0][:400], frames[0][400:800], frames[0][800:], frames[1][:1000], frames[1][1000:]]
    path = compressed("JPEG-LS", frames, tmp_path / "five")
    replace_pixels(path, in_items(pieces, table))
    assert_array_equal(read_dicom(path).frames.read(1), scene()[::-1])
    assert_array_equal(read_dicom(path).frames.read(0), scene())


def test_frames_are_counted_where_their_number_is_not_told(tmp_path: Path) -> None:
    frames = [ENCODERS["JPEG-LS"][1](values) for values in (scene(), scene()[::-1].copy())]
    path = compressed("JPEG-LS", frames, tmp_path / "two")
    dataset = dcmread(path)
    del dataset.NumberOfFrames
    dataset.save_as(path)
    study = read_dicom(path)
    assert study.shape == (2, *scene().shape)
    assert notice("dicom.frames-begun", frames=2) in study.assumptions


def test_fewer_fragments_than_frames_are_refused_at_the_door(tmp_path: Path) -> None:
    stream = ENCODERS["JPEG-LS"][1](scene())
    with pytest.raises(UnreadableFile, match="2 of 3 frames are there"):
        path = compressed("JPEG-LS", [stream] * 3, tmp_path / "two")
        replace_pixels(path, in_items([stream] * 2))
        read_dicom(path)


def test_fragments_that_nothing_puts_together_are_refused(tmp_path: Path) -> None:
    stream = ENCODERS["RLE"][1](scene())
    path = compressed("RLE", [stream] * 2, tmp_path / "many")
    replace_pixels(path, in_items([stream[:200], stream[200:], stream, stream], (0, 5)))
    with pytest.raises(UnreadableFile, match="does not tell which of its 2 frames"):
        read_dicom(path)


@pytest.mark.parametrize("is_big_endian", [True, False])
def test_uncompressed_pixels_of_undefined_length_are_read_out_of_their_items(is_big_endian: bool, tmp_path: Path) -> None:
    name, order = ("MR_small_bigendian.dcm", ">") if is_big_endian else ("MR_small.dcm", "<")
    data = installed(name).read_bytes()
    start = data.rindex(struct.pack(f"{order}HH", 0x7FE0, 0x0010))
    pixels = data[start + 12 :]
    path = tmp_path / "items.dcm"
    path.write_bytes(data[: start + 8] + b"\xff\xff\xff\xff" + in_items([pixels[:3000], pixels[3000:]], order=order))
    study = read_dicom(path)
    assert_array_equal(study.frames.read(0), read_dicom(installed("MR_small.dcm")).frames.read(0))
    assert notice("dicom.in-items") in study.assumptions


@pytest.mark.parametrize("kind", ["JPEG-LS", "JPEG Lossless", "RLE"])
def test_compressed_pixels_in_a_big_endian_file_are_read(kind: str, tmp_path: Path) -> None:
    dataset = slice_dataset(scene(), BitsStored=12, HighBit=11)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    dataset.PixelData = scene().astype(">u2").tobytes()
    path = save(dataset, tmp_path / "big.dcm")
    data = path.read_bytes()
    start = data.rindex(b"\x7f\xe0\x00\x10OW")
    path.write_bytes(data[: start + 8] + b"\xff\xff\xff\xff" + in_items([ENCODERS[kind][1](scene())], order=">"))
    assert_array_equal(read_dicom(path).frames.read(0), scene())


# ------------------------------------------------------------ the files of ../shared/cases


@pytest.mark.parametrize("name", ["baseline.dcm", "file.dcm", "fragment.dcm"])
def test_each_cut_jpeg_is_refused(name: str, shared_cases: Path) -> None:
    assert read_dicom(shared_cases / "cut-jpeg" / "whole.dcm").frames.read(0).shape == (160, 160)
    with pytest.raises(UnreadableFile, match="damaged or cut off"):
        read_dicom(shared_cases / "cut-jpeg" / name).frames.read(0)


def test_a_few_kilobytes_that_claim_a_huge_image_are_refused_in_little_memory(shared_cases: Path) -> None:
    code = """
import resource, sys
from pathlib import Path
from core.errors import UnreadableFile
from core.readers import read_dicom
study = read_dicom(Path(sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    study.frames.read(0)
except UnreadableFile:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    command = ["bash", "-c", 'ulimit -v 8000000; exec "$@"', "limited", sys.executable, "-c", code]
    told = subprocess.run([*command, str(shared_cases / "huge-declared" / "codestream.dcm")], capture_output=True, text=True, timeout=60)
    assert told.stdout, told.stderr[-500:]
    assert int(told.stdout) < 100_000  # kilobytes
