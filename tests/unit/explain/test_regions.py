"""Where a map is strongest."""

from __future__ import annotations

import numpy as np
import pytest

from core.explain.regions import region_of
from core.types import Domain, FloatImage, Notice, notice


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
        (0.3, 0.2, notice("place.lung-field", height="upper", side="left", patient_side="right")),
        (0.7, 0.2, notice("place.lung-field", height="upper", side="right", patient_side="left")),
        (0.7, 0.5, notice("place.lung-field", height="middle", side="right", patient_side="left")),
        (0.3, 0.8, notice("place.lung-field", height="lower", side="left", patient_side="right")),
        (0.5, 0.5, notice("place.image-middle")),
        (0.5, 0.1, notice("place.midline", height="upper")),
        (0.5, 0.9, notice("place.midline", height="lower")),
    ],
)
def test_a_place_in_a_radiograph_is_a_lung_field_or_the_middle(across: float, down: float, place: Notice) -> None:
    assert region_of(bright_at(across, down), Domain.RADIOGRAPH) == place


def test_the_margin_of_a_radiograph_is_not_called_a_lung_field() -> None:
    assert region_of(bright_at(0.05, 0.1), Domain.RADIOGRAPH) == notice("place.margin", height="upper", side="left")


def test_one_bright_pixel_does_not_outweigh_a_bright_place() -> None:
    saliency = bright_at(0.8, 0.2) * 0.6
    saliency[60, 4] = 1.0
    assert region_of(saliency, Domain.LAND_COVER) == notice("place.scene", sector="north-east")


@pytest.mark.parametrize("domain", list(Domain))
def test_a_flat_map_has_no_strongest_place(domain: Domain) -> None:
    assert region_of(np.full((32, 32), 0.5, dtype=np.float32), domain) is None
