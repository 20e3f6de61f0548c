"""Relevance: attention weighted by its gradients, carried through all layers to the tokens that the answer is read from.

Chefer, Gur and Wolf 2021, "Generic Attention-model Explainability for Interpreting Bi-Modal and Encoder-Decoder Transformers", section 3,
equations 5 and 6: of each layer the positive part of attention times the gradient of the target's logit by it, meaned over heads, is
multiplied onto the relevance so far and added to it. Class-specific; what speaks against the target is left out, so it has no sign.

The paper reads the row of [CLS], without [CLS] itself. A head that reads all patches has no such row: the mean of theirs is taken, and of
each the identity that the relevance begins with is left out, as that of [CLS] is. Windows, linear attention and merges: as for rollout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from core.errors import OutOfRange
from core.explain.attention import formed_with_gradients
from core.explain.cost import Cost, attention_gradient_cost
from core.explain.evidence import MethodResult
from core.explain.readout import grid_of, identity, merged, merges_in, read_target, readout_name, unmerged_rows
from core.inference.engine import Engine
from core.types import FloatImage, ModelInput, Progress, Target, TokenMap
from models.bert_image import FormedAttention
from models.bert_image.blocks import Blocks
from models.registry import LoadedModel

DEFAULTS: Mapping[str, Any] = {"start_layer": 0}
"""start_layer: layers before it, counted from 0, are left out, so that tokens stand for what they had become by then."""


def explain_relevance(engine: Engine, given: ModelInput, target: Target, parameters: Mapping[str, Any], progress: Progress) -> MethodResult:
    """Token values, none below 0, unscaled: of the readout, or the mean of the rows of the target's tokens.

    Raises OutOfRange for a start layer that is not there, NoAttention.
    """
    layers = engine.model.config.num_hidden_layers
    if not 0 <= parameters["start_layer"] < layers:
        raise OutOfRange("start_layer", parameters["start_layer"], f"from 0 to {layers - 1}")

    def work(model: LoadedModel) -> FloatImage:
        formed, gradients, values = formed_with_gradients(model, given, target)
        joint = relevance(formed, gradients, merges_in(model, values), parameters["start_layer"])
        return read_target(joint, model, target, grid_of(model, given))

    tokens = TokenMap(engine.run(work), engine.model.patch)
    progress(1, 1)
    return MethodResult(tokens.at_pixels(), {**parameters, "readout": readout_name(engine.model, target)}, forwards=1, tokens=tokens)


def relevance(formed: Sequence[FormedAttention], gradients: Sequence[Tensor], merges: Mapping[int, Blocks], start: int) -> Tensor:
    """[tokens, tokens], in the network's precision: those that are read as rows and those of the stem as columns, without the identity at
    its beginning.

    formed, gradients: of one input, a layer each, first layer first. merges: of merges_in. start: the first layer that counts, from 0.
    """
    first = formed[0].as_matrix(formed[0].weights)
    own = identity(first.shape[-1], first)  # what a token has of itself, through the residual connections
    found, is_merged = torch.zeros_like(own), False
    for number, (layer, gradient) in enumerate(zip(formed, gradients, strict=True), start=1):
        if number > start:  # identity and relevance by themselves: their sum would cost the small one its digits
            flow = weighted(layer, gradient)
            found = found + (flow @ own if is_merged else flow) + flow @ found
        if number in merges:
            own, found, is_merged = merged(own, merges[number]), merged(found, merges[number]), True
    return unmerged_rows(found, merges)


def weighted(layer: FormedAttention, gradient: Tensor) -> Tensor:
    """[tokens, tokens]: the positive part of gradient times attention, meaned over heads (equation 5)."""
    attention, slope = (layer.as_matrix(each.detach())[0] for each in (layer.weights, gradient))  # [heads, tokens, tokens]
    return (slope * attention).clamp(min=0.0).mean(dim=0)


def cost_of(model: LoadedModel, given: ModelInput, parameters: Mapping[str, Any]) -> Cost:
    """One pass with gradients."""
    return attention_gradient_cost(model, given)
