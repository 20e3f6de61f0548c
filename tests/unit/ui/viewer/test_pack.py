"""What the viewer is sent of a study."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.testing import assert_array_equal
from PIL import Image

from core.readers import read_dicom
from core.ui.radiology.study_show import show_study
from core.ui.viewer import pack_study
from tests.unit.readers.dicom.dicom_files import installed, save, slice_dataset


def test_overlays_of_the_file_travel_as_white_pictures_beside_the_values() -> None:
    study = read_dicom(installed("examples_overlay.dcm"))
    packed = pack_study(study)
    ((index, picture),) = packed.overlays
    pixels = np.asarray(Image.open(io.BytesIO(picture)))
    assert study.overlays is not None
    assert index == 0
    assert_array_equal(pixels[..., 3] == 255, study.overlays.mask(0))
    assert set(np.unique(pixels)) == {0, 255}
    values = np.frombuffer(packed.chunks[0].data, "<i2").reshape(study.shape[1:])
    assert_array_equal(values * packed.scale + packed.offset, study.frames.read(0))


def test_a_study_without_overlays_sends_none(tmp_path: Path) -> None:
    assert pack_study(read_dicom(save(slice_dataset(), tmp_path / "a"))).overlays == ()


def test_the_viewer_is_told_the_shape_of_a_pixel(tmp_path: Path) -> None:
    study = read_dicom(save(slice_dataset(PixelSpacing=None, PixelAspectRatio=[4, 3]), tmp_path / "a"))
    assert show_study(study, pack_study(study), "key", None).aspect == 4 / 3
