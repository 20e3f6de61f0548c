"""Colours of maps and saliency: cividis, which reads the same in grey and for colour-blind eyes; blue and orange for change."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.explain.overlay import CIVIDIS
from core.export.styles import Colour, class_colours
from core.types import FloatImage

__all__ = ["CHANGE", "CHANGED", "CIVIDIS", "UNSTABLE_MARK", "class_colours", "css", "heat", "table"]

CHANGE = ("#2c5f9e", "#4c7fb8", "#86a5c4", "#c2c7cc", "#dcb48c", "#ec9950", "#ff8c1a")
"""Little to much change, from blue over grey to orange."""
CHANGED = (255, 140, 26)
UNSTABLE_MARK = (245, 245, 245)
"""Where a class is unstable: no class is white."""


def table(stops: tuple[str, ...] = CIVIDIS) -> NDArray[np.uint8]:
    """uint8 [256, 3]: the stops, spread evenly."""
    fixed = np.array([[int(stop[index : index + 2], 16) for index in (1, 3, 5)] for stop in stops], dtype=np.float64)
    places = np.linspace(0, 255, len(stops))
    return np.stack([np.rint(np.interp(np.arange(256), places, fixed[:, channel])) for channel in range(3)], axis=1).astype(np.uint8)


def heat(values: FloatImage) -> NDArray[np.uint8]:
    """Values in [0, 1] of any shape as uint8 [..., 3]."""
    return table()[np.clip(np.rint(np.nan_to_num(values) * 255), 0, 255).astype(np.uint8)]


def css(colour: Colour) -> str:
    """ "#rrggbb"."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
