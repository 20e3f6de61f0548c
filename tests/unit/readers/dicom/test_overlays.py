"""Overlay planes: what a file draws over its frames is shown to a person, and to nobody else."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRBigEndian

from core.prepare.windowing import render, with_overlays
from core.readers import read_dicom, read_series
from core.types import Study, notice
from tests.unit.readers.dicom.dicom_files import installed, save, slice_dataset, write_stack

L_SHAPE = np.zeros((6, 5), dtype=np.bool_)
L_SHAPE[:, 0] = L_SHAPE[5, :] = True


def plane(dataset: Dataset, bits: NDArray[np.bool_], group: int = 0x6000, **values: Any) -> Dataset:
    """Put an overlay plane into a data set: bits [rows, columns], or [frames, rows, columns]. values: by element number as hex_0051."""
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    dataset.add_new((group, 0x0010), "US", bits.shape[-2])
    dataset.add_new((group, 0x0011), "US", bits.shape[-1])
    dataset.add_new((group, 0x0040), "CS", "G")
    dataset.add_new((group, 0x0050), "SS", values.get("origin", [1, 1]))
    dataset.add_new((group, 0x0100), "US", 1)
    dataset.add_new((group, 0x0102), "US", 0)
    if "frames" in values:
        dataset.add_new((group, 0x0015), "IS", values["frames"])
    if "first" in values:
        dataset.add_new((group, 0x0051), "US", values["first"])
    dataset.add_new((group, 0x0022), "LO", "MUSTERMANN")
    dataset.add_new((group, 0x3000), "OW", packed + b"\0" * (len(packed) % 2))
    return dataset


def mask_of(study: Study, index: int = 0) -> NDArray[np.bool_]:
    assert study.overlays is not None
    mask = study.overlays.mask(index)
    assert mask is not None
    return mask


def placed(top: int, left: int, size: tuple[int, int] = (16, 16)) -> NDArray[np.bool_]:
    wide = np.zeros((40, 40), dtype=np.bool_)
    wide[10 + top : 10 + top + 6, 10 + left : 10 + left + 5] = L_SHAPE
    return wide[10 : 10 + size[0], 10 : 10 + size[1]]


@pytest.mark.parametrize(("origin", "top", "left"), [([1, 1], 0, 0), ([4, 9], 3, 8), ([-2, -1], -3, -2), ([13, 14], 12, 13)])
def test_a_plane_lies_where_its_origin_says(origin: list[int], top: int, left: int, tmp_path: Path) -> None:
    study = read_dicom(save(plane(slice_dataset(), L_SHAPE, origin=origin), tmp_path / "a"))
    assert_array_equal(mask_of(study), placed(top, left))
    assert notice("dicom.overlays") in study.assumptions


def test_several_planes_lie_over_each_other(tmp_path: Path) -> None:
    dataset = plane(plane(slice_dataset(), L_SHAPE), L_SHAPE, group=0x6002, origin=[8, 8])
    assert_array_equal(mask_of(read_dicom(save(dataset, tmp_path / "a"))), placed(0, 0) | placed(7, 7))


def multi_frame(frames: int) -> Dataset:
    dataset = slice_dataset(np.zeros((16, 16), np.int16), NumberOfFrames=frames)
    dataset.PixelData = np.zeros((frames, 16, 16), np.int16).tobytes()
    return dataset


def test_a_plane_of_one_frame_lies_on_every_frame(tmp_path: Path) -> None:
    study = read_dicom(save(plane(multi_frame(3), L_SHAPE), tmp_path / "a"))
    for index in range(3):
        assert_array_equal(mask_of(study, index), placed(0, 0))


def test_a_plane_of_several_frames_has_bits_of_its_own_for_each_from_its_first_on(tmp_path: Path) -> None:
    bits = np.random.default_rng(5).random((3, 7, 5)) < 0.5  # 35 bits a frame: none but the first begins with a byte
    study = read_dicom(save(plane(multi_frame(5), bits, frames=3, first=2), tmp_path / "a"))
    assert study.overlays is not None
    assert study.overlays.mask(0) is None
    assert study.overlays.mask(4) is None
    for index in range(3):
        assert_array_equal(mask_of(study, 1 + index)[:7, :5], bits[index])


def test_a_plane_in_a_big_endian_file_is_read_in_words(tmp_path: Path) -> None:
    bits = np.random.default_rng(5).random((16, 16)) < 0.5
    dataset = plane(slice_dataset(), bits)
    dataset[0x6000, 0x3000].value = np.frombuffer(dataset[0x6000, 0x3000].value, "<u2").byteswap().tobytes()
    dataset.PixelData = dataset.pixel_array.astype(">i2").tobytes()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    assert_array_equal(mask_of(read_dicom(save(dataset, tmp_path / "a"))), bits)


@pytest.mark.parametrize("bit", [12, 15])
def test_a_plane_in_unused_bits_of_the_pixels_is_read_out_of_them(bit: int, tmp_path: Path) -> None:
    """Retired, and found in old CT and MR."""
    values = np.arange(256, dtype=np.uint16).reshape(16, 16)
    dataset = slice_dataset(values | placed(3, 8).astype(np.uint16) << bit, BitsStored=12, HighBit=11)
    for element, value in ((0x0010, 16), (0x0011, 16), (0x0100, 16), (0x0102, bit)):
        dataset.add_new((0x6000, element), "US", value)
    study = read_dicom(save(dataset, tmp_path / "a"))
    assert_array_equal(mask_of(study), placed(3, 8))
    assert_array_equal(study.frames.read(0), values)


def test_slices_of_a_series_keep_their_own_planes(tmp_path: Path) -> None:
    paths = write_stack(tmp_path, [0.0, 2.0, 4.0])
    save(plane(dcmread(paths[1]), L_SHAPE), paths[1])
    (study,) = read_series(paths, "series")
    assert study.overlays is not None
    assert [study.overlays.mask(index) is None for index in range(3)] == [True, False, True]
    assert_array_equal(mask_of(study, 1), placed(0, 0))


def test_planes_that_say_nothing_sensible_are_no_planes(tmp_path: Path) -> None:
    assert read_dicom(save(slice_dataset(), tmp_path / "none")).overlays is None
    nothing = plane(slice_dataset(), L_SHAPE)
    nothing[0x6000, 0x0010].value = 0
    assert read_dicom(save(nothing, tmp_path / "no rows")).overlays is None
    used = slice_dataset()
    for element, value in ((0x0010, 16), (0x0011, 16), (0x0100, 16), (0x0102, 3)):
        used.add_new((0x6000, element), "US", value)
    assert read_dicom(save(used, tmp_path / "in the value")).overlays is None


def test_a_plane_that_is_cut_off_marks_what_is_there_and_no_pixels(tmp_path: Path) -> None:
    dataset = plane(slice_dataset(np.full((16, 16), -1, np.int16)), np.ones((16, 16), np.bool_))
    dataset[0x6000, 0x3000].value = b"\xff" * 8
    mask = mask_of(read_dicom(save(dataset, tmp_path / "a")))
    assert mask[:4].all()
    assert not mask[4:].any()


def test_nothing_of_a_plane_is_kept_but_its_place(tmp_path: Path) -> None:
    study = read_dicom(save(plane(slice_dataset(), L_SHAPE), tmp_path / "a"))
    assert not any(0x6000 <= element.tag.group <= 0x60FF for element in study.header)
    assert "MUSTERMANN" not in repr(study)


@pytest.mark.parametrize("name", ["examples_overlay.dcm"])
def test_overlays_are_drawn_where_dcmtk_draws_them(name: str, tmp_path: Path) -> None:
    if shutil.which("dcm2pnm") is None:
        pytest.skip("dcm2pnm is not here: install the package dcmtk")
    study = read_dicom(installed(name))
    subprocess.run(["dcm2pnm", "+on", "+Wi", "1", str(installed(name)), str(tmp_path / "o.png")], check=True, capture_output=True)
    expected = np.asarray(Image.open(tmp_path / "o.png").convert("L")).astype(int)
    shown = with_overlays(study, 0, render(study, 0))
    assert (shown == 255).sum() > (render(study, 0) == 255).sum()
    assert np.abs(shown.astype(int) - expected).max() <= 1


def test_colour_and_inverted_pixels_get_white_overlays_too(tmp_path: Path) -> None:
    study = read_dicom(save(plane(slice_dataset(PhotometricInterpretation="MONOCHROME1"), L_SHAPE), tmp_path / "a"))
    shown = with_overlays(study, 0, render(study, 0))
    assert (shown[placed(0, 0)] == 255).all()
    assert_array_equal(shown[~placed(0, 0)], render(study, 0)[~placed(0, 0)])
    colour = plane(dcmread(installed("SC_rgb_rle.dcm")), L_SHAPE)
    colour.save_as(tmp_path / "b")
    drawn = read_dicom(tmp_path / "b")
    assert (with_overlays(drawn, 0, render(drawn, 0))[:6, 0] == 255).all()


def test_the_model_is_shown_the_pixels_alone(tmp_path: Path) -> None:
    plain = read_dicom(save(slice_dataset(), tmp_path / "plain"))
    drawn = read_dicom(save(plane(slice_dataset(), L_SHAPE), tmp_path / "drawn"))
    assert_array_equal(render(drawn, 0), render(plain, 0))
    assert_array_equal(drawn.frames.read(0), plain.frames.read(0))


# ------------------------------------------------------------ the shape of a pixel


@pytest.mark.parametrize(
    ("attributes", "aspect"),
    [
        ({"PixelSpacing": None, "PixelAspectRatio": [4, 3]}, 4 / 3),
        ({"PixelSpacing": None, "PixelAspectRatio": ["200", "100"]}, 2.0),
        ({"PixelSpacing": [0.5, 1.0], "PixelAspectRatio": [4, 3]}, 0.5),
        ({"PixelSpacing": None, "PixelAspectRatio": [0, 3]}, 1.0),
        ({"PixelSpacing": None}, 1.0),
    ],
)
def test_a_pixel_is_as_high_as_its_spacing_or_its_aspect_ratio_says(attributes: dict[str, Any], aspect: float, tmp_path: Path) -> None:
    assert read_dicom(save(slice_dataset(**attributes), tmp_path / "a")).pixel_aspect == pytest.approx(aspect)


def test_bits_of_the_helper_are_those_of_the_standard() -> None:
    """The first pixel is the lowest bit of the first byte (PS3.5 8.1.2)."""
    first = np.zeros((2, 8), dtype=np.bool_)
    first[0, 0] = first[1, 7] = True
    assert struct.unpack("<H", plane(Dataset(), first)[0x6000, 0x3000].value) == (0x8001,)
