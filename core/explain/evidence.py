"""What every method of explanation gives back, before it is scaled, measured and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.types import FloatImage, Progress, TokenMap

SATURATED_SHARE = 0.01
"""Share of the pixels that speak for the target that are shown as 1.0: a few extreme ones would leave all others dark."""


@dataclass(frozen=True)
class MethodResult:
    """The raw result of a method.

    pixels: float32 [rows, columns] on the network's input grid, unscaled; the larger, the more the pixel counts for the target.
    parameters: what the method was run with, defaults included, in the names of core/explain/registry.py.
    forwards: passes through the network that it took.
    zero: the number that says nothing, of token methods that have another than 0.
    tokens, attribution, baseline, completeness_error, conservation_error, by_band: as in core.types.Explanation.
    """

    pixels: FloatImage
    parameters: Mapping[str, Any]
    forwards: int
    zero: float = 0.0
    tokens: TokenMap | None = None
    attribution: FloatImage | None = None
    baseline: FloatImage | None = None
    completeness_error: float | None = None
    conservation_error: float | None = None
    by_band: Mapping[str, float] | None = None


def scaled(evidence: MethodResult) -> tuple[FloatImage, float, float]:
    """(saliency, low, high): float32 [rows, columns] in [0, 1], and what 0.0 and 1.0 stand for.

    A token map goes from its smallest to its largest value. Of a signed attribution what speaks for the target is shown, from zero to
    its strongest hundredth; what speaks against it is 0. A flat map is 0 everywhere.
    """
    pixels = evidence.pixels
    low, high = float(pixels.min()), float(pixels.max())
    if evidence.attribution is not None:
        speaking_for = pixels[pixels > 0.0]
        low, high = 0.0, float(np.quantile(speaking_for, 1.0 - SATURATED_SHARE)) if speaking_for.size else 0.0
    if high <= low:
        return np.zeros_like(pixels, dtype=np.float32), low, high
    return np.clip((pixels.astype(np.float64) - low) / (high - low), 0.0, 1.0).astype(np.float32), low, high


def no_progress(done: int, total: int) -> None:
    """The progress of work that nobody watches."""


def within(progress: Progress, before: int = 0, after: int = 0) -> Progress:
    """The progress of a part of the work, `before` and `after` forward passes being those of the other parts."""
    return lambda done, total: progress(before + done, before + total + after)
