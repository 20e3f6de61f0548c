"""The methods of explanation by name, and the one way to run them: find the evidence, scale it, measure it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from core.errors import InputError, NoAttention, NotFound
from core.explain.baselines import baseline_of
from core.explain.evidence import Evidence, Progress, quiet, scaled, within
from core.explain.forward import label_index, logits_of
from core.explain.measure.removal import check_removal, forwards_needed, removal_scores
from core.explain.methods import integrated_gradients, occlusion, rollout
from core.inference.engine import Engine
from core.settings import settings
from core.types import Explanation, ModelInput
from models.registry import LoadedModel

Run = Callable[[Engine, ModelInput, str, Mapping[str, Any], Progress], Evidence]

COMMON: Mapping[str, Any] = MappingProxyType({"baseline": "mean", "removal_steps": 16, "seed": 0})
"""Parameters of every method. baseline: what removed pixels become (core/explain/baselines.py). removal_steps: of deletion and insertion.
seed: of the random maps."""


@dataclass(frozen=True)
class Method:
    """One method of explanation.

    class_specific: whether the map depends on the target. needs: "attention", "gradient" or "forward", what it asks of the network.
    run: (engine, input, target, parameters, progress) -> Evidence; parameters are complete. defaults: its own parameters.
    """

    name: str
    class_specific: bool
    needs: str
    run: Run
    defaults: Mapping[str, Any] = field(default_factory=dict)


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (
            Method("rollout", False, "attention", rollout.explain_rollout),
            Method(
                "integrated-gradients", True, "gradient", integrated_gradients.explain_integrated_gradients, integrated_gradients.DEFAULTS
            ),
            Method("occlusion", True, "forward", occlusion.explain_occlusion, occlusion.DEFAULTS),
        )
    }
)


def explain(
    engine: Engine,
    input: ModelInput,
    method: str,
    target: str | None = None,
    *,
    parameters: Mapping[str, Any] | None = None,
    random_maps: int | None = None,
    progress: Progress | None = None,
) -> Explanation:
    """Where the model looked in one input, by one method, with its deletion and insertion scores. Runs in fp32.

    target: a label, whose raw logit is attributed; the most probable by default.
    parameters: those of COMMON and of the method that differ from their defaults.
    random_maps: how many the scores are compared with, the setting by default.
    progress: told (done, total) in forward passes; what it raises (Cancelled) ends the work. It may be called from another thread.
    Raises NotFound for an unknown method, target or parameter, naming the known ones; OutOfRange for a parameter outside its range;
    InputError where there is no input; NoAttention.
    """
    began = time.perf_counter()
    chosen = method_of(method)
    check_explained_by(engine.model, chosen.name)
    complete = _complete(chosen, parameters or {})
    maps = settings().random_maps if random_maps is None else random_maps
    steps, seed, watch = complete["removal_steps"], complete["seed"], progress or quiet
    check_removal(steps, maps)
    if input.is_empty:
        raise InputError("There is no input to explain.", "Choose an image that the model can read.")
    label = target or engine.model.labels[int(np.argmax(logits_of(engine, input.values[np.newaxis])[0]))]
    label_index(engine.model, label)
    evidence = chosen.run(engine, input, label, complete, within(watch, after=forwards_needed(steps, maps)))
    baseline = baseline_of(complete["baseline"], input.values)
    part = within(watch, before=evidence.forwards)
    deletion, insertion = removal_scores(engine, input, evidence.pixels, label, baseline, steps, maps, seed, part)
    saliency, low, high = scaled(evidence)
    return Explanation(
        method=chosen.name,
        parameters={**evidence.parameters, "random_maps": maps},
        target=label,
        saliency=saliency,
        low=low,
        high=high,
        deletion=deletion,
        insertion=insertion,
        model=engine.model.id,
        weights=engine.model.weights_hash,
        tokens=evidence.tokens,
        attribution=evidence.attribution,
        baseline=evidence.baseline,
        completeness_error=evidence.completeness_error,
        class_specific=chosen.class_specific,
        seconds=time.perf_counter() - began,
        assumptions=engine.notices,
    )


def check_explained_by(model: LoadedModel, method: str) -> None:
    """Raises NoAttention for a method that the model's network has nothing for."""
    if method not in model.methods:
        raise NoAttention(f"The model {model.id} forms no attention between all of its tokens.", f"It has: {', '.join(model.methods)}.")


def method_of(name: str) -> Method:
    """Raises NotFound, naming the known methods."""
    if name not in METHODS:
        raise NotFound(f"There is no explanation method {name!r}.", f"Known are: {', '.join(METHODS)}.")
    return METHODS[name]


def _complete(method: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {**method.defaults, **COMMON}
    unknown = sorted(set(given) - set(defaults))
    if unknown:
        raise NotFound(f"The method {method.name} has no parameter {unknown[0]!r}.", f"It has: {', '.join(defaults)}.")
    return {**defaults, **given}
