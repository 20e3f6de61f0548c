"""Where the patient is in an image, and what lies beside: the dark margin of a radiograph, the room around a body in CT."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from core.types import FloatImage, Mask

DARK = 0.06
"""Of the range of a radiograph: what is darker and reaches its edge lies beside the patient. Air beside a body is black, lung is not."""
TISSUE = -300.0
"""Hounsfield units: fat, muscle and bone are denser, clothes and the mattress of the table less."""
PADDING_HU = -1023.0
"""Hounsfield units at and below which a pixel may be padding outside the scanner's field of view; the scale begins at -1024."""
_RIM_PIXELS = 2
"""How far padding and what lies beside it mix where a slice is brought to another spacing."""
_PLATE_PIXELS = 2
"""Half of what is thinner than the body everywhere: the plate of a table."""
_ENCLOSED_SHARE = 0.5
"""Of the area of a piece of air, inside the convex hull of the body: lungs lie in it but for the bulge that a field of view cuts open."""
_HALF_A_PIXEL = np.array([(0.5, 0.0), (-0.5, 0.0), (0.0, 0.5), (0.0, -0.5)])
_ROUNDING = 1e-9
_SMOOTH_SHARE = 1 / 100
"""Of the side; noise in the dark has no size."""


def body_of_radiograph(shown: FloatImage) -> Mask:
    """bool [rows, columns]: the patient, lungs included. shown: float32 [rows, columns] in [0, 1], air dark.

    Letters and devices in the dark margin are outside, since they hang together with no body.
    """
    smooth = scipy.ndimage.gaussian_filter(shown.astype(np.float32), max(shown.shape) * _SMOOTH_SHARE)
    low, high = float(smooth.min()), float(smooth.max())
    if high <= low:
        return np.ones(shown.shape, dtype=np.bool_)
    dark = smooth <= low + DARK * (high - low)
    pieces, _ = scipy.ndimage.label(dark)
    at_edge = np.unique(np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]]))
    return _largest(~np.isin(pieces, at_edge[at_edge > 0]))


def body_of_slice(values: FloatImage) -> Mask:
    """bool [rows, columns]: the body in a slice of CT, its lungs included. values: float32 [rows, columns] in Hounsfield units.

    A lung that the scanner's field of view cuts open belongs to the body too: it opens into padding, not into the room.
    """
    dense = _largest(values > TISSUE)
    solid = _largest(scipy.ndimage.binary_opening(dense, iterations=_PLATE_PIXELS))
    body = np.asarray(scipy.ndimage.binary_fill_holes(dense), dtype=np.bool_)
    if not solid.any():
        return body
    pieces, count = scipy.ndimage.label(~body & ~_padding(values))
    sizes, inside = (np.bincount(which, minlength=count + 1) for which in (pieces.ravel(), pieces[convex_hull(solid)]))
    enclosed = inside >= _ENCLOSED_SHARE * np.maximum(sizes, 1)
    enclosed[0] = False
    return np.asarray(body | enclosed[pieces], dtype=np.bool_)


def convex_hull(mask: Mask) -> Mask:
    """bool [rows, columns]: pixels whose middle lies in the convex hull of those of the mask, or on its edge; at least one of them is set.

    A pixel reaches half its side in the four directions. Each edge bounds the columns of a row, so that no pixel is asked by itself.
    """
    ends = np.concatenate([_ends(mask), _ends(mask.T)[:, ::-1]])
    corners = (ends[:, np.newaxis] + _HALF_A_PIXEL).reshape(-1, 2)
    down, across, beyond = scipy.spatial.ConvexHull(corners).equations.T  # down * row + across * column + beyond <= 0 inside
    rows = np.arange(mask.shape[0], dtype=np.float64)
    room = _ROUNDING - beyond[:, np.newaxis] - down[:, np.newaxis] * rows
    is_right, is_left = across > _ROUNDING, across < -_ROUNDING
    right = np.min(room[is_right] / across[is_right, np.newaxis], axis=0)
    left = np.max(room[is_left] / across[is_left, np.newaxis], axis=0)
    is_row = np.all(room[~is_right & ~is_left] >= 0.0, axis=0)
    columns = np.arange(mask.shape[1], dtype=np.float64)
    return np.asarray((columns >= left[:, np.newaxis]) & (columns <= right[:, np.newaxis]) & is_row[:, np.newaxis], dtype=np.bool_)


def _ends(mask: Mask) -> NDArray[np.float64]:
    """(row, column) of the first and the last pixel of every row that has any: float64 [pixels, 2]."""
    rows = np.flatnonzero(mask.any(axis=1))
    first, last = mask[rows].argmax(axis=1), mask.shape[1] - 1 - mask[rows, ::-1].argmax(axis=1)
    return np.concatenate([np.stack([rows, first], axis=1), np.stack([rows, last], axis=1)]).astype(np.float64)


def _padding(values: FloatImage) -> Mask:
    """bool [rows, columns]: what reaches in from the edge without a value, and its rim."""
    pieces, _ = scipy.ndimage.label(values <= PADDING_HU)
    edge = np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])
    outside = np.isin(pieces, np.unique(edge[edge > 0]))
    return np.asarray(scipy.ndimage.binary_dilation(outside, iterations=_RIM_PIXELS) if outside.any() else outside, dtype=np.bool_)


def _largest(mask: Mask) -> Mask:
    pieces, count = scipy.ndimage.label(mask)
    if count == 0:
        return mask
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return np.asarray(pieces == int(sizes.argmax()), dtype=np.bool_)
