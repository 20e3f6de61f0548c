"""Where slices lie in the patient, for people."""

from __future__ import annotations

import numpy as np

from core.types import Study


def slice_places(study: Study) -> list[float]:
    """Where the middle of each slice lies on the axis of the patient that its normal is nearest to, in mm; [] where not told.

    For the axial slices of CT that is the table's position, as the scanner counts it along the patient (PS3.3 C.7.6.2.1.1).
    """
    if not study.orientation or not study.spacing_mm or len(study.positions) != study.shape[0]:
        return []
    along, down = np.array(study.orientation[:3]), np.array(study.orientation[3:])
    normal = np.cross(along, down)
    middle = along * study.spacing_mm[1] * (study.shape[2] - 1) / 2 + down * study.spacing_mm[0] * (study.shape[1] - 1) / 2
    axis = int(np.argmax(np.abs(normal)))
    return [float(position[axis] + middle[axis]) for position in study.positions]
