"""Where the patient is in an image, and what lies beside: the dark margin of a radiograph, the room around a body in CT."""

from __future__ import annotations

import numpy as np
import scipy

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
    from skimage.morphology import convex_hull_image  # here, since only CT needs it

    hull = convex_hull_image(solid)  # type: ignore[no-untyped-call]
    enclosed = np.asarray(scipy.ndimage.mean(hull, pieces, np.arange(count + 1))) >= _ENCLOSED_SHARE
    enclosed[0] = False
    return np.asarray(body | enclosed[pieces], dtype=np.bool_)


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
