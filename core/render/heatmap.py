"""A map over the input that it explains, small, for a page."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as PillowImage

from core.explain.overlay import overlay_png
from core.render.scene import png
from core.types import FloatImage

SIDE = 320
"""Pixels of a picture's longer side."""


def over_input(shown: FloatImage, saliency: FloatImage) -> bytes:
    """PNG, enlarged without smoothing, which would invent detail. shown: float32 [channels, rows, columns] in [0, 1]."""
    picture = PillowImage.open(io.BytesIO(overlay_png(shown, saliency)))
    scale = max(1, SIDE // max(picture.size))
    return png(np.asarray(picture).repeat(scale, axis=0).repeat(scale, axis=1))
