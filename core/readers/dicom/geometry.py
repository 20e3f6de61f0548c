"""Where slices lie in the patient (PS3.3 C.7.6.2.1.1), and whether they make one regular stack."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from core.deidentify.header import number, numbers
from core.types import Notice, notice
from core.types.study import PROJECTION_MODALITIES

# Slice distances that differ by less than this share are the same distance, and a stack that leans by less than acos(1 - 1e-3)
# is straight: highdicom's own tolerances.
SPACING_TOLERANCE = 0.01
LEAN_TOLERANCE = 1e-3
_ORIENTATION_TOLERANCE = 1e-3

Position = tuple[float, float, float]


def spacing(header: Dataset, modality: str) -> tuple[float, float] | None:
    """(row, column) spacing in mm: at the detector for projection radiographs, in the patient otherwise; None where not told."""
    keywords: tuple[str, ...] = ("PixelSpacing",)
    if modality in PROJECTION_MODALITIES:
        keywords = ("ImagerPixelSpacing", "PixelSpacing", "NominalScannedPixelSpacing")
    for keyword in keywords:
        pair = numbers(header, keyword, 2)
        if pair is not None and pair[0] > 0 and pair[1] > 0:
            return pair[0], pair[1]
    return None


def orientation(header: Dataset) -> tuple[float, ...] | None:
    """The six direction cosines, where they are two perpendicular unit vectors."""
    cosines = numbers(header, "ImageOrientationPatient", 6)
    if cosines is None:
        return None
    row, column = np.array(cosines[:3]), np.array(cosines[3:])
    is_sound = abs(np.linalg.norm(row) - 1) < 0.01 and abs(np.linalg.norm(column) - 1) < 0.01 and abs(row @ column) < 0.01
    return cosines if is_sound else None


def position(header: Dataset) -> Position | None:
    """The centre of the first pixel in mm, patient coordinates."""
    point = numbers(header, "ImagePositionPatient", 3)
    return None if point is None else (point[0], point[1], point[2])


def same_orientation(first: Sequence[float], second: Sequence[float]) -> bool:
    """Whether two planes are parallel and turned alike."""
    return bool(np.allclose(first, second, atol=_ORIENTATION_TOLERANCE))


def distances(positions: Sequence[Position], cosines: Sequence[float]) -> list[float]:
    """Signed distance of each plane from the origin along the normal, in mm."""
    normal = np.cross(cosines[:3], cosines[3:])
    return [float(np.dot(normal, point)) for point in positions]


@dataclass(frozen=True)
class Stack:
    """What neighbouring planes say: the distance between them in mm, and why they are not one volume (None where they are)."""

    spacing_mm: float | None
    reason: Notice | None = None


def check_geometry(positions: Sequence[Position], cosines: Sequence[float], tilt_degrees: float | None = None) -> Stack:
    """Whether planes, in the order given, are one regular stack. The reasons are a clinician's."""
    along = distances(positions, cosines)
    gaps = np.diff(along)
    if len(gaps) == 0:
        return Stack(None, notice("stack.single-slice"))
    typical = float(np.median(np.abs(gaps)))
    if np.any(np.abs(gaps) < max(1e-3, SPACING_TOLERANCE * typical)):
        at = int(np.argmin(np.abs(gaps)))
        return Stack(None, notice("stack.same-position", position_mm=along[at]))
    if not (np.all(gaps > 0) or np.all(gaps < 0)):
        return Stack(None, notice("stack.unordered"))
    gaps = np.abs(gaps)
    if np.all(np.abs(gaps - gaps.mean()) <= SPACING_TOLERANCE * gaps.mean()):
        lean = _lean(positions, cosines)
        if lean:
            return Stack(float(gaps.mean()), _leaning(lean, tilt_degrees))
        return Stack(float(gaps.mean()))
    return Stack(None, _uneven(gaps, along, typical))


def tilt(header: Dataset) -> float | None:
    """Gantry tilt in degrees, None where not told."""
    return number(header, "GantryDetectorTilt")


def _uneven(gaps: np.ndarray, along: Sequence[float], typical: float) -> Notice:
    steps = gaps / typical
    is_whole = np.abs(steps - np.round(steps)) <= 0.05 * np.round(steps)
    missing = int(np.round(steps).sum() - len(steps))
    if np.all(is_whole) and np.all(np.round(steps) >= 1) and missing > 0:
        at = int(np.argmax(steps))
        low, high = sorted((along[at], along[at + 1]))
        return notice("stack.slices-missing", count=missing, low_mm=low, high_mm=high, apart_mm=typical)
    return notice("stack.uneven", low_mm=float(gaps.min()), high_mm=float(gaps.max()))


def _lean(positions: Sequence[Position], cosines: Sequence[float]) -> float:
    """Angle in degrees between the direction of stacking and the normal, 0 where the stack is straight within tolerance."""
    normal = np.cross(cosines[:3], cosines[3:])
    direction = np.array(positions[-1]) - np.array(positions[0])
    cosine = abs(float(direction @ normal)) / (float(np.linalg.norm(direction)) * float(np.linalg.norm(normal)))
    return 0.0 if cosine >= 1 - LEAN_TOLERANCE else math.degrees(math.acos(cosine))


def _leaning(degrees: float, tilt_degrees: float | None) -> Notice:
    if tilt_degrees:
        return notice("stack.tilted", degrees=abs(tilt_degrees))
    return notice("stack.sheared", degrees=degrees)
