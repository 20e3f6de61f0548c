"""What the viewer is sent of a study."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from PIL import Image

from core.errors import UnreadableFile
from core.readers import read_dicom
from core.ui.radiology.study_show import show_study
from core.ui.viewer import pack_study
from tests.unit.readers.dicom.dicom_files import installed, save, slice_dataset


def unpacked(body: bytes | None, shape: tuple[int, int]) -> NDArray[np.float64]:
    """The values of a grey slice, as viewer.js reads them."""
    assert body is not None
    scale, offset = struct.unpack_from("<dd", body)
    return np.frombuffer(body, "<i2", offset=16).reshape(shape) * scale + offset


@dataclass
class Counted:
    """Frames that tell which of them were decoded; frame 4 of them cannot be."""

    pixels: NDArray[Any]
    read_were: list[int]

    @property
    def shape(self) -> tuple[int, int, int]:
        frames, rows, columns = self.pixels.shape[:3]
        return frames, rows, columns

    def read(self, index: int) -> NDArray[Any]:
        self.read_were.append(index)
        if index == 4:
            raise UnreadableFile("Frame 5 cannot be decoded.", "Export it again.")
        return self.pixels[index]


def test_overlays_of_the_file_travel_as_white_pictures_beside_the_values() -> None:
    study = read_dicom(installed("examples_overlay.dcm"))
    packed = pack_study(study)
    picture = packed.piece("0/overlay")
    assert picture is not None and study.overlays is not None
    pixels = np.asarray(Image.open(io.BytesIO(picture)))
    assert_array_equal(pixels[..., 3] == 255, study.overlays.mask(0))
    assert set(np.unique(pixels)) == {0, 255}
    assert_array_equal(unpacked(packed.piece("0"), study.shape[1:]), study.frames.read(0))


def test_a_study_without_overlays_sends_none(tmp_path: Path) -> None:
    assert pack_study(read_dicom(save(slice_dataset(), tmp_path / "a"))).piece("0/overlay") is None


def test_a_slice_is_decoded_when_it_is_asked_for_and_no_other(tmp_path: Path) -> None:
    frames = Counted(np.arange(9 * 6, dtype=np.int16).reshape(9, 2, 3), [])
    study = replace(
        read_dicom(save(slice_dataset(RescaleIntercept=-1024), tmp_path / "a")), frames=Counted(frames.pixels[:3], frames.read_were)
    )
    packed = pack_study(study)
    assert frames.read_were == [1], "the middle one, which is looked at first"
    assert_array_equal(unpacked(packed.piece("2"), (2, 3)), frames.pixels[2] - 1024.0)
    assert frames.read_were == [1, 2]


def test_a_long_series_is_sent_at_full_size(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 4000, (512, 512)).astype(np.int16)
    frames = np.broadcast_to(pixels, (300, 512, 512))
    study = replace(read_dicom(save(slice_dataset(RescaleIntercept=0), tmp_path / "a")), frames=Counted(frames, []))
    assert_array_equal(unpacked(pack_study(study).piece("7"), (512, 512)), pixels)


def test_before_a_large_radiograph_comes_a_preview_below_two_megabytes(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 4000, (2500, 2048)).astype(np.int16)
    packed = pack_study(read_dicom(save(slice_dataset(pixels, RescaleIntercept=0), tmp_path / "a")))
    preview = packed.piece("0/preview")
    assert preview is not None and len(preview) < 2_000_000
    kept = pixels[:: packed.thinned, :: packed.thinned]
    assert_array_equal(unpacked(preview, kept.shape), kept)
    assert_array_equal(unpacked(packed.piece("0"), pixels.shape), pixels)


def test_a_slice_of_ct_is_its_own_preview(tmp_path: Path) -> None:
    packed = pack_study(read_dicom(save(slice_dataset(np.zeros((512, 512), np.int16)), tmp_path / "a")))
    assert packed.thinned == 1


def test_a_damaged_slice_leaves_the_others(tmp_path: Path) -> None:
    study = replace(read_dicom(save(slice_dataset(), tmp_path / "a")), frames=Counted(np.ones((7, 2, 3), np.int16), []))
    packed = pack_study(study)
    assert packed.piece("5") is not None
    with pytest.raises(UnreadableFile):
        packed.piece("4")


def test_fractions_are_spread_over_sixteen_bits(tmp_path: Path) -> None:
    study = read_dicom(save(slice_dataset(RescaleSlope=0.37, RescaleIntercept=-3.3), tmp_path / "a"))
    values = unpacked(pack_study(study).piece("0"), study.shape[1:])
    assert_allclose(values, study.frames.read(0) * 0.37 - 3.3, atol=0.37 * 255 / 65535)


@pytest.mark.parametrize("name", ["", "1", "-1", "0/", "x", "0/other", "0/overlay/1", "\u0661"])
def test_what_is_no_slice_is_none(tmp_path: Path, name: str) -> None:
    packed = pack_study(read_dicom(save(slice_dataset(), tmp_path / "a")))
    assert (packed.piece(name) is None) == (name != "0/")


def test_the_viewer_is_told_the_shape_of_a_pixel(tmp_path: Path) -> None:
    study = read_dicom(save(slice_dataset(PixelSpacing=None, PixelAspectRatio=[4, 3]), tmp_path / "a"))
    assert show_study(study, pack_study(study), "key", None).aspect == 4 / 3
