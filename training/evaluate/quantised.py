"""Whether a quantised form may be kept: what it says of the validation part against what the network says in fp32."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core import metrics
from core.inference.calibration import conformal_set, probabilities
from core.inference.engine import ChangeEngine, Engine
from core.inference.ood import Features, features, ood_score
from core.inference.prediction import decide
from core.inference.scenes.pair import change_probability
from core.inference.tta import augmented_inputs, mean_over_inputs
from core.types import Outside
from training.config.change_recipe import ChangeRecipe
from training.config.recipe import Recipe
from training.data.augment import standardised
from training.data.city_pixels import CityPixels, seen_in
from training.data.folders import read_images
from training.data.foreign import measured_pictures
from training.data.items import Item, labels_of
from training.evaluate.change_figures import counts_by_turns, levelled, pooled_f1
from training.evaluate.change_scores import CityScores, scores_by

BATCH = 64
FURTHEST = {"accuracy": 0.005, "AUROC": 0.005, "F1": 0.005, "ECE": 0.01, "coverage": 0.01, "refused inside": 0.005, "AUROC outside": 0.005}
"""By how much each figure may become worse."""
MOST_FLIPPED = 0.01
"""Share of the answers that neither abstained that may be others."""
LOWER_IS_BETTER = ("ECE", "refused inside")


@dataclass(frozen=True)
class Judged:
    """figures: by name, of FURTHEST. answers: [N], -1 where none is given; of change 1 or 0 a pixel."""

    figures: Mapping[str, float]
    answers: NDArray[np.int64]


def judged_images(engine: Engine, recipe: Recipe, items: Sequence[Item], foreign: Sequence[Path]) -> Judged:
    """items: the validation part. foreign: folders of images of other kinds, that the OOD detector shall refuse."""
    model, preprocess = engine.model, recipe.preprocess
    logits, seen = _asked(engine, read_images(items, preprocess, preprocess.size))
    truth, probs = labels_of(items), probabilities(logits, model.calibration)
    known = truth < len(recipe.labels)
    sets = [conformal_set(row, model.labels, model.calibration) for row in probs]
    figures = {
        "accuracy": metrics.mean(probs[known].argmax(axis=1) == truth[known]),
        "AUROC": metrics.auroc(truth[known], probs[known]),
        "ECE": metrics.calibration_error(truth[known], probs[known]),
        "coverage": metrics.mean([model.labels[truth[place]] in sets[place] for place in np.flatnonzero(known)]),
    }
    scores = np.zeros(len(items)) if model.ood_detector is None else ood_score(seen, model.ood_detector)
    threshold = np.inf if model.ood_detector is None else model.ood_detector.threshold
    if model.ood_detector is not None:
        figures["refused inside"] = metrics.mean(scores > threshold)
        others = [_asked(engine, read_images(measured_pictures(one), preprocess, preprocess.size))[1] for one in foreign]
        strange = np.concatenate([ood_score(one, model.ood_detector) for one in others]) if others else np.empty(0)
        is_strange = np.repeat([False, True], [len(scores), len(strange)])
        figures["AUROC outside"] = metrics.binary_auroc(is_strange, np.concatenate([scores, strange]).astype(np.float32))
    answers = [
        decide(row, model.labels, model.calibration, Outside(score, threshold, bool(score > threshold)))[1]
        for row, score in zip(probs, scores, strict=True)
    ]
    numbers = np.array([-1 if answer is None else model.labels.index(answer) for answer in answers], dtype=np.int64)
    return Judged({name: value for name, value in figures.items() if value is not None}, numbers)


def judged_cities(engine: ChangeEngine, recipe: ChangeRecipe, cities: Sequence[CityPixels]) -> Judged:
    """F1 by turns, as the card has it, of the bands that are used; pixels by the model's own threshold. cities: those of the validation."""
    channels, calibration = recipe.preprocess.channels, engine.model.calibration
    used = tuple(channel for channel in channels if channel in (recipe.preprocess.preferred or channels))
    seen = [seen_in(city, used, recipe.preprocess) for city in cities]
    scores = scores_by(lambda before, after: engine.forward(before, after).logits, seen, recipe)
    figures = {"F1": pooled_f1(counts_by_turns(scores).values())}
    if calibration is None:
        return Judged(figures, (_joined(scores) >= 0.0).astype(np.int64))
    probs = change_probability(_joined(levelled(scores, scores)), calibration)
    truth = np.concatenate([city.changed for city in scores]).astype(np.int64)
    error = metrics.calibration_error(truth, np.stack([1.0 - probs, probs], axis=1))
    return Judged({**figures, "ECE": error or 0.0}, (probs >= calibration.threshold).astype(np.int64))


def faults(plain: Judged, other: Judged) -> tuple[str, ...]:
    """Why a form may not be kept: the figures that became worse by more than they may, and too many other answers."""
    worse = {name: (other.figures[name] - value) * (1.0 if name in LOWER_IS_BETTER else -1.0) for name, value in plain.figures.items()}
    found = [name for name, by in worse.items() if by > FURTHEST[name]]
    return (*found, *(("other answers",) if flipped(plain, other) > MOST_FLIPPED else ()))


def flipped(plain: Judged, other: Judged) -> float:
    """Share of the images, or pixels, answered by both that are answered otherwise."""
    both = (plain.answers >= 0) & (other.answers >= 0)
    return float((plain.answers != other.answers)[both].mean()) if both.any() else 0.0


def abstention_changed(plain: Judged, other: Judged) -> float:
    """Share of the images that only one of both answers."""
    return float(((plain.answers >= 0) != (other.answers >= 0)).mean())


def _asked(engine: Engine, images: Tensor) -> tuple[NDArray[np.float32], Features]:
    """(logits as predictions are made of them, what the OOD detector looks at). images: uint8 [N, channels, rows, columns]."""
    preprocess = engine.model.preprocess
    logits, seen = [], []
    for start in range(0, len(images), BATCH):
        values = standardised(images[start : start + BATCH].float() / 255.0, preprocess).numpy()
        forward = engine.forward(values)
        seen.append(features(values, forward.embeddings))
        if preprocess.test_time_augmentation:
            turned = engine.forward(augmented_inputs(values)[len(values) :]).logits
            logits.append(mean_over_inputs(np.concatenate([forward.logits, turned])))
        else:
            logits.append(forward.logits)
    return np.concatenate(logits), np.concatenate(seen)


def _joined(scores: Sequence[CityScores]) -> NDArray[np.float32]:
    return np.concatenate([city.logits for city in scores])
