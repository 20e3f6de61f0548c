"""Colours of maps and saliency: cividis, which reads the same in grey and for colour-blind eyes; blue and orange for change."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.explain.overlay import CIVIDIS, DIVERGING, table
from core.export.styles import Colour, class_colours
from core.types import FloatImage

__all__ = ["CHANGE", "CHANGED", "CIVIDIS", "class_colours", "css", "heat", "table"]

CHANGE = (DIVERGING[0], "#4c7fb8", "#86a5c4", DIVERGING[1], "#dcb48c", "#ec9950", DIVERGING[2])
"""Little to much change, from blue over grey to orange."""
CHANGED = (255, 140, 26)


def heat(values: FloatImage) -> NDArray[np.uint8]:
    """Values in [0, 1] of any shape as uint8 [..., 3]."""
    return table()[np.clip(np.rint(np.nan_to_num(values) * 255), 0, 255).astype(np.uint8)]


def css(colour: Colour) -> str:
    """ "#rrggbb"."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
