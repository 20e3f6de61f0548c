"""Words for the place where a map is strongest.

A model knows no anatomy and no compass: the words follow from the place in the image alone. Scenes are taken as north-up. Sides of a
radiograph are those of the image as it is displayed; the left of the image is the patient's right where it is displayed as usual.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from core.types import Domain, FloatImage

SMOOTHING_SHARE = 1 / 12
"""Deviation of the Gaussian that gathers a map into places, as a share of its side: about a patch of an eight by eight grid."""
FLAT = 1e-6
"""A map whose values differ by no more than this has no strongest place."""
CENTRE_SHARE = 1 / 3
"""The centre of a scene is its middle third, across and down."""
SECTORS = ("east", "north-east", "north", "north-west", "west", "south-west", "south", "south-east")
MIDLINE_SHARE = 1 / 5
"""Spine and mediastinum: the middle fifth of a frontal radiograph, across."""
MARGIN_SHARE = 1 / 10
"""The outer tenth at each side of a radiograph, where markers and arms lie and hardly ever lung."""
PATIENT_SIDE = {"left": "right", "right": "left"}


def region_words(saliency: FloatImage, domain: Domain) -> str:
    """ "north-east of the scene", "upper left lung field as displayed (usually the patient's right)"; "" where the map is flat.

    saliency: float32 [rows, columns], row 0 at the top. To be read after "strongest in the".
    """
    if saliency.size == 0 or float(np.ptp(saliency)) <= FLAT:
        return ""
    across, down = strongest_place(saliency)
    if domain in (Domain.CHEST_CT, Domain.PICTURE):
        return _of_window(across, down, "window" if domain is Domain.CHEST_CT else "image")
    return _of_scene(across, down) if domain is Domain.LAND_COVER else _of_radiograph(across, down)


def strongest_place(saliency: FloatImage) -> tuple[float, float]:
    """(across, down) in [0, 1] from the upper left corner: where most of the map is gathered, which a single bright pixel is not."""
    rows, columns = saliency.shape
    deviations = (rows * SMOOTHING_SHARE, columns * SMOOTHING_SHARE)
    gathered = gaussian_filter(saliency.astype(np.float64) - float(saliency.min()), deviations, mode="constant")
    row, column = np.unravel_index(int(np.argmax(gathered)), saliency.shape)
    return (float(column) + 0.5) / columns, (float(row) + 0.5) / rows


def _of_scene(across: float, down: float) -> str:
    east, north = across - 0.5, 0.5 - down
    if max(abs(east), abs(north)) <= CENTRE_SHARE / 2:
        return "centre of the scene"
    sector = SECTORS[round(np.arctan2(north, east) / (np.pi / 4)) % len(SECTORS)]
    return f"{sector} of the scene"


def _of_window(across: float, down: float, whole: str) -> str:
    """A window of a CT slice is small, and knows no side of the patient; nor does a picture of anything. whole: what it is called."""
    if max(abs(across - 0.5), abs(down - 0.5)) <= CENTRE_SHARE / 2:
        return f"middle of the {whole}"
    height = "upper" if down < 0.5 else "lower"
    return f"{height} {'left' if across < 0.5 else 'right'} of the {whole}"


def _of_radiograph(across: float, down: float) -> str:
    height = "upper" if down < 1 / 3 else "lower" if down > 2 / 3 else "middle"
    side = "left" if across < 0.5 else "right"
    if min(across, 1.0 - across) < MARGIN_SHARE:
        return f"{height} {side} margin of the image"
    if abs(across - 0.5) <= MIDLINE_SHARE / 2:
        return "middle of the image" if height == "middle" else f"{height} middle of the image"
    return f"{height} {side} lung field as displayed (usually the patient's {PATIENT_SIDE[side]})"
