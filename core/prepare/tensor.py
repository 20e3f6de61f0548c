"""Size and standardisation of a network's input, the same in training and in use."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from core.types import FloatImage, Preprocess

SMALLEST_DEVIATION = 1e-3
"""Floor of an image's own deviation, in units of [0, 1]: a constant image becomes zeros, not noise blown up."""


def resize(image: FloatImage, size: tuple[int, int]) -> FloatImage:
    """Bilinear with antialiasing, squashed to `size` (rows, columns).

    image: float32 [channels, rows, columns]. Returns the same with the new rows and columns.
    """
    if image.shape[1:] == tuple(size):
        return np.ascontiguousarray(image, dtype=np.float32)
    batch = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))[None]  # [1, channels, rows, columns]
    resized = F.interpolate(batch, size=tuple(size), mode="bilinear", align_corners=False, antialias=True)
    return np.asarray(resized[0].numpy(), dtype=np.float32)


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
