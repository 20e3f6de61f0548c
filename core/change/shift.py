"""How far two dates are shifted against each other: a shift of one pixel looks like change along every edge.

Cross-correlation, upsampled around its peak (Guizar-Sicairos, Thurman and Fienup 2008), of tie windows spread over the scene; the median of
the windows is the shift, and where they disagree no shift is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.registration import phase_cross_correlation

from core.prepare.grid.bands import read_window
from core.types import Band, FloatImage, Scene

WINDOW = 128
"""Side of a tie window in pixels."""
WINDOWS_A_SIDE = 3
SMALLEST_WINDOW = 64
"""Scenes narrower than that are not measured."""
LEAST_VALID_SHARE = 0.9
LEAST_WINDOWS = 3
"""Windows that must agree; small scenes have only one."""
AGREEMENT = 0.5
"""Pixels, median distance of the windows from their median, up to which they agree."""
FARTHEST = 8.0
"""Pixels; a peak beyond that is a chance likeness, not a shift."""
STEPS_A_PIXEL = 10
GROUND_SIGMA = 8.0
"""Pixels; brightness that varies more slowly (haze, light, season) is taken off first."""

Dated = tuple[Scene, Sequence[Band]]


def measure_shift(before: Dated, after: Dated) -> tuple[float, float] | None:
    """(to the right, downwards) in pixels by which the second date lies off the first; None where it cannot be told.

    before, after: two scenes on one grid, each with the bands to compare, in the same order.
    """
    found = [shift for box in _windows(before[0]) if (shift := _shift_of(before, after, box)) is not None]
    if len(found) < min(LEAST_WINDOWS, len(list(_windows(before[0])))) or not found:
        return None
    shifts = np.array(found)  # [windows, 2]
    middle = np.median(shifts, axis=0)
    if np.median(np.hypot(*(shifts - middle).T)) > AGREEMENT:
        return None
    return float(middle[0]), float(middle[1])


def shift_confidence(shift: float, pixels: int, perimeter: float) -> float:
    """How much of a polygon of change a shift between the dates cannot explain, in [0, 1].

    A shift of s pixels draws a rim s wide along every edge of what does not change: a rim as wide as the shift has none left, and a square
    ten pixels wide nine tenths of a shift of half a pixel. shift, perimeter: in pixels.
    """
    return max(0.0, 1.0 - shift * perimeter / (2.0 * max(pixels, 1)))


def _windows(scene: Scene) -> Iterator[tuple[int, int, int, int]]:
    """(left, top, width, height) of tie windows, spread evenly; none twice."""
    width, height = min(WINDOW, scene.width), min(WINDOW, scene.height)
    if min(width, height) < SMALLEST_WINDOW:
        return
    share = np.linspace(0.0, 1.0, WINDOWS_A_SIDE)
    corners = ((round(x * (scene.width - width)), round(y * (scene.height - height))) for y in share for x in share)
    for left, top in dict.fromkeys(corners):
        yield left, top, width, height


def _shift_of(before: Dated, after: Dated, box: tuple[int, int, int, int]) -> tuple[float, float] | None:
    images = []
    for scene, bands in (before, after):
        reflectance, valid = read_window(scene, bands, box)
        if valid.mean() < LEAST_VALID_SHARE:
            return None
        images.append(_details(reflectance.mean(axis=0), valid))
    if min(float(np.abs(image).max()) for image in images) == 0:
        return None  # nothing to hold on to
    (down, right), _, _ = phase_cross_correlation(images[0], images[1], upsample_factor=STEPS_A_PIXEL, normalization=None)  # type: ignore[no-untyped-call]
    return None if max(abs(right), abs(down)) > FARTHEST else (-float(right), -float(down))


def _details(brightness: FloatImage, valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Brightness without its slow part, fading out towards the edges, so that the window's own frame is not what matches."""
    filled = np.where(valid, brightness, brightness[valid].mean()).astype(np.float64)
    rows, columns = filled.shape
    fade = np.hanning(rows)[:, np.newaxis] * np.hanning(columns)
    return np.asarray((filled - gaussian_filter(filled, GROUND_SIGMA)) * np.where(valid, fade, 0.0))
