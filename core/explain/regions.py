"""The place where a map is strongest.

A model knows no anatomy and no compass: the place follows from the place in the image alone. Scenes are taken as north-up. Of a radiograph
the patient's side is named where its header tells it, else the half of the image; a lung field is named where the lungs were found
(core/prepare/lung_fields.py) and the place lies in them.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from core.prepare.domains import Places, image_domain
from core.prepare.sides import OTHER, Side
from core.types import Domain, FloatImage, Mask, Notice, notice

SMOOTHING_SHARE = 1 / 12
"""Deviation of the Gaussian that gathers a map into places, as a share of its side: about a patch of an eight by eight grid."""
FLAT = 1e-6
"""A map whose values differ by no more than this has no strongest place."""
_CENTRE_SHARE = 1 / 3
"""The centre of a scene is its middle third, across and down."""
_SECTORS = ("east", "north-east", "north", "north-west", "west", "south-west", "south", "south-east")
MIDLINE_SHARE = 1 / 5
"""Spine and mediastinum: the middle fifth of a frontal radiograph, across."""
MARGIN_SHARE = 1 / 10
"""The outer tenth at each side of a radiograph, where markers and arms lie and hardly ever lung."""


def region_of(saliency: FloatImage, domain: Domain, at_right: Side | None = None, lungs: Mask | None = None) -> Notice | None:
    """The north-east of a scene, the upper third of the left half of a radiograph ...; None where the map is flat.

    saliency: float32 [rows, columns], row 0 at the top. A clause, to be read after "strongest in the".
    at_right: the patient's side at the right edge of a radiograph (core/prepare/sides.py); None where it is not known.
    lungs: the boxes about the lungs of a radiograph, bool of the same size; None where they were not found.
    """
    if saliency.size == 0 or float(np.ptp(saliency)) <= FLAT:
        return None
    across, down = strongest_place(saliency)
    places = image_domain(domain).places
    return _of_radiograph(across, down, at_right, lungs) if places is Places.RADIOGRAPH else OF_PLACES[places](across, down)


def strongest_place(saliency: FloatImage) -> tuple[float, float]:
    """(across, down) in [0, 1] from the upper left corner: where most of the map is gathered, which a single bright pixel is not."""
    rows, columns = saliency.shape
    deviations = (rows * SMOOTHING_SHARE, columns * SMOOTHING_SHARE)
    gathered = gaussian_filter(saliency.astype(np.float64) - float(saliency.min()), deviations, mode="constant")
    row, column = np.unravel_index(int(np.argmax(gathered)), saliency.shape)
    return (float(column) + 0.5) / columns, (float(row) + 0.5) / rows


def _of_scene(across: float, down: float) -> Notice:
    if _is_central(across, down):
        return notice("place.scene-centre")
    return notice("place.scene", sector=_SECTORS[round(np.arctan2(0.5 - down, across - 0.5) / (np.pi / 4)) % len(_SECTORS)])


def _of_window(across: float, down: float) -> Notice:
    """A window of a CT slice is small, and knows no side of the patient."""
    if _is_central(across, down):
        return notice("place.window-middle")
    return notice("place.window", height=_half(down), side=_side(across))


def _of_picture(across: float, down: float) -> Notice:
    if _is_central(across, down):
        return notice("place.image-middle")
    return notice("place.image", height=_half(down), side=_side(across))


def _of_radiograph(across: float, down: float, at_right: Side | None, lungs: Mask | None) -> Notice:
    in_lung = None if lungs is None else _height_in(lungs, across, down)
    side, height = _side(across), _third(down) if in_lung is None else _third(in_lung)
    if in_lung is not None:
        return _of_lung(height, side, at_right)
    if min(across, 1.0 - across) < MARGIN_SHARE:
        return notice("place.margin", height=height, side=side)
    if abs(across - 0.5) <= MIDLINE_SHARE / 2:
        return notice("place.image-middle") if height == "middle" else notice("place.midline", height=height)
    if at_right is None:
        return notice("place.image-half", height=height, side=side)
    return notice("place.patient-half", height=height, side=at_right if side == "right" else OTHER[at_right])


def _of_lung(height: str, side: Side, at_right: Side | None) -> Notice:
    if at_right is None:
        return notice("place.lung-of-half", height=height, side=side)
    return notice("place.lung-field", height=height, side=at_right if side == "right" else OTHER[at_right])


def _height_in(lungs: Mask, across: float, down: float) -> float | None:
    """How far down in the box of the lung that holds a place, in [0, 1]; None where it lies in neither."""
    rows, columns = lungs.shape
    row, column = int(down * rows), int(across * columns)
    if not lungs[row, column]:
        return None
    held = np.flatnonzero(lungs[:, column])
    return (row + 0.5 - float(held[0])) / (float(held[-1]) + 1.0 - float(held[0]))


def _third(down: float) -> str:
    return "upper" if down < 1 / 3 else "lower" if down > 2 / 3 else "middle"


def _is_central(across: float, down: float) -> bool:
    return max(abs(across - 0.5), abs(down - 0.5)) <= _CENTRE_SHARE / 2


def _half(down: float) -> str:
    return "upper" if down < 0.5 else "lower"


def _side(across: float) -> Side:
    return "left" if across < 0.5 else "right"


OF_PLACES = {Places.SCENE: _of_scene, Places.WINDOW: _of_window, Places.PICTURE: _of_picture}
