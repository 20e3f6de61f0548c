"""Figures of a classifier on labelled images. Whatever cannot be counted, for want of images or of labels, is None.

truth: int [images], index of the true label. probs: float32 [images, labels], probabilities summing to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class FrocPoint:
    """At one threshold: false marks in a hundred slices, and the share of lesions that are found."""

    false_marks_per_100_slices: float
    sensitivity: float


def froc(scores: Sequence[float], hits: Sequence[int | None], lesions: int, slices: int) -> tuple[FrocPoint, ...]:
    """The free-response ROC curve (Chakraborty and Winter 1990), a point each threshold at which it moves, from the highest down.

    scores: of each mark. hits: the number of the lesion that a mark lies on, None where it lies on none. A lesion that several marks lie on
    is found once, and none of them is false. lesions, slices: how many there are; slices at least 1. () without lesions.
    """
    order = sorted(range(len(scores)), key=lambda each: -scores[each])
    found, false, points = set[int](), 0, list[FrocPoint]()
    for place, number in enumerate(order):
        hit = hits[number]
        if hit is None:
            false += 1
        else:
            found.add(hit)
        if place + 1 == len(order) or scores[order[place + 1]] < scores[number]:
            points.append(FrocPoint(100.0 * false / slices, len(found) / max(lesions, 1)))
    return tuple(points) if lesions else ()


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
