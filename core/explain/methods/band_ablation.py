"""Band ablation: how far the target's logit falls when one band of one token is replaced by the baseline, and when a whole band is.

Feature ablation (Captum) over bands and tokens; what two bands say only together is in neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.errors import WrongTask
from core.explain.baselines import baseline_of
from core.explain.cost import Cost, forward_cost
from core.explain.evidence import MethodResult, within
from core.explain.methods import occlusion
from core.explain.targets import read_logits, scores
from core.inference.engine import Engine
from core.types import FloatImage, ModelInput, Progress, Target
from models.registry import LoadedModel

DEFAULTS: Mapping[str, Any] = occlusion.DEFAULTS
"""As of occlusion."""


def explain_band_ablation(
    engine: Engine, given: ModelInput, target: Target, parameters: Mapping[str, Any], progress: Progress
) -> MethodResult:
    """Signed attributions of the target's number, of each band by itself; and the fall without a whole band, by its name, in `by_band`.

    Raises WrongTask for a model of one band, OutOfRange.
    """
    names, values = engine.model.preprocess.channels, given.values
    if len(names) < 2:
        raise WrongTask(f"The model {engine.model.id} reads one band: without it nothing is left.", "Choose occlusion.")
    made = occlusion.occluded(engine, given, target, parameters, within(progress, after=len(names)), channels=1)
    baseline = baseline_of(parameters["baseline"], values, engine.model.preprocess)
    without = np.stack([values, *(_without(values, baseline, place) for place in range(len(names)))])
    numbers = scores(engine.model, read_logits(engine, without, target), target)
    by_band = {name: float(numbers[0] - number) for name, number in zip(names, numbers[1:], strict=True)}
    assert made.attribution is not None
    return MethodResult(
        pixels=made.attribution.sum(axis=0),
        parameters=made.parameters,
        forwards=made.forwards + len(without),
        attribution=made.attribution,
        baseline=baseline,
        by_band=by_band,
    )


def _without(values: FloatImage, baseline: FloatImage, place: int) -> FloatImage:
    changed = values.copy()
    changed[place] = baseline[place]
    return changed


def cost_of(model: LoadedModel, given: ModelInput, parameters: Mapping[str, Any]) -> Cost:
    """A pass a window and band, one a band, and two of the whole input."""
    windows, bands = occlusion.cost_of(model, given, parameters).forwards - 1, len(given.values)
    return forward_cost(model, given, 2 + bands * (windows + 1))
