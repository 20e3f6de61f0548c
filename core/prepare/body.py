"""Where the patient is in an image, and what lies beside: the dark margin of a radiograph, the room around a body in CT."""

from __future__ import annotations

import numpy as np
import scipy

from core.types import FloatImage, Mask

DARK = 0.06
"""Of the range of a radiograph: what is darker and reaches its edge lies beside the patient. Air beside a body is black, lung is not."""
TISSUE = -300.0
"""Hounsfield units: fat, muscle and bone are denser, clothes and the mattress of the table less."""
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
    """bool [rows, columns]: the body in a slice of CT, its lungs included. values: float32 [rows, columns] in Hounsfield units."""
    return np.asarray(scipy.ndimage.binary_fill_holes(_largest(values > TISSUE)), dtype=np.bool_)


def _largest(mask: Mask) -> Mask:
    pieces, count = scipy.ndimage.label(mask)
    if count == 0:
        return mask
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return np.asarray(pieces == int(sizes.argmax()), dtype=np.bool_)
