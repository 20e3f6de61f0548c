"""Maps as colours: what says nothing is transparent, what says more is more opaque as well as another colour.

Numbers with a sign have a diverging scale about zero, blue against the target and orange for it. Shares of attention are drawn from what an
even spread would give each token, and never from their own smallest value, which would make a picture of nothing out of a flat map.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import OutOfRange
from core.explain.evidence import SATURATED_SHARE
from core.types import FloatImage, FoundMap, MapUnit

CIVIDIS = ("#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838")
"""Reads the same in grey and for colour-blind eyes: Nunez, Anderton and Renslow 2018, in ten steps."""
DIVERGING = ("#2c5f9e", "#c2c7cc", "#ff8c1a")
"""Against (blue), zero (grey), for (orange): told apart by colour-blind eyes too."""
OPAQUE_FROM = 0.5
"""Share of the scale from which a map hides nothing of its colour; below, opacity falls in a line to 0 at zero."""
OPACITY = 0.6
"""Of a map over its image where it is strongest: both are seen."""
_BAR_STOPS = 9

Rgba = NDArray[np.uint8]


class EvidenceSide(StrEnum):
    """Which evidence of a signed map is drawn."""

    BOTH = "both"
    FOR = "for"
    AGAINST = "against"


@dataclass(frozen=True)
class DrawnMap:
    """A map as it is drawn.

    values: float32 [rows, columns] on the network's input grid: 0 is nothing, 1 and -1 the ends of the scale; below 0 only with a sign.
    zero, limit: what 0 and 1 stand for in `unit`; of attention in times of an even share. is_signed: whether the scale diverges about zero.
    side: which end of a signed scale was kept.
    """

    values: FloatImage
    zero: float
    limit: float
    unit: MapUnit
    is_signed: bool
    side: EvidenceSide = EvidenceSide.BOTH


def drawn_map(explanation: FoundMap, side: EvidenceSide = EvidenceSide.BOTH) -> DrawnMap:
    """The map of an explanation. side: of a signed one; the scale stays the same whichever is kept."""
    if explanation.is_signed:
        return _signed(explanation, side)
    raw = _token_pixels(explanation)
    if explanation.zero > 0.0:
        raw = raw / np.float32(explanation.zero)
    zero, limit = (1.0 if explanation.zero > 0.0 else 0.0), float(raw.max())
    above = np.maximum(raw - zero, 0.0) / (limit - zero) if limit > zero else np.zeros_like(raw)
    if explanation.tokens is None:
        limit = explanation.high  # `raw` was scaled to 1
    return DrawnMap(above.astype(np.float32), zero, limit, explanation.unit, is_signed=False)


def enlarged(drawn: DrawnMap, rows: int, columns: int) -> DrawnMap:
    """The same on a picture of another size that covers the same ground; without smoothing, which would invent detail."""
    as_image = Image.fromarray(drawn.values).resize((columns, rows), Image.Resampling.NEAREST)
    return replace(drawn, values=np.asarray(as_image, dtype=np.float32))


def overlay_png(shown: FloatImage, drawn: DrawnMap, opacity: float = OPACITY) -> bytes:
    """The image under the map, as an 8-bit RGB PNG of the same size.

    shown: float32 [channels, rows, columns] in [0, 1]; the first three channels are red, green and blue, a single one is grey.
    drawn: of that size. opacity: of the map where it is strongest, in [0, 1]. Raises OutOfRange.
    """
    if not 0.0 <= opacity <= 1.0:
        raise OutOfRange("opacity", opacity, "0 <= opacity <= 1")
    picture = np.moveaxis(shown[:3] if len(shown) >= 3 else np.repeat(shown[:1], 3, axis=0), 0, 2)  # [rows, columns, 3]
    layer = coloured(drawn.values, is_signed=drawn.is_signed).astype(np.float64) / 255.0
    share = opacity * layer[..., 3:]
    blended = (1.0 - share) * np.clip(picture, 0.0, 1.0) + share * layer[..., :3]
    written = io.BytesIO()
    Image.fromarray(np.rint(blended * 255.0).astype(np.uint8)).save(written, format="PNG")
    return written.getvalue()


def coloured(values: FloatImage, *, is_signed: bool) -> Rgba:
    """Values in [0, 1], or [-1, 1] with a sign, of any shape -> uint8 [..., 4]: red, green, blue, opacity. NaN is nothing."""
    known = np.nan_to_num(values)
    shares = (known + 1.0) / 2.0 if is_signed else known
    places = np.clip(np.rint(shares * 255.0), 0, 255).astype(np.uint8)
    opacity = np.rint(np.clip(np.abs(known) / OPAQUE_FROM, 0.0, 1.0) * 255.0).astype(np.uint8)
    return np.concatenate([table(DIVERGING if is_signed else CIVIDIS)[places], opacity[..., None]], axis=-1)


def bar_colours(is_signed: bool, side: EvidenceSide = EvidenceSide.BOTH) -> Rgba:
    """uint8 [stops, 4]: the colour bar from its lower to its upper end, as opaque as the map is there."""
    low, high = (0.0 if side is EvidenceSide.FOR or not is_signed else -1.0), (0.0 if side is EvidenceSide.AGAINST else 1.0)
    return coloured(np.linspace(low, high, _BAR_STOPS, dtype=np.float32), is_signed=is_signed)


def table(stops: tuple[str, ...] = CIVIDIS) -> Rgba:
    """uint8 [256, 3]: the stops, spread evenly."""
    fixed = np.array([[int(stop[index : index + 2], 16) for index in (1, 3, 5)] for stop in stops], dtype=np.float64)
    places = np.linspace(0, 255, len(stops))
    return np.stack([np.rint(np.interp(np.arange(256), places, fixed[:, channel])) for channel in range(3)], axis=1).astype(np.uint8)


def _signed(explanation: FoundMap, side: EvidenceSide) -> DrawnMap:
    """The strongest hundredth of either sign is cut off at the limit."""
    total = _token_pixels(explanation) if explanation.attribution is None else explanation.attribution.sum(axis=0)
    strong = np.abs(total[total != 0.0])
    limit = float(np.quantile(strong, 1.0 - SATURATED_SHARE)) if strong.size else 0.0
    values = np.clip(total / limit, -1.0, 1.0) if limit > 0.0 else np.zeros_like(total)
    if side is not EvidenceSide.BOTH:
        values = np.maximum(values, 0.0) if side is EvidenceSide.FOR else np.minimum(values, 0.0)
    return DrawnMap(values.astype(np.float32), 0.0, limit * _of_a_channel(explanation, total), explanation.unit, True, side)


def _of_a_channel(explanation: FoundMap, total: FloatImage) -> float:
    """What the sum over channels is to be multiplied by: a method may have taken their mean."""
    speaking_for = total[total > 0.0]
    top = float(np.quantile(speaking_for, 1.0 - SATURATED_SHARE)) if speaking_for.size else 0.0
    is_scaled = explanation.tokens is None and top > 0.0 and explanation.high > 0.0
    return explanation.high / top if is_scaled else 1.0


def _token_pixels(explanation: FoundMap) -> FloatImage:
    return explanation.saliency if explanation.tokens is None else explanation.tokens.at_pixels()
