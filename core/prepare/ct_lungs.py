"""Where the lungs are in a slice of CT: what holds air and is not the air around the patient.

Lung is told from other air by its density: half-way between soft tissue and air by Hounsfield's scale, about -850, where the windpipe, the
bowel and the room are at -1000. It lies in the body, also where the scanner's field of view cuts the chest open. A nodule at the pleura
lies outside of what holds air; so the field is closed and its holes are filled.
"""

from __future__ import annotations

import math

import numpy as np
import scipy

from core.prepare.body import body_of_slice
from core.types import FloatImage, Mask

AIRY = -400.0
"""Hounsfield units below which a pixel holds air."""
DENSITY = (-960.0, -500.0)
"""Hounsfield units between which the median of a lung lies, emphysema and full expiration included."""
SMALLEST_MM2 = 400.0
"""Area of the smallest field that is taken as lung; a slice through the tip of a lung has that."""
REACH_MM = 8.0
"""The field is closed over gaps of twice that width, and reaches that far into its wall: nodules lie at the pleura."""


def lung_field(values: FloatImage, spacing_mm: float) -> Mask:
    """bool [rows, columns]: where a lung nodule may lie, empty where the slice shows no lung that holds air.

    values: float32 [rows, columns] in Hounsfield units, pixels of spacing_mm on both sides.
    """
    pieces, count = scipy.ndimage.label((values < AIRY) & body_of_slice(values))
    areas = np.bincount(pieces.ravel(), minlength=count + 1)[1:] * spacing_mm**2
    large = [number for number, area in enumerate(areas, start=1) if area >= SMALLEST_MM2]
    lungs = np.isin(pieces, [number for number in large if DENSITY[0] < np.median(values[pieces == number]) < DENSITY[1]])
    if not lungs.any():
        return lungs
    reach = REACH_MM / spacing_mm
    field, around = np.zeros_like(lungs), _around(lungs, 2 * math.ceil(reach) + 1)  # the rest of the slice lies too far away to matter
    field[around] = _closed(lungs[around], reach)
    return field


def _closed(lungs: Mask, reach: float) -> Mask:
    """The field about the lungs: closed over gaps of twice the reach, its holes filled, and that much larger. reach: in pixels."""
    near = scipy.ndimage.distance_transform_edt(~lungs) <= reach
    closed = scipy.ndimage.distance_transform_edt(near) > reach  # dilation, then erosion, by discs
    return np.asarray(scipy.ndimage.distance_transform_edt(~scipy.ndimage.binary_fill_holes(closed | lungs)) <= reach, dtype=np.bool_)


def _around(mask: Mask, margin: int) -> tuple[slice, slice]:
    """Rows and columns of what is marked, with a margin where the image goes on."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + margin + 1),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + margin + 1),
    )
