"""Gradient-weighted rollout: rollout of that part of attention which raises the target's logit.

Chefer, Gur and Wolf 2021, "Transformer Interpretability Beyond Attention Visualization", section 3.3 without its relevance of layers: of
each layer the positive part of attention times the gradient of the target's logit by it, fused over heads, with the identity added and
rows normalised, multiplied layer by layer. Without that normalisation the product would be `relevance`. Class-specific; no sign.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from core.explain.attention import formed_with_gradients
from core.explain.cost import Cost, attention_gradient_cost
from core.explain.evidence import MethodResult
from core.explain.methods.rollout import ROLLOUT, check_flow, with_residual
from core.explain.readout import grid_of, identity, merged, merges_in, read_target, readout_name, unmerged_rows
from core.inference.engine import Engine
from core.types import FloatImage, ModelInput, Progress, Target, TokenMap
from models.bert_image import FormedAttention
from models.bert_image.blocks import Blocks
from models.registry import LoadedModel

DEFAULTS: Mapping[str, Any] = ROLLOUT
"""As of rollout."""


def explain_gradient_rollout(
    engine: Engine, given: ModelInput, target: Target, parameters: Mapping[str, Any], progress: Progress
) -> MethodResult:
    """Token values, none below 0, unscaled, without what each token has of itself.

    Raises NotFound or OutOfRange for parameters, NoAttention.
    """
    check_flow(parameters["fusion"], parameters["discard"])

    def work(model: LoadedModel) -> FloatImage:
        formed, gradients, values = formed_with_gradients(model, given, target)
        joint = gradient_flow(formed, gradients, merges_in(model, values), parameters["fusion"], parameters["discard"])
        return read_target(joint, model, target, grid_of(model, given))

    tokens = TokenMap(engine.run(work), engine.model.patch)
    progress(1, 1)
    return MethodResult(tokens.at_pixels(), {**parameters, "readout": readout_name(engine.model, target)}, forwards=1, tokens=tokens)


def gradient_flow(
    formed: Sequence[FormedAttention], gradients: Sequence[Tensor], merges: Mapping[int, Blocks], fusion: str, discard: float
) -> Tensor:
    """float64 [tokens, tokens]: the product, those that are read as rows. What a token has of itself by the identity alone is left out:
    each row would be strongest where it stands."""
    first = formed[0].as_matrix(formed[0].weights)
    joint = own = identity(first.shape[-1], first).double()  # relevance beside the identity is small
    for number, (layer, gradient) in enumerate(zip(formed, gradients, strict=True), start=1):
        attention, slope = (layer.as_matrix(each.detach())[0].double() for each in (layer.weights, gradient))
        flow = with_residual((attention * slope).clamp(min=0.0), fusion, discard)
        sums = flow.sum(dim=-1, keepdim=True)
        joint, own = (flow / sums) @ joint, own / sums
        if number in merges:
            joint, own = merged(joint, merges[number]), merged(own, merges[number])
    return unmerged_rows(joint - own, merges)


def cost_of(model: LoadedModel, given: ModelInput, parameters: Mapping[str, Any]) -> Cost:
    """One pass with gradients."""
    return attention_gradient_cost(model, given)
