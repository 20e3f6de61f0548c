"""Drawn slices of a chest in Hounsfield units: a body in a room, two lungs, a windpipe, and a nodule where one is wanted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.types import Domain, Preprocess, Study
from tests.unit.report import examples as ex

ROOM, BODY, LUNG, WINDPIPE, SOLID = -1000, 40, -850, -1000, 30
SIDE_MM = 300.0
CT = Preprocess(
    domain=Domain.CHEST_CT,
    size=(56, 56),
    channels=("luminance",),
    standardise="image",
    modalities=("CT",),
    body_parts=("CHEST",),
    pixel_spacing_mm=0.7,
)


def chest(spacing: float = 1.4, nodules: tuple[tuple[float, float], ...] = (), *, has_lungs: bool = True) -> NDArray[np.int16]:
    """int16 [rows, columns] of 300 x 300 mm. nodules: (x, y) in mm from the upper left corner, each 10 mm wide."""
    sides = (np.arange(round(SIDE_MM / spacing)) + 0.5) * spacing
    x, y = np.meshgrid(sides, sides)
    values = np.full(x.shape, ROOM, dtype=np.int16)
    values[_ellipse(x, y, (150, 150), (140, 100))] = BODY
    if has_lungs:
        for middle in (80, 220):
            values[_ellipse(x, y, (middle, 150), (45, 70))] = LUNG
    values[_ellipse(x, y, (150, 130), (14, 14))] = WINDPIPE
    for place in nodules:
        values[_ellipse(x, y, place, (5, 5))] = SOLID
    return values


def slices(*pixels: NDArray[np.int16], spacing: float = 1.4, **changes: Any) -> Study:
    """A chest CT of these slices, 3 mm apart."""
    facts: dict[str, Any] = {"modality": "CT", "view": "", "age_years": None, "spacing_mm": (spacing, spacing), "slice_spacing_mm": 3.0}
    return ex.study(np.stack(pixels), **{**facts, **changes})


def _ellipse(x: NDArray[Any], y: NDArray[Any], middle: tuple[float, float], axes: tuple[float, float]) -> NDArray[np.bool_]:
    return np.asarray(((x - middle[0]) / axes[0]) ** 2 + ((y - middle[1]) / axes[1]) ** 2 < 1.0)
