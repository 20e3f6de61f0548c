"""How far something solid in the lung reaches in a slice: what is denser than air about a place, without the vessels that run into it."""

from __future__ import annotations

import numpy as np
import scipy

from core.prepare.ct_lungs import AIRY
from core.types import Box, FloatImage, Mask

WIDEST_MM = 39.0
"""What reaches further than the model's window is no outline: it runs on into the chest wall, the heart or a large vessel."""
VESSEL_MM = 1.5
"""Half the width of what is cut off: vessels of a few millimetres that lead to a nodule."""
NEAR_MM = 5.0
"""How far from the place it may begin; a place is as exact as the model's tokens are."""
_DIRECTIONS = 12


def outline_about(values: FloatImage, row: float, column: float, spacing_mm: float) -> tuple[float, Box] | None:
    """(longest diameter in mm, (left, top, width, height) in pixels) of what is solid about a place; None where it has no end there.

    values: float32 [rows, columns] in Hounsfield units, pixels of spacing_mm on both sides. row, column: from 0.
    """
    reach = round(WIDEST_MM / spacing_mm)
    top, left = max(0, int(row) - reach), max(0, int(column) - reach)
    solid = values[top : int(row) + reach + 1, left : int(column) + reach + 1] > AIRY
    place = (row - top, column - left)
    found = _opened(solid, place, spacing_mm)
    if found is None:
        found = _piece_near(solid, place, spacing_mm)
    if found is None or found[0].any() or found[-1].any() or found[:, 0].any() or found[:, -1].any():
        return None
    rows, columns = np.nonzero(found)
    diameter = (max(_reach(rows, columns)) + 1.0) * spacing_mm
    if diameter > WIDEST_MM:
        return None
    box = (float(left + columns.min()), float(top + rows.min()), float(np.ptp(columns) + 1), float(np.ptp(rows) + 1))
    return diameter, box


def solid_in(values: FloatImage, box: Box) -> Mask:
    """bool [rows, columns]: what is solid inside a box (left, top, width, height), in one piece about its middle; all of the box's ellipse
    where nothing there is solid.

    values: float32 [rows, columns] in Hounsfield units, of the source.
    """
    left, top, width, height = box
    rows, columns = np.ogrid[: values.shape[0], : values.shape[1]]
    across, down = (columns + 0.5 - left - width / 2) / (width / 2), (rows + 0.5 - top - height / 2) / (height / 2)
    inside = (np.abs(across) <= 1.0) & (np.abs(down) <= 1.0)
    pieces, count = scipy.ndimage.label((values > AIRY) & inside, structure=np.ones((3, 3)))
    if not count:
        return np.asarray(np.hypot(across, down) <= 1.0, dtype=np.bool_)
    sizes = scipy.ndimage.sum_labels(inside, pieces, np.arange(1, count + 1))
    return np.asarray(pieces == 1 + int(np.argmax(sizes)), dtype=np.bool_)


def _opened(solid: Mask, place: tuple[float, float], spacing_mm: float) -> Mask | None:
    """The piece about the place after what is thin was cut off, brought back to its size."""
    radius = VESSEL_MM / spacing_mm
    core = _piece_near(scipy.ndimage.distance_transform_edt(solid) > radius, place, spacing_mm)
    return None if core is None else np.asarray((scipy.ndimage.distance_transform_edt(~core) <= radius) & solid, dtype=np.bool_)


def _piece_near(solid: Mask, place: tuple[float, float], spacing_mm: float) -> Mask | None:
    """The connected piece that comes nearest to the place; None where none comes near."""
    if not solid.any():
        return None
    rows, columns = np.ogrid[: solid.shape[0], : solid.shape[1]]
    distances = np.where(solid, np.hypot(rows - place[0], columns - place[1]), np.inf)
    nearest = np.unravel_index(int(np.argmin(distances)), solid.shape)
    if distances[nearest] * spacing_mm > NEAR_MM:
        return None
    pieces, _ = scipy.ndimage.label(solid, structure=np.ones((3, 3)))
    return np.asarray(pieces == pieces[nearest], dtype=np.bool_)


def _reach(rows: np.ndarray, columns: np.ndarray) -> list[float]:
    """How far the pixels reach in each direction (Feret's diameters)."""
    angles = np.arange(_DIRECTIONS) * np.pi / _DIRECTIONS
    return [float(np.ptp(rows * np.sin(angle) + columns * np.cos(angle))) for angle in angles]
