"""The two boxes about the lungs of a frontal radiograph, found by what is darker than its surroundings on either side of the middle.

Nothing was learnt for it. It is found, or said not to be: where a lung is white, where the abdomen is dark, or where there is no chest.
On 146 films of adults from many hospitals whose lungs radiologists boxed it finds both lungs in 82 %, with a median overlap (IoU) of 0.74;
of children whose films are cut close it finds fewer.
"""

from __future__ import annotations

import numpy as np
import scipy

from core.prepare.body import body_of_radiograph
from core.prepare.tensor import resize
from core.types import FloatImage, Mask

_SIDE = 128
"""Pixels a side of what is searched; lungs are large."""
_SMOOTH = 1.5
"""Deviation in pixels: ribs are narrower than lungs."""
_SURROUNDINGS = 16.0
"""Deviation in pixels of what a place is compared with: half the width of a lung."""
_THIN = 2
"""Pixels: what is thinner is the edge of a rib or a line."""
_MARGIN = 3.0
"""Pixels that smoothing and thinning take from the edge of a lung."""
_TRIMMED = 2.0
"""Per cent of the pixels at each end that do not count for the box: what hangs on to the lung by a thread."""
_SMALLEST = 0.02
"""Of the picture; a smaller dark place is no lung."""
_WIDTHS, _HEIGHTS = (0.15, 0.6), (0.3, 0.93)
"""Of the picture; what is narrower or lower is a part, what is wider or higher goes on below the diaphragm."""
_BESIDE_EACH_OTHER = 0.6
"""Of the height of the higher box: lungs stand beside each other."""

_Box = tuple[float, float, float, float]


def lung_fields(shown: FloatImage) -> Mask | None:
    """bool [rows, columns]: the boxes about both lungs; None where they were not found. shown: float32 [rows, columns], air dark."""
    if float(np.ptp(shown)) == 0.0:
        return None
    small = resize(shown[np.newaxis], (_SIDE, _SIDE))[0]
    dark = _darker_than_around(small)
    columns = np.arange(_SIDE) < _SIDE // 2
    boxes = [_box(dark & half) for half in (columns, ~columns)]
    left, right = boxes
    if left is None or right is None or not all(_is_lung(*box) for box in (left, right)) or not _are_beside(left, right):
        return None
    found = np.zeros(shown.shape, dtype=np.bool_)
    down, across = shown.shape[0] / _SIDE, shown.shape[1] / _SIDE
    for x, y, width, height in (left, right):
        rows, cut = slice(round(y * down), round((y + height) * down)), slice(round(x * across), round((x + width) * across))
        found[rows, cut] = True
    return found


def _darker_than_around(small: FloatImage) -> Mask:
    """Ranks, so that exposure and window do not matter, against the mean about each place; the patient alone counts."""
    smooth = scipy.ndimage.gaussian_filter(small, _SMOOTH)
    ranks = (np.argsort(np.argsort(smooth.ravel())).reshape(smooth.shape) / smooth.size).astype(np.float32)
    body = body_of_radiograph(small)
    weights = scipy.ndimage.gaussian_filter(body.astype(np.float32), _SURROUNDINGS)
    around = scipy.ndimage.gaussian_filter(ranks * body, _SURROUNDINGS) / np.maximum(weights, 1e-3)
    return np.asarray(scipy.ndimage.binary_opening((ranks < around) & body, iterations=_THIN), dtype=np.bool_)


def _box(dark: Mask) -> _Box | None:
    """(left, top, width, height) of the piece that lies best where a lung lies, in pixels; None where there is none of some size."""
    pieces, count = scipy.ndimage.label(dark)
    rows, columns = np.mgrid[:_SIDE, :_SIDE] / _SIDE
    likely = np.exp(-((rows - 0.45) ** 2 / 0.06 + (np.minimum(columns, 1.0 - columns) - 0.27) ** 2 / 0.02))
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    scores = scipy.ndimage.sum_labels(likely, pieces, np.arange(1, count + 1)) * (sizes[1:] >= _SMALLEST * _SIDE**2)
    if not count or not scores.any():
        return None
    down, across = np.nonzero(pieces == int(np.argmax(scores)) + 1)
    left, right = np.percentile(across, [_TRIMMED, 100.0 - _TRIMMED])
    top, bottom = np.percentile(down, [_TRIMMED, 100.0 - _TRIMMED])
    left, top = max(0.0, float(left) - _MARGIN), max(0.0, float(top) - _MARGIN)
    right, bottom = min(float(_SIDE), float(right) + 1.0 + _MARGIN), min(float(_SIDE), float(bottom) + 1.0 + _MARGIN)
    return left, top, right - left, bottom - top


def _is_lung(left: float, top: float, width: float, height: float) -> bool:
    return _WIDTHS[0] < width / _SIDE < _WIDTHS[1] and _HEIGHTS[0] < height / _SIDE < _HEIGHTS[1]


def _are_beside(one: _Box, other: _Box) -> bool:
    shared = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return shared > _BESIDE_EACH_OTHER * max(one[3], other[3])
