"""Figures of the card: from logits of images that were held back, each with an interval that respects patients and places.

An interval is a bootstrap over groups (patients or blocks of ground): each draw gives every image a weight, how often its group was
drawn. So every figure here is a function of weights [draws, images]; the figure itself is its value at weights of one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core import metrics
from core.inference.calibration import conformal_set, probabilities
from core.types import Calibration
from training.config.recipe import Recipe
from training.data.items import Item, labels_of

DRAWS = 1000
SEED = 11
Weights = NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A figure and its 95 % interval, by bootstrap over patients or blocks of ground. low and high are None where none was made."""

    value: float
    low: float | None = None
    high: float | None = None

    def as_json(self) -> list[float | None]:
        """[value, low, high], four decimals."""
        return [None if each is None else round(each, 4) for each in (self.value, self.low, self.high)]


@dataclass(frozen=True)
class Held:
    """Held-back images: labels int64 [N], probs float32 [N, labels] (calibrated); of each its group (patient or block) and subgroups."""

    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    groups: Sequence[str]
    subgroups: Sequence[tuple[tuple[str, str], ...]] = ()


def held_back(items: Sequence[Item], logits: NDArray[np.float32], calibration: Calibration) -> Held:
    """What the figures are made from."""
    groups, subgroups = [item.group for item in items], [item.subgroups for item in items]
    return Held(labels_of(items), probabilities(logits, calibration), groups, subgroups)


@dataclass(frozen=True)
class Measured:
    """The figures on the validation images of one origin. by name; `held` is what they were made from."""

    origin: str
    held: Held
    figures: dict[str, Figure]


def tested(recipe: Recipe, items: Sequence[Item], logits: NDArray[np.float32], calibration: Calibration) -> list[Measured]:
    """One an origin, in the order of the items. Where images are known by a parent label, the parents alone are measured."""
    origins = np.array([item.origin for item in items])
    found = []
    for origin in dict.fromkeys(origins.tolist()):
        own = np.flatnonzero(origins == origin)
        held = held_back([items[int(place)] for place in own], logits[own], calibration)
        has_labels = bool((held.labels < len(recipe.labels)).all())
        figures = measure(held, recipe.labels, calibration, recipe.parents) if has_labels else measure_parents(held, recipe)
        found.append(Measured(origin, held, figures))
    return found


def measure_parents(held: Held, recipe: Recipe) -> dict[str, Figure]:
    """AUROC and accuracy of each parent label."""
    weights = _weights(held.groups)
    found: dict[str, Callable[[Weights], Weights]] = {}
    for parent in recipe.parents:
        found |= _parent(parent, held, [recipe.labels.index(member) for member in recipe.members(parent)], recipe.names.index(parent))
    return {name: _figure(function, weights) for name, function in found.items()}


def measure(held: Held, names: Sequence[str], calibration: Calibration, parents: Mapping[str, Sequence[str]]) -> dict[str, Figure]:
    """The figures of the card by name. Those that only describe calibration at this number of images carry no interval."""
    weights = _weights(held.groups)
    truth, probs = held.labels, held.probabilities
    answers = probs.argmax(axis=1)
    sets = [conformal_set(row, names, calibration) for row in probs]
    sizes = np.array([len(one) for one in sets])
    of: dict[str, Callable[[Weights], Weights]] = {
        "accuracy": lambda w: _mean(w, answers == truth),
        "balanced_accuracy": lambda w: _recalls(w, truth, answers).mean(axis=0),
        "auroc": lambda w: np.mean([auroc(w, truth == label, probs[:, label]) for label in np.unique(truth)], axis=0),
        "coverage": lambda w: _mean(w, [names[label] in one for label, one in zip(truth, sets, strict=True)]),
        "mean_set_size": lambda w: _mean(w, sizes),
        "abstained": lambda w: _mean(w, np.isin(sizes, (0, len(names)))),
    }
    for parent, members in parents.items():
        of |= _parent(parent, held, [list(names).index(member) for member in members])
    found = {name: _figure(function, weights) for name, function in of.items()}
    for name, value in (
        ("ece", metrics.calibration_error(truth, probs)),
        ("ece_by_chance", metrics.calibration_error_by_chance(probs)),
    ):
        found |= {name: Figure(value)} if value is not None else {}
    return found


def auroc(weights: Weights, truth: NDArray[np.bool_], scores: NDArray[np.floating]) -> Weights:
    """Area under the ROC curve of weighted images, [draws]; NaN where a draw has one side only.

    weights: [draws, images]. The share of pairs (one that is, one that is not) whose scores lie in that order, ties counted half.
    """
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(scores[order]) > 0])  # of runs of equal scores
    is_so, is_not = (np.add.reduceat(weights[:, order] * side[order], starts, axis=1) for side in (truth, ~truth))
    below = np.cumsum(is_not, axis=1) - is_not
    with np.errstate(invalid="ignore"):
        return np.asarray((is_so * (below + is_not / 2)).sum(axis=1) / (is_so.sum(axis=1) * is_not.sum(axis=1)))


def estimated(function: Callable[[Weights], Weights], groups: Sequence[str]) -> Figure:
    """A figure of images of these patients or blocks, with its interval. function: from weights [draws, images] to [draws]."""
    return _figure(function, _weights(groups))


def _parent(parent: str, held: Held, members: Sequence[int], itself: int = -1) -> dict[str, Callable[[Weights], Weights]]:
    """itself: how an image is labelled that is known by the parent label alone."""
    probability = held.probabilities[:, members].sum(axis=1)
    is_so = np.isin(held.labels, [*members, itself])
    return {
        f"{parent}_auroc": lambda w: auroc(w, is_so, probability),
        f"{parent}_accuracy": lambda w: _mean(w, (probability >= metrics.DECISION) == is_so),
    }


def _weights(groups: Sequence[str]) -> Weights:
    """[draws, images]: how often the group of each image was drawn."""
    names, place = np.unique(np.array(groups), return_inverse=True)
    drawn = np.random.default_rng(SEED).multinomial(len(names), np.full(len(names), 1.0 / len(names)), size=DRAWS)
    return drawn[:, place].astype(np.float64)


def _figure(function: Callable[[Weights], Weights], weights: Weights) -> Figure:
    value = float(function(np.ones((1, weights.shape[1])))[0])
    drawn = function(weights)
    drawn = drawn[np.isfinite(drawn)]
    if not drawn.size:
        return Figure(value)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Figure(value, float(low), float(high))


def _mean(weights: Weights, values: Sequence[bool] | NDArray[np.generic]) -> Weights:
    return np.asarray(weights @ np.asarray(values, dtype=np.float64) / weights.sum(axis=1))


def _recalls(weights: Weights, truth: NDArray[np.int64], answers: NDArray[np.int64]) -> Weights:
    """[labels that occur, draws]; NaN where a draw has no image of a label."""
    sides = [truth == label for label in np.unique(truth)]
    with np.errstate(invalid="ignore"):
        return np.stack([weights[:, side] @ (answers[side] == truth[side]) / weights[:, side].sum(axis=1) for side in sides])
