"""How much of a map lies where somebody drew what is there: energy, pointing, overlap.

Energy inside: Wang et al. 2020, "Score-CAM", section 4.4. Pointing game: Zhang et al. 2018. Overlap: intersection over union of what was
drawn and of as many pixels of the map, the strongest. What was drawn is where a reader saw it, and need not be what the network uses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image as Pillow

from core.explain.measure.opponents import centred_priors
from core.types import FloatImage, Mask


@dataclass(frozen=True)
class Localised:
    """Shares in [0, 1]. energy: of the map's weight above its zero that lies inside. pointing: of its strongest pixels. overlap:
    intersection over union."""

    energy: float
    pointing: float
    overlap: float


def localised(pixels: FloatImage, zero: float, drawn: Mask) -> Localised:
    """pixels: float32 [rows, columns] of a map, zero: the number that says nothing. drawn: bool of that shape, somewhere true.

    All pixels of a token share their number, so of equal ones each counts for its share. A flat map is spread evenly.
    """
    weight = np.maximum(pixels.astype(np.float64) - zero, 0.0)
    if weight.max() <= weight.min():
        share = float(drawn.mean())
        return Localised(share, share, share / (2.0 - share))
    return Localised(
        float(weight[drawn].sum() / weight.sum()), float(drawn[weight == weight.max()].mean()), _overlap(pixels.astype(np.float64), drawn)
    )


def best_centred(drawn: Mask, patch: tuple[int, int]) -> Localised:
    """What a prior that looks at the middle reaches on these pixels, each figure at the best of its widths."""
    grid = drawn.shape[0] // patch[0], drawn.shape[1] // patch[1]
    priors = centred_priors(grid).repeat(patch[0], axis=1).repeat(patch[1], axis=2)
    found = [localised(prior, 0.0, drawn) for prior in priors]
    return Localised(*(max(getattr(each, name) for each in found) for name in ("energy", "pointing", "overlap")))


def resized_to(drawn: Mask, sides: tuple[int, int]) -> Mask:
    """The nearest pixel of a mask at each of an input that covers the same ground. sides: (rows, columns)."""
    return np.asarray(Pillow.fromarray(drawn.astype(np.uint8)).resize((sides[1], sides[0]), Pillow.Resampling.NEAREST)) > 0


def _overlap(pixels: FloatImage, drawn: Mask) -> float:
    count = int(drawn.sum())
    least = np.partition(pixels.ravel(), -count)[-count]
    above, equal = pixels > least, pixels == least
    share = (count - int(above.sum())) / int(equal.sum())
    both = float(drawn[above].sum() + share * drawn[equal].sum())
    return both / (2 * count - both)
