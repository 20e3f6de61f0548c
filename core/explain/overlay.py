"""A map over its image, as a picture."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import OutOfRange
from core.types import FloatImage

CIVIDIS = ("#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838")
"""Reads the same in grey and for colour-blind eyes: Nunez, Anderton and Renslow 2018, in ten steps."""


def overlay_png(shown: FloatImage, saliency: FloatImage, opacity: float = 0.4) -> bytes:
    """The image under the map in cividis, as an 8-bit RGB PNG of the same size.

    shown: float32 [channels, rows, columns] in [0, 1]; the first three channels are red, green and blue, a single one is grey.
    saliency: float32 [rows, columns] in [0, 1]. opacity: of the map, in [0, 1]. Raises OutOfRange.
    """
    if not 0.0 <= opacity <= 1.0:
        raise OutOfRange("opacity", opacity, "0 <= opacity <= 1")
    picture = np.moveaxis(shown[:3] if len(shown) >= 3 else np.repeat(shown[:1], 3, axis=0), 0, 2)  # [rows, columns, 3]
    blended = (1.0 - opacity) * np.clip(picture, 0.0, 1.0) + opacity * _heat(saliency)
    written = io.BytesIO()
    Image.fromarray(np.rint(blended * 255.0).astype(np.uint8)).save(written, format="PNG")
    return written.getvalue()


def _heat(values: FloatImage) -> NDArray[np.float64]:
    """Values in [0, 1] of any shape -> red, green, blue in [0, 1], [..., 3]."""
    stops = np.array([[int(stop[start : start + 2], 16) for start in (1, 3, 5)] for stop in CIVIDIS]) / 255.0  # [stops, 3]
    places = np.linspace(0.0, 1.0, len(stops))
    return np.stack([np.interp(values, places, stops[:, channel]) for channel in range(3)], axis=-1)
