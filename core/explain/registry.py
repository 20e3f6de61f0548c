"""The methods of explanation by name, and the one way to run them: find the evidence, scale it, measure it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from core.errors import NotFound, WrongTask
from core.explain.baselines import baseline_of
from core.explain.catalogue import FIRST_METHOD as FIRST_METHOD
from core.explain.catalogue import FORWARD, OFFERED, REFUSED, Offered, check_explained_by, unit_of
from core.explain.catalogue import methods_for as methods_for
from core.explain.catalogue import ranked_methods as ranked_methods
from core.explain.catalogue import usual_methods as usual_methods
from core.explain.cost import Cost, check_affordable
from core.explain.evidence import MethodResult, no_progress, scaled, within
from core.explain.high_norm import high_norm_notice
from core.explain.measure.gain import MapEvaluation, ignored
from core.explain.measure.opponents import random_weights
from core.explain.measure.sanity import SanityCheck
from core.explain.measure.worth import worth_of
from core.explain.methods import (
    activation_patching,
    attn_lrp,
    band_ablation,
    eigen_cam,
    grad_cam,
    gradient_rollout,
    gradients,
    integrated_gradients,
    libra_grad,
    occlusion,
    raw_attention,
    relevance,
    rise,
    rollout,
)
from core.explain.methods.kinds import check_kind
from core.explain.targets import check_readable, target_of
from core.inference.engine import Engine
from core.settings import settings
from core.types import (
    Capability,
    Explanation,
    FloatImage,
    FoundMap,
    Gain,
    MapUnit,
    ModelInput,
    Notice,
    Progress,
    Sanity,
    Target,
)
from models.registry import LoadedModel

Run = Callable[[Engine, ModelInput, Target, Mapping[str, Any], Progress], MethodResult]

CostOf = Callable[[LoadedModel, ModelInput, Mapping[str, Any]], Cost]

COMMON: Mapping[str, Any] = MappingProxyType({"baseline": "mean", "removal_steps": 8, "seed": 0})
"""Parameters of every method. baseline: what removed pixels become (core/explain/baselines.py). removal_steps: of deletion and insertion.
seed: of the random maps and weights."""


class Told(Protocol):
    """Hears of an explanation while it is made, on the thread that makes it."""

    def map_found(self, found: FoundMap) -> None:
        """The map is there, nothing is measured of it yet. What it raises ends the work."""

    def gain_so_far(self, gain: Gain) -> None:
        """Its gain among fewer random maps than asked for (gain.random_maps says how many)."""


@dataclass(frozen=True)
class _Method:
    """A method and how it is run.

    run: (engine, input, target, parameters, progress) -> MethodResult; parameters are complete. cost_of: (model, input, parameters) ->
    Cost. defaults: its own parameters.
    """

    offered: Offered
    run: Run
    cost_of: CostOf
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As users call it."""
        return self.offered.name

    @property
    def needs(self) -> frozenset[Capability]:
        """What it asks of a model."""
        return self.offered.needs


_RUNS: Mapping[str, tuple[Run, CostOf, Mapping[str, Any]]] = {
    "rollout": (rollout.explain_rollout, rollout.cost_of, rollout.DEFAULTS),
    "relevance": (relevance.explain_relevance, relevance.cost_of, relevance.DEFAULTS),
    "grad-cam": (grad_cam.explain_grad_cam, grad_cam.cost_of, grad_cam.DEFAULTS),
    "integrated-gradients": (
        integrated_gradients.explain_integrated_gradients, integrated_gradients.cost_of, integrated_gradients.DEFAULTS
    ),
    "occlusion": (occlusion.explain_occlusion, occlusion.cost_of, occlusion.DEFAULTS),
    "raw-attention": (raw_attention.explain_raw_attention, raw_attention.cost_of, raw_attention.DEFAULTS),
    "gradient-rollout": (gradient_rollout.explain_gradient_rollout, gradient_rollout.cost_of, gradient_rollout.DEFAULTS),
    "attn-lrp": (attn_lrp.explain_attn_lrp, attn_lrp.cost_of, attn_lrp.DEFAULTS),
    "libra-grad": (libra_grad.explain_libra_grad, libra_grad.cost_of, libra_grad.DEFAULTS),
    "eigen-cam": (eigen_cam.explain_eigen_cam, eigen_cam.cost_of, eigen_cam.DEFAULTS),
    "activation-patching": (
        activation_patching.explain_activation_patching, activation_patching.cost_of, activation_patching.DEFAULTS
    ),
    "rise": (rise.explain_rise, rise.cost_of, rise.DEFAULTS),
    "band-ablation": (band_ablation.explain_band_ablation, band_ablation.cost_of, band_ablation.DEFAULTS),
    "saliency": (gradients.explain_saliency, gradients.cost_of, {}),
    "input-x-gradient": (gradients.explain_input_x_gradient, gradients.cost_of, {}),
    "smooth-grad": (gradients.explain_smooth_grad, gradients.cost_of, gradients.SMOOTH),
}  # fmt: skip
METHODS: Mapping[str, _Method] = MappingProxyType({name: _Method(offered, *_RUNS[name]) for name, offered in OFFERED.items()})


