"""Maps as pictures, over an image or to be laid over one: nothing where the map is zero, so that the image is seen there.

What counts for more is more opaque as well as another colour. Signed numbers have a diverging scale about zero.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from core.explain.evidence import SATURATED_SHARE
from core.explain.overlay import CIVIDIS, overlay_png
from core.render.colours import CHANGE, heat, table
from core.render.scene import png
from core.types import Explanation, FloatImage

_SIDE = 320
"""Pixels of a picture's longer side."""
DIVERGING = (CHANGE[0], CHANGE[len(CHANGE) // 2], CHANGE[-1])
"""Against (blue), zero (grey), for (orange): told apart by colour-blind eyes too."""
OPAQUE_FROM = 0.5
"""Share of the scale from which a map hides nothing of its colour; below, opacity falls in a line to 0 at zero."""


def over_input(shown: FloatImage, saliency: FloatImage) -> bytes:
    """PNG, enlarged without smoothing, which would invent detail. shown: float32 [channels, rows, columns] in [0, 1]."""
    picture = PillowImage.open(io.BytesIO(overlay_png(shown, saliency)))
    scale = max(1, _SIDE // max(picture.size))
    return png(np.asarray(picture).repeat(scale, axis=0).repeat(scale, axis=1))


def heat_layer(values: FloatImage) -> bytes:
    """float32 [rows, columns] in [0, 1] as a PNG with opacity, a pixel a value."""
    known = np.nan_to_num(values)
    return png(np.dstack([heat(known), _opacity(known)]))


def signed_layer(values: FloatImage) -> bytes:
    """float32 [rows, columns] in [-1, 1] as a PNG with opacity, a pixel a value; 0 is transparent."""
    known = np.nan_to_num(values)
    colours = table(DIVERGING)[np.clip(np.rint((known + 1.0) * 127.5), 0, 255).astype(np.uint8)]
    return png(np.dstack([colours, _opacity(np.abs(known))]))


def signed_values(explanation: Explanation) -> tuple[FloatImage, float]:
    """(values, limit): what speaks for the target above 0 and against it below, float32 [rows, columns] in [-1, 1].

    limit: what 1 stands for, in the unit of explanation.high; the strongest hundredth of either sign is cut off at it. The explanation
    must have an attribution, else ValueError.
    """
    if explanation.attribution is None:
        raise ValueError(f"a map of {explanation.method} has no sign")
    total = explanation.attribution.sum(axis=0)
    speaking_for, strong = total[total > 0.0], np.abs(total[total != 0.0])
    if not strong.size:
        return np.zeros_like(total, dtype=np.float32), 0.0
    limit = float(np.quantile(strong, 1.0 - SATURATED_SHARE))
    top = float(np.quantile(speaking_for, 1.0 - SATURATED_SHARE)) if speaking_for.size else 0.0
    unit = explanation.high / top if top > 0.0 and explanation.high > 0.0 else 1.0  # a method may take the mean over channels
    return np.clip(total / limit, -1.0, 1.0).astype(np.float32), limit * unit


def stops(is_signed: bool = False) -> tuple[str, ...]:
    """CSS colours of the colour bar from low to high, as opaque as the map is there."""
    if is_signed:
        places = np.linspace(-1.0, 1.0, 9)
        colours = table(DIVERGING)[np.rint((places + 1.0) * 127.5).astype(int)]
    else:
        places = np.linspace(0.0, 1.0, len(CIVIDIS))
        colours = table()[np.rint(places * 255).astype(int)]
    return tuple(
        "#{:02x}{:02x}{:02x}{:02x}".format(*colour, opacity) for colour, opacity in zip(colours, _opacity(np.abs(places)), strict=True)
    )


def _opacity(shares: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.asarray(np.rint(np.clip(shares / OPAQUE_FROM, 0.0, 1.0) * 255), dtype=np.uint8)
