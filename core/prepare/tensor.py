"""Size and standardisation of a network's input, the same in training and in use."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.sparse import csr_array

from core.types import FloatImage, Preprocess

SMALLEST_DEVIATION = 1e-3
"""Floor of an image's own deviation, in units of [0, 1]: a constant image becomes zeros, not noise blown up."""


def resize(image: FloatImage, size: tuple[int, int]) -> FloatImage:
    """Bilinear with antialiasing, squashed to `size` (rows, columns).

    image: float32 [channels, rows, columns]. Returns the same with the new rows and columns. It is what torch's F.interpolate gives for
    mode="bilinear", align_corners=False, antialias=True, to the last bits of a float32.
    """
    values = np.ascontiguousarray(image, dtype=np.float32)
    channels, rows, columns = values.shape
    if (rows, columns) == tuple(size):
        return values
    if rows != size[0]:
        down = weights(rows, size[0])
        values = np.stack([down @ plane for plane in values])  # rows first: what is large is not turned
    if columns != size[1]:
        turned = np.ascontiguousarray(values.reshape(-1, columns).T)  # [columns, channels * new rows]
        values = (weights(columns, size[1]) @ turned).T.reshape(channels, size[0], size[1])
    return np.ascontiguousarray(values, dtype=np.float32)


@lru_cache(maxsize=16)
def weights(given: int, wanted: int) -> csr_array:
    """How much each of `given` values along a side counts for each of `wanted`: float32 [wanted, given], rows summing to 1.

    A triangle around the place of the new value, as wide as the larger of the two steps. Reckoned in float32, as torch reckons it: models
    learnt with it.
    """
    half, step = np.float32(0.5), np.float32(given / wanted)
    reach = max(step, np.float32(1.0))
    centres = step * (np.arange(wanted, dtype=np.float32) + half)
    first = np.maximum((centres - reach + half).astype(np.int64), 0)
    counts = np.minimum((centres + reach + half).astype(np.int64), given) - first
    starts = np.concatenate([[0], np.cumsum(counts)])
    places = np.arange(starts[-1]) - np.repeat(starts[:-1] - first, counts)  # of the values that count, row by row
    distance = (places.astype(np.float32) - np.repeat(centres, counts) + half) * (np.float32(1.0) / reach)
    shares = np.maximum(np.float32(1.0) - np.abs(distance), np.float32(0.0))
    shares /= np.repeat(np.add.reduceat(shares, starts[:-1]), counts)
    return csr_array((shares, places, starts), shape=(wanted, given))


def standardise(values: FloatImage, preprocess: Preprocess) -> FloatImage:
    """Zero mean and unit deviation, by the image itself or by the fixed numbers of the training data.

    values: float32 [channels, rows, columns] in [0, 1]. Returns float32 of that shape.
    """
    if preprocess.standardise == "image":
        std = max(float(values.std()), SMALLEST_DEVIATION)
        return np.asarray((values - values.mean()) / std, dtype=np.float32)
    mean = np.asarray(preprocess.mean, dtype=np.float32)[:, None, None]
    spread = np.asarray(preprocess.std, dtype=np.float32)[:, None, None]
    return np.asarray((values - mean) / spread, dtype=np.float32)
