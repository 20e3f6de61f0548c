"""Figures of a classifier on labelled images. Whatever cannot be counted, for want of images or of labels, is None.

truth: int [images], index of the true label. probs: float32 [images, labels], probabilities summing to 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import confusion_matrix, f1_score, recall_score, roc_auc_score

Truth = NDArray[np.int64]
Probabilities = NDArray[np.float32]

BINS = 15
"""Equal-width bins of the top label's probability."""
SIMULATIONS = 1000
"""Draws of a perfectly calibrated model."""
SEED = 0
DECISION = 0.5
"""Probability from which a parent label counts as found."""


def mean(values: ArrayLike) -> float | None:
    """The mean of numbers or of yes and no; None of nothing."""
    numbers = np.asarray(values, dtype=np.float64)
    return float(numbers.mean()) if numbers.size else None


def balanced_accuracy(truth: Truth, probs: Probabilities) -> float | None:
    """Mean recall of the labels that occur."""
    if not len(truth):
        return None
    return float(recall_score(truth, probs.argmax(axis=1), labels=np.unique(truth), average="macro"))


def f1_macro(truth: Truth, probs: Probabilities) -> float | None:
    """Mean F1 of the labels that occur, as truth or as answer."""
    return float(f1_score(truth, probs.argmax(axis=1), average="macro")) if len(truth) else None


def auroc(truth: Truth, probs: Probabilities) -> float | None:
    """Area under the ROC curve of each label against the rest, mean over the labels that have both sides."""
    areas = [binary_auroc(truth == label, probs[:, label]) for label in range(probs.shape[1])]
    return mean([area for area in areas if area is not None])


def binary_auroc(truth: NDArray[np.bool_], probs: NDArray[np.float32]) -> float | None:
    """Area under the ROC curve of one score, [images]."""
    return float(roc_auc_score(truth, probs)) if truth.any() and not truth.all() else None


def confusion(truth: Truth, probs: Probabilities) -> tuple[tuple[int, ...], ...]:
    """[truth][answer]: how many images."""
    labels = np.arange(probs.shape[1])
    counts = confusion_matrix(truth, probs.argmax(axis=1), labels=labels) if len(truth) else np.zeros((len(labels),) * 2, dtype=int)
    return tuple(tuple(int(count) for count in row) for row in counts)


def calibration_error(truth: Truth, probs: Probabilities) -> float | None:
    """Expected calibration error of the top label: mean |accuracy - confidence| of bins (Guo et al. 2017, equation 3)."""
    if not len(truth):
        return None
    confidence = probs.max(axis=1).astype(np.float64)
    return _binned_error((probs.argmax(axis=1) == truth) - confidence, bins_of(confidence))


def calibration_error_by_chance(probs: Probabilities) -> float | None:
    """The mean calibration error of a perfectly calibrated model with these confidences: what remains is chance at this number of images.

    Simulated with a fixed seed: an answer of confidence c is right with probability c.
    """
    if not len(probs):
        return None
    confidence = probs.max(axis=1).astype(np.float64)
    bins, random = bins_of(confidence), np.random.default_rng(SEED)
    errors = [_binned_error((random.random(len(confidence)) < confidence) - confidence, bins) for _ in range(SIMULATIONS)]
    return float(np.mean(errors))


def bins_of(confidence: NDArray[np.float64]) -> NDArray[np.int64]:
    """int [images]: the bin, whose upper edge belongs to it."""
    return np.asarray(np.clip(np.ceil(confidence * BINS) - 1, 0, BINS - 1), dtype=np.int64)


def _binned_error(surplus: NDArray[np.float64], bins: NDArray[np.int64]) -> float:
    """surplus: right (1) or wrong (0) minus confidence, of each image."""
    return float(np.abs(np.bincount(bins, weights=surplus, minlength=BINS)).sum() / len(surplus))
