"""Where in the patient a candidate of CT lies: side, zone of the lungs, height; each only where the file tells it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.inference.ct_search import SliceSearch
from core.prepare.ct import slab_about
from core.prepare.sides import OTHER, Side, side_at_right
from core.types import Candidate, Picture, Study

ZONES = ("lower", "middle", "upper")
"""Thirds of the lungs, from the feet to the head."""
AXIAL_COSINE = 0.9
"""Of the slices' normal with the patient's axis: what lies more obliquely has no height of its own."""
TIP_SHARE = 0.25
"""Lungs end in a slice whose lung is that small a share of the largest; where the outermost slices show more, the series cuts them off."""


def placed(candidate: Candidate, image: Study | Picture, slices: Sequence[SliceSearch]) -> Candidate:
    """The candidate with its side, half, zone and height. slices: all that were searched."""
    middle = next(each.middle for each in slices if each.frame == candidate.frame)
    half: Side = "right" if candidate.column > middle else "left"
    at_right = side_at_right(image)
    side = None if at_right is None else at_right if half == "right" else OTHER[at_right]
    heights = heights_mm(image)
    z_mm = float(np.mean([heights[frame] for frame in slab_about(image, candidate.frame)])) if heights else None
    return replace(candidate, side=side, half=half, zone=_zone(z_mm, image, heights, slices), z_mm=z_mm)


def heights_mm(image: Study | Picture) -> tuple[float, ...]:
    """Of each slice its place along the patient's axis, growing towards the head (PS3.3 C.7.6.2.1.1); () where the file does not tell."""
    if isinstance(image, Picture) or len(image.positions) != image.shape[0] or not image.orientation or len(image.orientation) != 6:
        return ()
    normal = np.cross(image.orientation[:3], image.orientation[3:])
    length = float(np.linalg.norm(normal))
    if length == 0.0 or abs(float(normal[2])) / length < AXIAL_COSINE:
        return ()
    return tuple(float(position[2]) for position in image.positions)


def _zone(z_mm: float | None, image: Study | Picture, heights: Sequence[float], slices: Sequence[SliceSearch]) -> str | None:
    """By thirds between the tips of the lungs; None where the series does not hold both of them."""
    if z_mm is None or isinstance(image, Picture) or not image.is_volume:
        return None
    lungs = sorted((heights[each.frame], each.lung_pixels) for each in slices)
    shown = [index for index, (_, pixels) in enumerate(lungs) if pixels]
    if len(shown) < len(ZONES):
        return None
    low, high = shown[0], shown[-1]
    most = max(pixels for _, pixels in lungs)
    is_whole = all(lungs[end][1] <= TIP_SHARE * most or end not in (0, len(lungs) - 1) for end in (low, high))
    if not is_whole:
        return None
    bottom, top = lungs[low][0], lungs[high][0]
    return ZONES[min(int((z_mm - bottom) / (top - bottom) * len(ZONES)), len(ZONES) - 1)]
