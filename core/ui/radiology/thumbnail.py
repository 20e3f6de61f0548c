"""A small picture of an image, for the list of what is open."""

from __future__ import annotations

import numpy as np

from core.errors import SightlineError
from core.prepare.windowing import render
from core.render.scene import png
from core.types import Picture, Study

_SIDE = 96
"""Pixels of the longer side."""


def study_thumbnail(image: Study | Picture) -> bytes | None:
    """PNG of the middle frame, shown as the viewer shows it at first; None where it cannot be decoded."""
    try:
        pixels = image.pixels if isinstance(image, Picture) else render(image, image.shape[0] // 2)
    except SightlineError:
        return None
    step = max(1, -(-max(pixels.shape[:2]) // _SIDE))
    return png(np.ascontiguousarray(pixels[::step, ::step]))
