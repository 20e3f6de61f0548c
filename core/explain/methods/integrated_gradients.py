"""Integrated Gradients by Captum: the gradient of the target's logit, summed along the straight path from a baseline to the image.

Sundararajan, Taly and Yan 2017, "Axiomatic Attribution for Deep Networks". Its attributions should sum to f(x) - f(baseline); by how
much they miss it (the completeness error) tells whether there were enough steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from captum.attr import IntegratedGradients
from torch import Tensor

from core.errors import NotFound, OutOfRange
from core.explain.baselines import baseline_of
from core.explain.cost import Cost, gradient_cost
from core.explain.evidence import MethodResult, within
from core.explain.forward import to_device
from core.explain.targets import network_score, read_logits, scores
from core.inference.engine import Engine
from core.types import FloatImage, ModelInput, Progress, Target
from models.registry import LoadedModel

DEFAULTS: Mapping[str, Any] = {"steps": None, "quadrature": "gausslegendre", "internal_batch_size": 32}
"""steps None: as many as it takes. quadrature and internal_batch_size: as Captum names and means them."""
QUADRATURES = ("gausslegendre", "riemann_left", "riemann_middle", "riemann_right", "riemann_trapezoid")
SMALL_ERROR = 0.05
"""Completeness error, relative, below which no further steps are spent."""
FIRST_STEPS, MOST_STEPS = 32, 512
"""Steps are doubled from the first number to the last while the error is not small."""
NO_GAP = 1e-12
"""Floor of |f(x) - f(baseline)|, in logits: an image that is its own baseline has nothing to attribute, and misses nothing."""


def explain_integrated_gradients(
    engine: Engine, given: ModelInput, target: Target, parameters: Mapping[str, Any], progress: Progress
) -> MethodResult:
    """Signed attributions of the target's number, with the steps that were used. Raises NotFound or OutOfRange for parameters."""
    _check(parameters)
    baseline = baseline_of(parameters["baseline"], given.values, engine.model.preprocess)
    at_input, at_baseline = scores(engine.model, read_logits(engine, np.stack([given.values, baseline]), target), target)
    spent = 2
    for steps in _attempts(parameters["steps"]):
        used = {**parameters, "steps": steps}
        attribution = _attributed(engine, given.values, baseline, target, used, within(progress, before=spent))
        spent += steps
        error = completeness_error(attribution, at_input, at_baseline)
        if error <= SMALL_ERROR:
            break
    return MethodResult(
        pixels=attribution.sum(axis=0),
        parameters=used,
        forwards=spent,
        attribution=attribution,
        baseline=baseline,
        completeness_error=error,
    )


def cost_of(model: LoadedModel, given: ModelInput, parameters: Mapping[str, Any]) -> Cost:
    """So many passes with gradients as there are steps; where these are found, as the first attempt takes."""
    return gradient_cost(model, given, 2 + (parameters["steps"] or FIRST_STEPS), parameters["internal_batch_size"])


def completeness_error(attribution: FloatImage, at_input: float, at_baseline: float) -> float:
    """|sum of attributions - (f(x) - f(baseline))| / |f(x) - f(baseline)|, for the target's number f."""
    gap = float(at_input - at_baseline)
    return abs(float(attribution.sum(dtype=np.float64)) - gap) / max(abs(gap), NO_GAP)


def _attempts(steps: int | None) -> Iterator[int]:
    if steps is not None:
        yield steps
        return
    number = FIRST_STEPS
    while number <= MOST_STEPS:
        yield number
        number *= 2


def _attributed(
    engine: Engine, values: FloatImage, baseline: FloatImage, target: Target, parameters: Mapping[str, Any], progress: Progress
) -> FloatImage:
    """float32 [channels, rows, columns], by one call of Captum on the owner thread."""

    def work(model: LoadedModel) -> FloatImage:
        done = 0

        def forward(batch: Tensor) -> Tensor:
            nonlocal done
            progress(done, parameters["steps"])
            done += len(batch)
            return network_score(model, batch, target)

        attribution: Tensor = IntegratedGradients(forward).attribute(
            to_device(model, values[np.newaxis]),
            baselines=to_device(model, baseline[np.newaxis]),
            n_steps=parameters["steps"],
            method=parameters["quadrature"],
            internal_batch_size=parameters["internal_batch_size"],
        )
        progress(done, parameters["steps"])
        return np.asarray(attribution[0].detach().cpu().numpy(), dtype=np.float32)

    return engine.run(work)


def _check(parameters: Mapping[str, Any]) -> None:
    if parameters["quadrature"] not in QUADRATURES:
        raise NotFound(f"There is no quadrature {parameters['quadrature']!r}.", f"Captum knows: {', '.join(QUADRATURES)}.")
    fewest = 1 if parameters["quadrature"] == "gausslegendre" else 2
    if parameters["steps"] is not None and parameters["steps"] < fewest:
        raise OutOfRange("steps", parameters["steps"], f"at least {fewest}")
    if parameters["internal_batch_size"] < 1:
        raise OutOfRange("internal_batch_size", parameters["internal_batch_size"], "at least 1")
