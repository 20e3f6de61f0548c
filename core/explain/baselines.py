"""What "removed" means: the values that stand in place of pixels that are taken away.

"mean" is zero in standardised values: the mean grey of the image itself for radiographs (standardised by the image), the mean colour of
the training data for land cover (standardised by fixed numbers). Both lie in the middle of what the network was trained on and hold
neither structure nor, for land cover, the colour that names the class; black would be an air-filled lung, or water. "blur" keeps the
coarse brightness and takes the detail; where an image is smooth already it removes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from scipy.ndimage import gaussian_filter

from core.errors import NotFound
from core.types import FloatImage

BLUR_SHARE = 1 / 8
"""Deviation of the Gaussian of "blur", as a share of the input's side."""


def _mean(values: FloatImage) -> FloatImage:
    """Zero everywhere: values are standardised. float32 [channels, rows, columns]."""
    return np.zeros_like(values)


def blur(values: FloatImage) -> FloatImage:
    """The image itself without detail. float32 [channels, rows, columns]."""
    rows, columns = values.shape[1:]
    blurred = gaussian_filter(values, sigma=(0.0, rows * BLUR_SHARE, columns * BLUR_SHARE), mode="nearest")
    return np.asarray(blurred, dtype=np.float32)


BASELINES: Mapping[str, Callable[[FloatImage], FloatImage]] = MappingProxyType({"mean": _mean, "blur": blur})


def baseline_of(name: str, values: FloatImage) -> FloatImage:
    """The baseline of that name for one input, float32 [channels, rows, columns]. Raises NotFound, naming the known ones."""
    if name not in BASELINES:
        raise NotFound(f"There is no baseline {name!r}.", f"Known are: {', '.join(BASELINES)}.")
    return BASELINES[name](values)
