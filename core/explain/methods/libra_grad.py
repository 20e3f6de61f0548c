"""LibraGrad: input times gradient with a balanced backward pass, in which attention, norms and gates are held.

Mehri, Baghshah and Pilehvar 2025, "LibraGrad: Balancing Gradient Flow for Universally Better Vision Transformer Attributions" (rules in
core/explain/backward.py). Without biases and positions the map sums to the logit; what they take, the conservation error says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.explain.backward import shared_out
from core.explain.cost import Cost, attention_gradient_cost
from core.explain.evidence import MethodResult
from core.inference.engine import Engine
from core.types import ModelInput, Progress, Target
from models.registry import LoadedModel

DEFAULTS: Mapping[str, Any] = {"layer": 0}
"""layer: how many layers the tokens have gone through that the answer is shared out over, 0 for those of the stem. None: pixels,
over which a stem of convolutions scatters what it is given (on the models of this project such maps rank no better than random ones)."""


def explain_libra_grad(
    engine: Engine, given: ModelInput, target: Target, parameters: Mapping[str, Any], progress: Progress
) -> MethodResult:
    """Signed shares of the target's number, of pixels or tokens, and the conservation error. Raises OutOfRange."""
    found = engine.run(lambda model: shared_out(model, given, target, parameters["layer"], attention_is_held=True))
    progress(1, 1)
    return found.as_result(engine.model.patch, parameters)


def cost_of(model: LoadedModel, given: ModelInput, parameters: Mapping[str, Any]) -> Cost:
    """One pass with gradients."""
    return attention_gradient_cost(model, given)
