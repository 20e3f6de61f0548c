"""Words for a place."""

from __future__ import annotations

import numpy as np
import pytest

from core.explain.regions import region_words
from core.types import Domain, FloatImage


def bright_at(across: float, down: float, rows: int = 64, columns: int = 96) -> FloatImage:
    """One bright patch of an eight by eight grid, its middle at that share of the width and height."""
    found = np.zeros((rows, columns), dtype=np.float32)
    row, column = int(down * rows), int(across * columns)
    found[max(0, row - 4) : row + 4, max(0, column - 6) : column + 6] = 1.0
    return found


@pytest.mark.parametrize(
    ("across", "down", "words"),
    [
        (0.9, 0.1, "north-east of the scene"),
        (0.5, 0.1, "north of the scene"),
        (0.1, 0.1, "north-west of the scene"),
        (0.1, 0.5, "west of the scene"),
        (0.1, 0.9, "south-west of the scene"),
        (0.5, 0.9, "south of the scene"),
        (0.9, 0.9, "south-east of the scene"),
        (0.9, 0.5, "east of the scene"),
        (0.55, 0.45, "centre of the scene"),
    ],
)
def test_a_place_in_a_scene_is_a_direction(across: float, down: float, words: str) -> None:
    assert region_words(bright_at(across, down), Domain.LAND_COVER) == words


@pytest.mark.parametrize(
    ("across", "down", "words"),
    [
        (0.3, 0.2, "upper left lung field as displayed (usually the patient's right)"),
        (0.7, 0.2, "upper right lung field as displayed (usually the patient's left)"),
        (0.7, 0.5, "middle right lung field as displayed (usually the patient's left)"),
        (0.3, 0.8, "lower left lung field as displayed (usually the patient's right)"),
        (0.5, 0.5, "middle of the image"),
        (0.5, 0.1, "upper middle of the image"),
        (0.5, 0.9, "lower middle of the image"),
    ],
)
def test_a_place_in_a_radiograph_is_a_lung_field_or_the_middle(across: float, down: float, words: str) -> None:
    assert region_words(bright_at(across, down), Domain.RADIOGRAPH) == words


def test_the_margin_of_a_radiograph_is_not_called_a_lung_field() -> None:
    assert region_words(bright_at(0.05, 0.1), Domain.RADIOGRAPH) == "upper left margin of the image"


def test_one_bright_pixel_does_not_outweigh_a_bright_place() -> None:
    saliency = bright_at(0.8, 0.2) * 0.6
    saliency[60, 4] = 1.0
    assert region_words(saliency, Domain.LAND_COVER) == "north-east of the scene"


@pytest.mark.parametrize("domain", list(Domain))
def test_a_flat_map_has_no_strongest_place(domain: Domain) -> None:
    assert region_words(np.full((32, 32), 0.5, dtype=np.float32), domain) == ""
