"""Curves and tables for measured.json: reliability, accuracy against abstention, operating points, accuracy without some of the tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core import metrics
from models.classifiers import Classifier
from models.measured import Answered, Bin, Dropped, Measurement, OperatingPoint
from training.config.recipe import Recipe, merges_of
from training.data.augment import kept_tokens, standardised
from training.evaluate.figures import Held, Measured

TWO = 2
SENSITIVITIES = (0.9, 0.95)
"""Aimed at by the thresholds that are offered beside one half."""
ANSWERED_SHARES = tuple(round(share / 20, 2) for share in range(1, 21))
DROPPED_SHARES = (0.0, 0.25, 0.5, 0.75)
BATCH = 64
SEED = 3


def measurements(recipe: Recipe, tests: Sequence[Measured], calibration: Held, dropped: Sequence[Dropped]) -> list[Measurement]:
    """One an origin. calibration: the images that thresholds are chosen on. dropped: of the first origin."""
    return [_measurement(recipe, test, calibration, dropped if place == 0 else ()) for place, test in enumerate(tests)]


def reliability(truth: NDArray[np.int64], probs: NDArray[np.float32]) -> list[Bin]:
    """How often the top label is right in each of 15 equal-width bins of its probability; empty bins are left out."""
    confidence = probs.max(axis=1).astype(np.float64)
    right = probs.argmax(axis=1) == truth
    place = metrics.bins_of(confidence)
    inside = [place == number for number in np.unique(place)]
    return [Bin(float(confidence[one].mean()), float(right[one].mean()), int(one.sum())) for one in inside]


def answered(truth: NDArray[np.int64], probs: NDArray[np.float32]) -> list[Answered]:
    """Accuracy on each share of the surest images."""
    right = (probs.argmax(axis=1) == truth)[np.argsort(-probs.max(axis=1), kind="stable")]
    counts = [max(1, round(share * len(right))) for share in ANSWERED_SHARES]
    return [Answered(share, float(right[:count].mean())) for share, count in zip(ANSWERED_SHARES, counts, strict=True)]


def operating_points(recipe: Recipe, held: Held, calibration: Held) -> list[OperatingPoint]:
    """Of each parent label, or the second of two: at one half, and at thresholds of 90 and 95 % sensitivity on the calibration part."""
    found = []
    two = recipe.labels[1:] if len(recipe.labels) == TWO else ()
    for parent in recipe.parents or two:
        is_so, probability = _side(recipe, parent, held)
        known, scores = _side(recipe, parent, calibration)
        if is_so.all() or not is_so.any() or not known.any():
            continue
        thresholds = [(None, metrics.DECISION), *((aim, _threshold(scores[known], aim)) for aim in SENSITIVITIES)]
        for aim, threshold in thresholds:
            is_found = probability >= threshold
            found.append(OperatingPoint(parent, aim, threshold, float(is_found[is_so].mean()), float((~is_found[~is_so]).mean())))
    return found


def accuracy_without_tokens(
    network: Classifier, images: Tensor, labels: NDArray[np.int64], recipe: Recipe, shares: Sequence[float] = DROPPED_SHARES
) -> list[Dropped]:
    """Accuracy when a random share of the tokens of each image is left out, which is what removal tests do to a network.

    images: uint8 [N, C, rows, columns] at the network's size. The random choice has a fixed seed. Empty for a network of another family,
    which reads every token, and for one that merges tokens, from which none can be left out.
    """
    if recipe.encoder is not None or merges_of(recipe):
        return []
    rows, columns = recipe.config().grid
    found = []
    for share in shares:
        torch.manual_seed(SEED)
        right = 0
        for start in range(0, len(images), BATCH):
            x = standardised(images[start : start + BATCH].float() / 255.0, recipe.preprocess)
            with torch.inference_mode():
                logits = network(pixel_values=x, keep_tokens=kept_tokens(len(x), rows * columns, (share,))).logits
            right += int((logits.argmax(dim=1).numpy() == labels[start : start + BATCH]).sum())
        found.append(Dropped(share, right / len(images)))
    return found


def _measurement(recipe: Recipe, test: Measured, calibration: Held, dropped: Sequence[Dropped]) -> Measurement:
    held = test.held
    points = tuple(operating_points(recipe, held, calibration))
    if (held.labels >= len(recipe.labels)).any():
        return Measurement(test.origin, len(held.labels), recipe.labels, operating_points=points)
    return Measurement(
        test.origin,
        len(held.labels),
        recipe.labels,
        metrics.confusion(held.labels, held.probabilities),
        tuple(reliability(held.labels, held.probabilities)),
        tuple(answered(held.labels, held.probabilities)),
        tuple(dropped),
        points,
    )


def _side(recipe: Recipe, parent: str, held: Held) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """(whether each image is of the parent label, its probability)."""
    members = [recipe.labels.index(member) for member in recipe.members(parent)]
    return np.isin(held.labels, [*members, recipe.names.index(parent)]), held.probabilities[:, members].sum(axis=1)


def _threshold(scores: NDArray[np.float32], sensitivity: float) -> float:
    """The highest threshold that finds at least that share of the images."""
    ordered = np.sort(scores)[::-1]
    return float(ordered[int(np.ceil(sensitivity * len(ordered))) - 1])
