"""Of several series the one is proposed that a radiologist, and the models here, would take first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset

from core.types import Domain, Preprocess, Study
from core.workflows.series_choice import by_series, is_sharp, proposed
from tests.unit.report import examples as ex

AXIAL, SAGITTAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
CT_MODEL = Preprocess(Domain.CHEST_CT, (64, 64), ("luminance",), "image", modalities=("CT",), body_parts=("CHEST", "LUNG"))


def ct(slices: int = 40, thickness: float = 1.25, kernel: str = "", image_type: str = "AXIAL", **changes: Any) -> Study:
    header = Dataset()
    header.SliceThickness, header.ImageType = thickness, ["ORIGINAL", "PRIMARY", image_type]
    facts = {"modality": "CT", "body_part": "CHEST", "view": "", "orientation": AXIAL, "is_volume": True, **changes}
    return replace(ex.study(np.zeros((slices, 4, 4), np.int16)), header=header, kernels=(kernel,) if kernel else (), **facts)


@pytest.mark.parametrize(
    ("wanted", "other"),
    [
        (ct(), replace(ct(), modality="MR")),
        (ct(), ct(body_part="HEAD")),
        (ct(), ct(orientation=SAGITTAL)),
        (ct(), ct(slices=300, is_volume=False)),
        (ct(kernel="B60f"), ct(kernel="B30f")),
        (ct(kernel="B30f", body_part="HEAD"), ct(kernel="H60s", body_part="HEAD")),
        (ct(thickness=1.25), ct(thickness=5.0)),
        (ct(slices=120), ct(slices=40)),
        (ct(), ct(slices=1, image_type="LOCALIZER")),
    ],
    ids=["modality", "body part", "plane", "volume", "kernel of the lung", "kernel of the brain", "thickness", "slices", "localizer"],
)
def test_the_series_is_proposed_that_suits_best_wherever_it_stands(wanted: Study, other: Study) -> None:
    assert proposed([wanted, other], [CT_MODEL]) == 0
    assert proposed([other, wanted], [CT_MODEL]) == 1


def test_of_equals_the_first_is_proposed() -> None:
    assert proposed([ct(), ct()], [CT_MODEL]) == 0
    assert proposed([], []) == 0


def test_stacks_of_one_series_belong_together_and_what_tells_no_series_stands_alone() -> None:
    images = [ct(series="a"), ex.study(), ct(series="b"), ct(series="a"), ex.study()]
    assert by_series(images) == ((0, 3), (1,), (2,), (4,))


@pytest.mark.parametrize(
    ("kernel", "sharp"), [("B30f", False), ("B70f", True), ("FC51", True), ("FC13", False), ("LUNG", True), ("STANDARD", False)]
)
def test_kernels_are_sharp_by_the_names_of_their_vendors(kernel: str, sharp: bool) -> None:
    assert is_sharp(kernel) is sharp
