"""Pictures of medical images for reports: what a person is shown, in square pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from core.prepare.windowing import render
from core.readers import read_dicom
from core.render.report_pictures import image_pictures
from core.report.language import language_of
from core.types import ModelInput, Study
from tests.unit.readers.dicom.dicom_files import installed, save, slice_dataset


def picture_of(study: Study) -> np.ndarray:
    """The picture of a report on the whole of the first frame."""
    _, rows, columns = study.shape
    values = np.zeros((1, 8, 8), dtype=np.float32)
    given = ModelInput(values, values, (0.0, 0.0, float(columns), float(rows)))
    ((_, pixels),) = image_pictures(study, given, None, language_of("en"))
    return pixels


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ({"PixelSpacing": None, "PixelAspectRatio": [2, 1]}, (32, 16)),
        ({"PixelSpacing": None, "PixelAspectRatio": [1, 2]}, (16, 32)),
        ({"PixelSpacing": [1.5, 1.0]}, (24, 16)),
        ({}, (16, 16)),
    ],
)
def test_pixels_of_a_report_are_square(attributes: dict[str, Any], size: tuple[int, int], tmp_path: Path) -> None:
    assert picture_of(read_dicom(save(slice_dataset(**attributes), tmp_path / "a"))).shape == (*size, 3)


def test_an_absurd_aspect_ratio_makes_no_huge_picture(tmp_path: Path) -> None:
    study = read_dicom(save(slice_dataset(PixelSpacing=None, PixelAspectRatio=[2_000_000, 1]), tmp_path / "a"))
    assert max(picture_of(study).shape) <= 1024


def test_overlays_of_the_file_are_in_the_report() -> None:
    study = read_dicom(installed("examples_overlay.dcm"))
    assert study.overlays is not None
    mask = study.overlays.mask(0)
    shown = picture_of(study)
    assert (shown[mask] == 255).all()
    assert_array_equal(shown[~mask][:, 0], render(study, 0)[~mask])