def explain(
    engine: Engine,
    given: ModelInput,
    method: str,
    target: Target | str | None = None,
    *,
    parameters: Mapping[str, Any] | None = None,
    random_maps: int | None = None,
    progress: Progress | None = None,
    told: Told | None = None,
) -> Explanation:
    """Where the model looked in one input, by one method, with its deletion and insertion scores. Runs in fp32.

    target: what is attributed (core/explain/targets.py), or a label's name; the most probable label by default.
    parameters: those of COMMON and of the method that differ from their defaults.
    random_maps: how many the scores are compared with, the setting by default.
    progress: told (done, total) in forward passes; what it raises (Cancelled) ends the work. It may be called from another thread.
    told: hears of the map as soon as it is there, and of its gain while that is measured.
    Raises NotFound for an unknown method, label or parameter, naming the known ones; OutOfRange for a parameter outside its range;
    InputError where there is no input; NoAttention; WrongTask for tokens of a model whose head does not speak for them.
    """
    began = time.perf_counter()
    chosen = method_of(method)
    check_explained_by(engine.model, chosen.name)
    complete = _complete(chosen, parameters or {})
    maps = settings().random_maps if random_maps is None else random_maps
    watch = progress or no_progress
    check_readable(given)
    meant = target if isinstance(target, Target) else target_of(engine, given, target)
    check_affordable(chosen.name, chosen.cost_of(engine.model, given, complete))
    evaluation = evaluation_of(engine, given, meant, complete, maps)
    evaluation.check()
    started = time.perf_counter()
    evidence = chosen.run(engine, given, meant, complete, lambda done, total: watch(done, 2 * total + evaluation.passes))
    map_seconds = time.perf_counter() - started
    saliency, low, high = scaled(evidence)
    found = FoundMap(
        method=chosen.name,
        parameters={**evidence.parameters, "random_maps": maps},
        target=meant,
        saliency=saliency,
        low=low,
        high=high,
        tokens=evidence.tokens,
        attribution=evidence.attribution,
        baseline=evidence.baseline,
        completeness_error=evidence.completeness_error,
        conservation_error=evidence.conservation_error,
        by_band=evidence.by_band or _by_band(engine.model, chosen.offered.unit, evidence.attribution),
        class_specific=chosen.offered.class_specific,
        unit=unit_of(chosen.name, meant),
        zero=evidence.zero,
    )
    if told is not None:
        told.map_found(found)
    own = evidence.forwards
    alike = {name: evidence.parameters[name] for name in complete}  # as many steps as were needed here, and not as many as there
    with random_weights(engine, complete["seed"]) as randomised:
        beside = chosen.run(randomised, given, meant, alike, within(watch, before=own, after=evaluation.passes))
    so_far = told.gain_so_far if told is not None else ignored
    measured = evaluation.measure(evidence.pixels, beside.pixels, within(watch, before=own + beside.forwards), so_far)
    return Explanation(
        **{each.name: getattr(found, each.name) for each in fields(found)},
        deletion=measured.deletion,
        insertion=measured.insertion,
        gain=measured.gain,
        model=engine.model.id,
        weights=engine.model.weights_hash,
        runtime=engine.runtime.library if chosen.needs == FORWARD else "torch",
        seconds=time.perf_counter() - began,
        map_seconds=map_seconds,
        assumptions=(*engine.notices, *_remarks(engine, given, chosen, evidence)),
        source=given.source,
        frame=given.frame,
        box=given.box,
        worth=worth_of(engine.model),
    )


