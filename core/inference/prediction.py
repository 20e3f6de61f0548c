"""From inputs to predictions: calibrated probabilities, the 90 % prediction set, whether the model was made for the image, abstention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.inference.calibration import conformal_set, probabilities
from core.inference.engine import Engine, Forward
from core.inference.ood import assess, features
from core.inference.tta import answered
from core.types import Calibration, ModelInput, Notice, Outside, Prediction, notice
from models.registry import LoadedModel

UNCALIBRATED = notice("model.uncalibrated")


def predict_input(
    engine: Engine,
    given: ModelInput,
    *,
    assumptions: Sequence[Notice] = (),
    seconds: Mapping[str, float] | None = None,
    frame: int | None = None,
) -> Prediction:
    """The prediction for one input.

    assumptions: beside those of the input. seconds: what "read" and "prepare" took. frame: of a study of several frames.
    Raises OutOfRange where the input does not fit the network, DeviceError where memory gives out.
    """
    return predict_inputs(engine, [given], assumptions=assumptions, seconds=seconds, frame=frame)[0]


def predict_inputs(
    engine: Engine,
    inputs: Sequence[ModelInput],
    *,
    assumptions: Sequence[Notice] = (),
    seconds: Mapping[str, float] | None = None,
    frame: int | None = None,
) -> list[Prediction]:
    """The predictions for several inputs of one size, in their order, computed together. Parameters as of predict_input."""
    whole = [given for given in inputs if not given.is_empty]
    forward = answered(engine, np.stack([given.values for given in whole])) if whole else None
    places = iter(range(len(whole)))
    times = dict(seconds or {})
    return [
        _prediction(engine, given, None if given.is_empty else next(places), forward, tuple(assumptions), times, frame) for given in inputs
    ]


def decide(
    probs: NDArray[np.float32], labels: Sequence[str], calibration: Calibration | None, outside: Outside
) -> tuple[tuple[str, ...], str | None]:
    """The 90 % prediction set, and the prediction: the most probable label, None where the image is outside or the set is empty or whole.

    probs: probabilities [labels]. A model that is not calibrated has no set to abstain by.
    """
    likely = conformal_set(probs, labels, calibration)
    is_abstaining = calibration is not None and len(likely) in (0, len(labels))
    if outside.is_outside or is_abstaining:
        return likely, None
    return likely, labels[int(np.argmax(probs))]


def parent_heads(probs: NDArray[np.float32], model: LoadedModel) -> dict[str, float] | None:
    """Probability of each parent label that the model's configuration declares, the sum of its labels'; None where it declares none.

    probs: probabilities [labels].
    """
    parents: Mapping[str, Sequence[str]] = model.config.parents or {}
    return {name: sum(float(probs[model.labels.index(member)]) for member in members) for name, members in parents.items()} or None


def unnamed_labels(given: ModelInput, model: LoadedModel) -> tuple[tuple[str, ...], tuple[Notice, ...]]:
    """Labels in whose place the parent label is named: those that were not measured on such an image; and of a model that does not say on
    whom its labels were measured, all that have a parent, with the sentence that says so."""
    told = {one.label for one in model.preprocess.measured_for}
    silent = tuple(label for members in (model.config.parents or {}).values() for label in members if label not in told)
    return (*given.unnamed, *silent), ((notice("model.kind-not-measured", labels=silent),) if silent else ())


def auxiliary_heads(forward: Forward, place: int, model: LoadedModel) -> dict[str, dict[str, list[Any]]]:
    """{name: {labels, probabilities}} of each further head that speaks for a whole image; their temperature lies in their weights.

    place: of the input in `forward`.
    """
    named: Mapping[str, Sequence[str]] = model.config.heads or {}
    return {
        name: {"labels": list(labels), "probabilities": probabilities(forward.heads[name][place], None).tolist()}
        for name, labels in named.items()
    }


def _prediction(
    engine: Engine,
    given: ModelInput,
    place: int | None,
    forward: Forward | None,
    assumptions: tuple[Notice, ...],
    seconds: Mapping[str, float],
    frame: int | None,
) -> Prediction:
    """place: of the input in `forward`; None for an empty one, which gets its reason instead of an answer."""
    model, runtime = engine.model, engine.runtime
    unnamed, why_unnamed = unnamed_labels(given, model)
    logits = probs = tokens = answer = heads = None
    likely: tuple[str, ...] = ()
    if forward is None or place is None:
        outside = assess(given, None, model)
    else:
        seen = features(given.values[np.newaxis], forward.embeddings[place : place + 1])[0]
        logits, outside = forward.logits[place], assess(given, seen, model)
        tokens = None if forward.token_logits is None else forward.token_logits[place]
        probs = probabilities(logits, model.calibration)
        likely, answer = decide(probs, model.labels, model.calibration, outside)
        heads = {**(parent_heads(probs, model) or {}), **auxiliary_heads(forward, place, model)} or None
        seconds = {**seconds, "forward": forward.seconds / len(forward.logits)}
    return Prediction(
        model=model.id,
        weights=model.weights_hash,
        labels=model.labels,
        logits=logits,
        probabilities=probs,
        conformal_set=likely,
        prediction=answer,
        outside=outside,
        token_logits=tokens,
        frame=frame,
        assumptions=(
            *given.assumptions,
            *assumptions,
            *why_unnamed,
            *(() if model.calibration is not None else (UNCALIBRATED,)),
            *engine.notices,
        ),
        seconds=seconds,
        runtime=runtime.library,
        precision=runtime.precision,
        device=runtime.name,
        heads=heads,
        source=given.source,
        box=given.box,
        parents={name: tuple(members) for name, members in (model.config.parents or {}).items()},
        unnamed=unnamed,
    )
