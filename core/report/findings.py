"""What the model says of an image, or why it says nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.report.composer import Composer
from core.report.model_facts import ModelFacts
from core.report.notices import say
from core.types import Prediction

_SECTION = "findings"
_MOST_LABELS = 12
"""Labels that a report names, the most probable first; a classifier of everyday pictures has a thousand."""


def say_findings(composer: Composer, prediction: Prediction, model: ModelFacts) -> None:
    """An outside image gets its reason in place of findings; an abstention is stated before the numbers that led to it."""
    if prediction.outside.is_outside or prediction.probabilities is None:
        return _say_outside(composer, prediction)
    if prediction.is_best_of_many:
        model = replace(model, coverage=None)
    _keep_labels(composer, prediction.labels, prediction.probabilities, _unit(model))
    if model.coverage is not None:
        _keep_set(composer, prediction, model.coverage)
    if prediction.prediction is None and model.coverage is not None:
        composer.say(_SECTION, "abstains_all" if prediction.conformal_set else "abstains_none", coverage="set.coverage", set="set.labels")
        _say_others(composer, prediction, model, first=1)
    else:
        _say_answer(composer, model)
        _say_others(composer, prediction, model, first=2)
    _say_heads(composer, prediction, model)
    _say_candidates(composer, prediction)
    return _say_distance(composer, prediction, "inside_distance")


def _say_outside(composer: Composer, prediction: Prediction) -> None:
    reason = composer.fact("outside.reason", say(prediction.outside.reason, composer.language.code), "sentence", "OOD detector")
    outside = composer.fact("outside.is_outside", prediction.outside.is_outside, "", "OOD detector")
    composer.say(_SECTION, "outside", reason=reason, outside=outside)
    if prediction.outside.score > prediction.outside.threshold:
        _say_distance(composer, prediction, "outside_distance")


def _say_distance(composer: Composer, prediction: Prediction, template: str) -> None:
    if not math.isfinite(prediction.outside.score) or not math.isfinite(prediction.outside.threshold):
        return
    score = composer.fact("outside.score", prediction.outside.score, "distance", "OOD detector")
    threshold = composer.fact("outside.threshold", prediction.outside.threshold, "distance", "OOD detector")
    composer.say(_SECTION, template, score=score, threshold=threshold)


def _keep_labels(composer: Composer, labels: Sequence[str], probabilities: NDArray[np.float32], unit: str) -> None:
    """label.1 is the most probable one."""
    for place, index in enumerate(np.argsort(-probabilities, kind="stable")[:_MOST_LABELS], start=1):
        composer.fact(f"label.{place}.label", labels[index], "label", "prediction")
        composer.fact(f"label.{place}.{unit}", float(probabilities[index]), unit, "prediction")


def _keep_set(composer: Composer, prediction: Prediction, coverage: float) -> None:
    composer.fact("set.labels", prediction.conformal_set, "label", "prediction")
    composer.fact("set.coverage", coverage, "coverage", "calibration")


def _say_answer(composer: Composer, model: ModelFacts) -> None:
    if model.coverage is None:
        return composer.say(_SECTION, "answer_score", label="label.1.label", score="label.1.score")
    roles = {"label": "label.1.label", "probability": "label.1.probability", "set": "set.labels", "coverage": "set.coverage"}
    return composer.say(_SECTION, "answer", **roles)


def _say_others(composer: Composer, prediction: Prediction, model: ModelFacts, first: int) -> None:
    unit = _unit(model)
    template = "other" if unit == "probability" else "other_score"
    named = min(len(prediction.labels), _MOST_LABELS)
    for place in range(first, named + 1):
        composer.say(_SECTION, template, **{"label": f"label.{place}.label", unit: f"label.{place}.{unit}"})
    if named < len(prediction.labels):
        composer.say(_SECTION, "less_likely", count=composer.fact("labels.unnamed", len(prediction.labels) - named, "count", "prediction"))


def _say_heads(composer: Composer, prediction: Prediction, model: ModelFacts) -> None:
    """Sums over labels that the model's configuration declares: pneumonia = bacterial + viral."""
    heads: Mapping[str, object] = prediction.heads or {}
    unit = _unit(model)
    for name, value in heads.items():
        if isinstance(value, (int, float)):
            label = composer.fact(f"head.{name}.label", name, "label", "prediction")
            number = composer.fact(f"head.{name}.{unit}", float(value), unit, "prediction")
            composer.say(_SECTION, "other" if unit == "probability" else "other_score", **{"label": label, unit: number})
        elif isinstance(value, Mapping) and prediction.candidates != ():  # it speaks of what was found
            _say_head(composer, name, value["labels"], value["probabilities"], unit)


def _say_head(composer: Composer, name: str, labels: Sequence[str], probabilities: Sequence[float], unit: str) -> None:
    """The last label of a further head, which is what the head is named for."""
    roles = {
        "head": composer.fact(f"head.{name}.name", name, "label", "prediction"),
        "label": composer.fact(f"head.{name}.label", labels[-1], "label", "prediction"),
        unit: composer.fact(f"head.{name}.{unit}", float(probabilities[-1]), unit, "prediction"),
    }
    composer.say(_SECTION, "head" if unit == "probability" else "head_score", **roles)


def _say_candidates(composer: Composer, prediction: Prediction) -> None:
    """Where something was found, best first; nothing of a model that looks for no place."""
    if prediction.candidates is None:
        return
    if not prediction.candidates:
        composer.say(_SECTION, "candidates_none", count=composer.fact("candidates.count", 0, "count", "prediction"))
    for number, one in enumerate(prediction.candidates, start=1):
        roles = {"number": composer.fact(f"candidate.{number}.number", number, "count", "prediction")}
        for role, key, unit in (("column", "x", ""), ("row", "y", ""), ("slice", "slice", "count"), ("score", "score", "score")):
            roles[role] = composer.fact(f"candidate.{number}.{role}", float(one.as_read()[key]), unit, "prediction")
        composer.say(_SECTION, "candidate", **roles)


def _unit(model: ModelFacts) -> str:
    return "score" if model.coverage is None else "probability"