def evaluation_of(engine: Engine, given: ModelInput, target: Target, parameters: Mapping[str, Any], maps: int) -> MapEvaluation:
    """How maps of one input are measured. parameters: those of COMMON. maps: how many random ones. Raises NotFound for a baseline."""
    baseline = baseline_of(parameters["baseline"], given.values, engine.model.preprocess)
    return MapEvaluation(engine, given, target, baseline, parameters["removal_steps"], maps, parameters["seed"])


def _remarks(engine: Engine, given: ModelInput, method: _Method, evidence: MethodResult) -> tuple[Notice, ...]:
    """What is to be kept in mind of a map of attention by a network of another family, which may park attention where nothing is."""
    if engine.model.is_own or evidence.tokens is None or Capability.ATTENTION not in method.needs:
        return ()
    found = high_norm_notice(engine, given, evidence.tokens.values, evidence.zero)
    return () if found is None else (found,)


def _by_band(model: LoadedModel, unit: MapUnit, attribution: FloatImage | None) -> dict[str, float] | None:
    """The sum of what each band has, where attributions add up and bands have different ones."""
    if attribution is None or unit is not MapUnit.LOGIT or not np.any(np.ptp(attribution, axis=0)):
        return None
    return {name: float(each.sum(dtype=np.float64)) for name, each in zip(model.preprocess.channels, attribution, strict=True)}


def sanity_of(engine: Engine, given: ModelInput, explanation: Explanation, *, progress: Progress | None = None) -> Sanity:
    """Whether the map of an explanation of this input by this engine depends on weights and target, and holds under noise.

    progress: told (done, total) in maps, of which each is made anew; what it raises ends the work.
    """
    chosen = method_of(explanation.method)
    parameters = parameters_of(explanation)
    watch = progress or no_progress

    def map_of(asked: Engine, changed: ModelInput, target: Target) -> FloatImage:
        return chosen.run(asked, changed, target, parameters, no_progress).pixels

    own = explanation.tokens.at_pixels() if explanation.tokens is not None else map_of(engine, given, explanation.target)
    has_weights, depends = not chosen.offered.is_by_passes, chosen.offered.class_specific
    check = SanityCheck(engine, given, explanation.target, own, map_of, has_weights, depends, parameters["seed"])
    return check.run(watch)


def method_of(name: str) -> _Method:
    """Raises NotFound, naming the known methods; WrongTask, with the reason, for one that does not fit transformers."""
    if name in REFUSED:
        raise WrongTask(f"{REFUSED[name]}.", "Those of integrated-gradients do; libra-grad shares the answer out by other rules.")
    if name not in METHODS:
        raise NotFound(f"There is no explanation method {name!r}.", f"Known are: {', '.join(METHODS)}.")
    return METHODS[name]


def parameters_of(explanation: Explanation) -> dict[str, Any]:
    """With what `explain` makes it again: the parameters that its method can be given, as they were used."""
    known = {**method_of(explanation.method).defaults, **COMMON}
    return {name: value for name, value in explanation.parameters.items() if name in known}


def check_parameters(method: _Method, given: Mapping[str, Any]) -> None:
    """Raises NotFound for a parameter that the method does not have, naming those that it has, and OutOfRange for one of another kind."""
    defaults = {**method.defaults, **COMMON}
    unknown = sorted(set(given) - set(defaults))
    if unknown:
        raise NotFound(f"The method {method.name} has no parameter {unknown[0]!r}.", f"It has: {', '.join(defaults)}.")
    for name, value in given.items():
        check_kind(name, value)


def _complete(method: _Method, given: Mapping[str, Any]) -> dict[str, Any]:
    check_parameters(method, given)
    return {**method.defaults, **COMMON, **given}
