"""What "removed" means: the values that stand in place of pixels that are taken away.

"mean" is zero in standardised values: the mean grey of the image itself for radiographs (standardised by the image), the mean colour of
the training data for land cover (standardised by fixed numbers). Both lie in the middle of what the network was trained on and hold
neither structure nor, for land cover, the colour that names the class; black would be an air-filled lung, or water. "blur" keeps the
coarse brightness and takes the detail; where an image is smooth already it removes nothing. The darkest value has a name by what is looked
at: "air" of a radiograph or CT, "nodata" of a scene, "black" of a picture. It is far from what most networks were trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from scipy.ndimage import gaussian_filter

from core.errors import NotFound
from core.prepare.domains import image_domain
from core.types import FloatImage, Preprocess

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


def _darkest(values: FloatImage, preprocess: Preprocess) -> FloatImage:
    """What nothing looks like: a rendered value of 0, or, where an input is standardised by itself, its own smallest value."""
    if preprocess.standardise != "fixed":
        return np.full_like(values, values.min())
    floor = -np.asarray(preprocess.mean, dtype=np.float32) / np.asarray(preprocess.std, dtype=np.float32)
    return np.ascontiguousarray(np.broadcast_to(floor[:, None, None], values.shape), dtype=np.float32)


BASELINES: Mapping[str, Callable[[FloatImage], FloatImage]] = MappingProxyType({"mean": _mean, "blur": blur})
"""Those of every input."""


def baselines_of(preprocess: Preprocess | None) -> tuple[str, ...]:
    """The names of what may stand for removed pixels, by what a model looks at; None for what holds for all."""
    return tuple(BASELINES) if preprocess is None else (*BASELINES, image_domain(preprocess.domain).darkest)


def baseline_of(name: str, values: FloatImage, preprocess: Preprocess | None = None) -> FloatImage:
    """The baseline of that name for one input, float32 [channels, rows, columns].

    preprocess: of the model, whose modality has one of its own. Raises NotFound, naming the known ones.
    """
    if preprocess is not None and name == image_domain(preprocess.domain).darkest:
        return _darkest(values, preprocess)
    if name not in BASELINES:
        raise NotFound(f"There is no baseline {name!r}.", f"Known are: {', '.join(baselines_of(preprocess))}.")
    return BASELINES[name](values)
