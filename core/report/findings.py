"""What the model says of an image, or why it says nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.report.composer import Composer
from core.report.headline import candidates_words, mistakes_others, place_words
from core.report.model_facts import ModelFacts
from core.report.notices import say
from core.types import Candidate, Prediction

_SECTION = "findings"
_MOST_LABELS = 12
"""Labels that a report names, the most probable first; a classifier of everyday pictures has a thousand."""


def say_findings(composer: Composer, prediction: Prediction, model: ModelFacts) -> None:
    """An outside image gets its reason in place of findings; an abstention is stated before the numbers that led to it."""
    if prediction.outside.is_outside or prediction.probabilities is None:
        return _say_outside(composer, prediction)
    if prediction.searched_for is not None:
        return _say_search(composer, prediction, prediction.searched_for, model)
    prediction = prediction.named
    assert prediction.probabilities is not None  # the named labels have those of the model's own
    _keep_labels(composer, prediction.labels, prediction.probabilities, _unit(model))
    if model.coverage is not None:
        _keep_set(composer, prediction, model.coverage)
    if prediction.prediction is None and model.coverage is not None:
        composer.say(_SECTION, "abstains_all" if prediction.conformal_set else "abstains_none", coverage="set.coverage", set="set.labels")
        _say_others(composer, prediction, model, first=1)
    else:
        _say_answer(composer, prediction, model)
        _say_others(composer, prediction, model, first=2)
    if model.knows:
        composer.say(_SECTION, "verbatim", sentence=composer.fact("model.knows", model.knows, "sentence", "model card"))
    _say_heads(composer, prediction, model)
    if prediction.candidates is not None:
        _say_candidates(composer, prediction.candidates)
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


def _say_answer(composer: Composer, prediction: Prediction, model: ModelFacts) -> None:
    unit = _unit(model)
    roles = {"label": "label.1.label", unit: f"label.1.{unit}"}
    if model.coverage is not None:
        roles |= {"set": "set.labels", "coverage": "set.coverage"}
    is_mistaken = mistakes_others(prediction.labels, composer.language)
    if is_mistaken:
        roles["looks"] = composer.fact("answer.looks", prediction.likeliest, "looks", "prediction")
        roles["seen_as"] = composer.fact("answer.seen_as", prediction.likeliest, "seen as", "prediction")
    template = "answer_seen" if is_mistaken else "answer"
    composer.say(_SECTION, template if model.coverage is not None else f"{template}_score", **roles)


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
        elif isinstance(value, Mapping):
            _say_head(composer, name, value["labels"], value["probabilities"], unit)


def _say_head(composer: Composer, name: str, labels: Sequence[str], probabilities: Sequence[float], unit: str) -> None:
    """The last label of a further head, which is what the head is named for."""
    roles = {
        "head": composer.fact(f"head.{name}.name", name, "label", "prediction"),
        "label": composer.fact(f"head.{name}.label", labels[-1], "label", "prediction"),
        unit: composer.fact(f"head.{name}.{unit}", float(probabilities[-1]), unit, "prediction"),
    }
    composer.say(_SECTION, "head" if unit == "probability" else "head_score", **roles)


def _say_search(composer: Composer, prediction: Prediction, label: str, model: ModelFacts) -> None:
    """How many candidates there are, and how many of such are false; what is highest of many windows is called a score."""
    words = candidates_words(prediction, composer.language.code)
    roles = {"sentence": composer.fact("candidates.words", f"{words}.", "sentence", "prediction")}
    roles["count"] = composer.fact("candidates.count", len(prediction.candidates or ()), "count", "prediction")
    if prediction.expected_false is not None:
        roles["expected"] = composer.fact("candidates.expected_false", prediction.expected_false, "count", "model card")
    composer.say(_SECTION, "verbatim", **roles)
    highest = composer.fact("highest.score", prediction.probability(label), "score", "prediction")
    composer.say(_SECTION, "highest", label=composer.fact("highest.label", label, "label", "prediction"), score=highest)
    if model.knows:
        composer.say(_SECTION, "verbatim", sentence=composer.fact("model.knows", model.knows, "sentence", "model card"))
    _say_candidates(composer, prediction.candidates or ())
    _say_distance(composer, prediction, "inside_distance")


def _say_candidates(composer: Composer, candidates: Sequence[Candidate]) -> None:
    """What was found where, best first."""
    for number, one in enumerate(candidates, start=1):
        told = one.as_read()
        roles = {"number": composer.fact(f"candidate.{number}.number", number, "count", "prediction")}
        place = place_words(one, composer.language.code)
        roles["place"] = composer.fact(f"candidate.{number}.place", place, "sentence", "prediction")
        values = (("slice", "slice", "count"), ("column", "x", ""), ("row", "y", ""), ("z", "z_mm", "mm"), ("size", "size_mm", "mm"))
        for role, key, unit in (*values, ("score", "score", "score")):
            value = float("nan") if told[key] is None else float(told[key])
            roles[role] = composer.fact(f"candidate.{number}.{role}", value, unit, "prediction")
        for name, value in one.ratings.items():
            roles[name] = composer.fact(f"candidate.{number}.{name}", value, "rating", "prediction")
        composer.say(_SECTION, "candidate_rated" if "malignancy" in one.ratings else "candidate", **roles)


def _unit(model: ModelFacts) -> str:
    return "score" if model.coverage is None else "probability"
