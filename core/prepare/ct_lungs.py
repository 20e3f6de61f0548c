"""Where the lungs are in a slice of CT: what holds air and is not the air around the patient.

Lung is told from other air by its density: half-way between soft tissue and air by Hounsfield's scale, about -850, where the windpipe, the
bowel and the room are at -1000. It lies in the body, also where the scanner's field of view cuts the chest open. A nodule at the pleura
lies outside of what holds air; so the field is closed and its holes are filled.
"""

from __future__ import annotations

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
    numbers = np.arange(1, count + 1)
    areas = scipy.ndimage.sum_labels(np.ones_like(values), pieces, numbers) * spacing_mm**2
    large = numbers[areas >= SMALLEST_MM2]
    medians = np.asarray(scipy.ndimage.median(values, pieces, large)) if len(large) else np.empty(0)
    lungs = np.isin(pieces, large[(medians > DENSITY[0]) & (medians < DENSITY[1])])
    if not lungs.any():
        return lungs
    reach = REACH_MM / spacing_mm
    near = scipy.ndimage.distance_transform_edt(~lungs) <= reach
    closed = scipy.ndimage.distance_transform_edt(near) > reach  # dilation, then erosion, by discs
    return np.asarray(scipy.ndimage.distance_transform_edt(~scipy.ndimage.binary_fill_holes(closed | lungs)) <= reach, dtype=np.bool_)
