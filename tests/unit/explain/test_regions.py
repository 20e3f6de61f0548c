"""Where a map is strongest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.explain.regions import region_of
from core.prepare.sides import side_at_right
from core.report.notices import say
from core.types import Domain, FloatImage, Notice, notice
from tests.unit.report import examples as ex


def bright_at(across: float, down: float, rows: int = 64, columns: int = 96) -> FloatImage:
    """One bright patch of an eight by eight grid, its middle at that share of the width and height."""
    found = np.zeros((rows, columns), dtype=np.float32)
    row, column = int(down * rows), int(across * columns)
    found[max(0, row - 4) : row + 4, max(0, column - 6) : column + 6] = 1.0
    return found


@pytest.mark.parametrize(
    ("across", "down", "place"),
    [
        (0.9, 0.1, notice("place.scene", sector="north-east")),
        (0.5, 0.1, notice("place.scene", sector="north")),
        (0.1, 0.1, notice("place.scene", sector="north-west")),
        (0.1, 0.5, notice("place.scene", sector="west")),
        (0.1, 0.9, notice("place.scene", sector="south-west")),
        (0.5, 0.9, notice("place.scene", sector="south")),
        (0.9, 0.9, notice("place.scene", sector="south-east")),
        (0.9, 0.5, notice("place.scene", sector="east")),
        (0.55, 0.45, notice("place.scene-centre")),
    ],
)
def test_a_place_in_a_scene_is_a_direction(across: float, down: float, place: Notice) -> None:
    assert region_of(bright_at(across, down), Domain.LAND_COVER) == place


@pytest.mark.parametrize(
    ("across", "down", "place"),
    [
        (0.3, 0.2, notice("place.image-half", height="upper", side="left")),
        (0.7, 0.2, notice("place.image-half", height="upper", side="right")),
        (0.7, 0.5, notice("place.image-half", height="middle", side="right")),
        (0.3, 0.8, notice("place.image-half", height="lower", side="left")),
        (0.5, 0.5, notice("place.image-middle")),
        (0.5, 0.1, notice("place.midline", height="upper")),
        (0.5, 0.9, notice("place.midline", height="lower")),
    ],
)
def test_a_place_in_a_radiograph_whose_sides_are_not_told_is_a_half_of_the_image_or_its_middle(
    across: float, down: float, place: Notice
) -> None:
    assert region_of(bright_at(across, down), Domain.RADIOGRAPH) == place


@pytest.mark.parametrize(
    ("header", "left_of_image", "right_of_image"),
    [
        ({"PatientOrientation": ["L", "F"]}, "right", "left"),
        ({"PatientOrientation": ["R", "F"]}, "left", "right"),
        ({"PatientOrientation": ["LF", "FR"]}, "right", "left"),
        ({"orientation": (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0), "PatientOrientation": ["L", "F"]}, "left", "right"),
    ],
)
def test_the_side_of_the_patient_follows_the_orientation_in_the_header(
    header: dict[str, Any], left_of_image: str, right_of_image: str
) -> None:
    at_right = side_at_right(ex.study(**header))
    for across, side in ((0.3, left_of_image), (0.7, right_of_image)):
        assert region_of(bright_at(across, 0.2), Domain.RADIOGRAPH, at_right) == notice("place.patient-half", height="upper", side=side)


@pytest.mark.parametrize("header", [{}, {"PatientOrientation": ["F", "R"]}, {"PatientOrientation": ["P", "F"]}])
def test_without_an_orientation_no_side_of_the_patient_is_named(header: dict[str, Any]) -> None:
    assert side_at_right(ex.study(**header)) is None and side_at_right(ex.picture()) is None
    for down in (0.2, 0.5, 0.8):
        told = say(region_of(bright_at(0.3, down), Domain.RADIOGRAPH, side_at_right(ex.study(**header))))
        assert told.endswith("third of the left half of the image") and "lung" not in told and "patient" not in told


def test_a_lung_field_is_named_where_the_lungs_were_found_and_the_place_lies_in_them() -> None:
    lungs = np.zeros((64, 96), dtype=np.bool_)
    lungs[8:44, 10:40] = lungs[8:44, 56:86] = True
    assert region_of(bright_at(0.3, 0.6), Domain.RADIOGRAPH, "left", lungs) == notice("place.lung-field", height="lower", side="right")
    assert region_of(bright_at(0.7, 0.2), Domain.RADIOGRAPH, None, lungs) == notice("place.lung-of-half", height="upper", side="right")
    assert region_of(bright_at(0.3, 0.9), Domain.RADIOGRAPH, "left", lungs) == notice("place.patient-half", height="lower", side="right")


def test_the_margin_of_a_radiograph_is_not_called_a_lung_field() -> None:
    assert region_of(bright_at(0.05, 0.1), Domain.RADIOGRAPH) == notice("place.margin", height="upper", side="left")


def test_one_bright_pixel_does_not_outweigh_a_bright_place() -> None:
    saliency = bright_at(0.8, 0.2) * 0.6
    saliency[60, 4] = 1.0
    assert region_of(saliency, Domain.LAND_COVER) == notice("place.scene", sector="north-east")


@pytest.mark.parametrize("domain", list(Domain))
def test_a_flat_map_has_no_strongest_place(domain: Domain) -> None:
    assert region_of(np.full((32, 32), 0.5, dtype=np.float32), domain) is None
