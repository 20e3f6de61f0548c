"""Maps as pictures, over an image or to be laid over one: nothing where the map says nothing, so that the image is seen there."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as PillowImage

from core.explain.overlay import DrawnMap, EvidenceSide, bar_colours, coloured, overlay_png
from core.render.scene import png
from core.types import FloatImage

_SIDE = 320
"""Pixels of a picture's longer side."""


def over_input(shown: FloatImage, drawn: DrawnMap) -> bytes:
    """PNG, enlarged without smoothing, which would invent detail. shown: float32 [channels, rows, columns] in [0, 1]."""
    picture = PillowImage.open(io.BytesIO(overlay_png(shown, drawn)))
    scale = max(1, _SIDE // max(picture.size))
    return png(np.asarray(picture).repeat(scale, axis=0).repeat(scale, axis=1))


def map_layer(drawn: DrawnMap) -> bytes:
    """A map as a PNG with opacity, a pixel a value."""
    return png(coloured(drawn.values, is_signed=drawn.is_signed))


def heat_layer(values: FloatImage) -> bytes:
    """float32 [rows, columns] in [0, 1], no explanation, as a PNG with opacity, a pixel a value."""
    return png(coloured(values, is_signed=False))


def stops(is_signed: bool = False, side: EvidenceSide = EvidenceSide.BOTH) -> tuple[str, ...]:
    """CSS colours of the colour bar from low to high, as opaque as the map is there."""
    return tuple("#{:02x}{:02x}{:02x}{:02x}".format(*colour) for colour in bar_colours(is_signed, side))
