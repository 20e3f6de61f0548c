"""What validation teaches about a model's scores: a temperature, and the threshold of the 90 % prediction sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import OutOfRange
from core.types import Calibration

COLDEST, HOTTEST = 0.05, 20.0
"""Bounds of the temperature. Validation without an error would ask for zero, validation at random for infinity."""
BISECTIONS = 60


def probabilities(logits: NDArray[np.floating], calibration: Calibration | None) -> NDArray[np.float32]:
    """Softmax of logits / temperature over the last axis (Guo et al. 2017): float32 [..., labels], summing to 1.

    Without a calibration the temperature is 1, and what comes out are scores rather than probabilities.
    """
    return _softmax(logits, 1.0 if calibration is None else calibration.temperature).astype(np.float32)


def conformal_set(probs: NDArray[np.floating], labels: Sequence[str], calibration: Calibration | None) -> tuple[str, ...]:
    """The labels with 1 - probability <= threshold, most probable first (Sadinle et al. 2019); () without a calibration.

    probs: calibrated probabilities [labels].
    """
    if calibration is None:
        return ()
    joins = 1.0 - np.asarray(probs, dtype=np.float64) <= calibration.conformal_threshold
    return tuple(labels[index] for index in np.argsort(-probs, kind="stable") if joins[index])


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """The temperature of least negative log-likelihood, within 0.05 and 20.

    logits: [images, labels] of images that were not trained on. labels: int [images], the true ones.
    The likelihood is concave in 1 / temperature, so the root of its slope is the optimum: mean true logit = mean expected logit.
    """
    values = np.asarray(logits, dtype=np.float64)
    true = values[np.arange(len(labels)), labels].mean()
    low, high = np.log(COLDEST), np.log(HOTTEST)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2.0
        expected = (_softmax(values, float(np.exp(middle))) * values).sum(axis=1).mean()
        low, high = (middle, high) if expected > true else (low, middle)  # too sure of itself: hotter
    return float(np.exp((low + high) / 2.0))


def fit_conformal_threshold(probs: NDArray[np.floating], labels: NDArray[np.integer], coverage: float = 0.9) -> float:
    """The threshold at which sets hold the true label of a new image with at least that probability.

    probs: calibrated probabilities [images, labels] of images that were not trained on. labels: int [images], the true ones.
    Split conformal prediction (Vovk et al. 2005; Angelopoulos and Bates 2023, section 1): the ceil((n + 1) coverage)-th smallest of
    1 - probability of the true label; 1, and with it every label, where there are too few images for a promise.
    Raises OutOfRange for a coverage outside (0, 1).
    """
    if not 0.0 < coverage < 1.0:
        raise OutOfRange("coverage", coverage, "0 < coverage < 1")
    misses = np.sort(1.0 - np.asarray(probs, dtype=np.float64)[np.arange(len(labels)), labels])
    rank = int(np.ceil((len(misses) + 1) * coverage))
    return 1.0 if rank > len(misses) else float(misses[rank - 1])


def _softmax(logits: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
