"""Colours of classes, maps and saliency: cividis, which reads the same in grey and for colour-blind eyes; blue and orange for change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.explain.overlay import CIVIDIS, DIVERGING, table
from core.export.styles import Colour
from core.types import FloatImage

__all__ = ["CHANGE", "CHANGED", "CIVIDIS", "CLASSES", "UNSTABLE_MARK", "class_colours", "css", "heat", "table"]

CLASSES: dict[str, Colour] = {
    "AnnualCrop": (227, 197, 103),
    "Forest": (38, 115, 77),
    "HerbaceousVegetation": (158, 192, 105),
    "Highway": (190, 184, 178),
    "Industrial": (176, 122, 193),
    "Pasture": (94, 173, 124),
    "PermanentCrop": (211, 139, 74),
    "Residential": (214, 95, 84),
    "River": (91, 166, 214),
    "SeaLake": (52, 104, 176),
}
"""The classes of EuroSAT, in the colours that maps of land cover usually have."""
SEVERITY_COLOURS: dict[str, Colour] = {
    "enhanced regrowth, high": (35, 110, 60),
    "enhanced regrowth, low": (120, 171, 94),
    "unburned": (58, 66, 74),
    "low severity": (247, 224, 120),
    "moderate-low severity": (241, 165, 72),
    "moderate-high severity": (222, 94, 48),
    "high severity": (158, 27, 50),
}
"""Classes of burn severity, as maps of fires usually have them; unburned ground is dim."""
OTHERS: tuple[Colour, ...] = (
    (0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167), (86, 180, 233), (213, 94, 0), (240, 228, 66), (120, 120, 120),
)  # fmt: skip
"""For classes of other models, in their order: Okabe and Ito 2008, told apart by colour-blind eyes too."""
CHANGE = (DIVERGING[0], "#4c7fb8", "#86a5c4", DIVERGING[1], "#dcb48c", "#ec9950", DIVERGING[2])
"""Little to much change, from blue over grey to orange."""
CHANGED = (255, 140, 26)
UNSTABLE_MARK = (245, 245, 245)
"""Where a class is unstable: no class is white."""


def class_colours(labels: Sequence[str]) -> tuple[Colour, ...]:
    """A colour (red, green, blue in 0..255) for each label, the same for a label in every map of the known ones."""
    known = {**CLASSES, **SEVERITY_COLOURS}
    unknown = [label for label in labels if label not in known]
    return tuple(known.get(label) or OTHERS[unknown.index(label) % len(OTHERS)] for label in labels)


def heat(values: FloatImage) -> NDArray[np.uint8]:
    """Values in [0, 1] of any shape as uint8 [..., 3]."""
    return table()[np.clip(np.rint(np.nan_to_num(values) * 255), 0, 255).astype(np.uint8)]


def css(colour: Colour) -> str:
    """ "#rrggbb"."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
