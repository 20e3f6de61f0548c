"""Grad-CAM on tokens: how the target's logit would move with each token, weighted by what the token is.

Selvaraju et al. 2017, "Grad-CAM", with the product of gradient and activation kept at each place and summed over the width, as HiResCAM
does (Draelos and Carin 2020), since the mean gradient over places says nothing where a head reads one token alone. The sum is a signed
share of the logit, and stays signed: what is below 0 speaks against the target.

The tokens are those that enter the last layer, unless another is named. After it a head that reads [CLS] alone depends on no patch, and
where a head reads their mean all tokens may say the same by then, wherever it was seen: networks that were taught to see one cue are read
right by what enters the last layer and wrong by what leaves it (tests/unit/explain/methods/test_cue.py). Tokens without a place ([CLS],
registers) have none in the map.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from core.explain.cost import Cost, gradient_cost
from core.explain.evidence import MethodResult
from core.explain.forward import to_device
from core.explain.readout import grid_of, layer_of, merges_in, on_grid, shared_by_members
from core.explain.targets import score_of
from core.inference.engine import Engine
from core.types import FloatImage, ModelInput, Progress, Target, TokenMap
from models.registry import LoadedModel

DEFAULTS: Mapping[str, Any] = {"layer": None}
"""layer: how many layers (of Swin: stages) the tokens have gone through, 0 for those of the stem; None for those that enter the
last."""


def explain_grad_cam(engine: Engine, given: ModelInput, target: Target, parameters: Mapping[str, Any], progress: Progress) -> MethodResult:
    """Signed token values, in shares of the logit, and the layer that was used. Raises OutOfRange for a layer without such tokens."""

    def work(model: LoadedModel) -> tuple[FloatImage, int]:
        values = to_device(model, given.values[None]).requires_grad_()
        output = model.network(pixel_values=values, output_hidden_states=True)
        states: tuple[Tensor, ...] = output.hidden_states
        layer = layer_of(parameters["layer"], len(states) - 1)
        (slope,) = torch.autograd.grad(score_of(model, output, values, target).sum(), [states[layer]])
        patches = (states[layer].detach().double() * slope.double())[0].sum(dim=-1)[model.config.prefix_tokens :]
        shared = shared_by_members(patches, merges_in(model, values), layer)
        return on_grid(shared, grid_of(model, given), layer), layer

    found, layer = engine.run(work)
    progress(1, 1)
    tokens = TokenMap(found, engine.model.patch)
    return MethodResult(tokens.at_pixels(), {**parameters, "layer": layer}, forwards=1, tokens=tokens)


def cost_of(model: LoadedModel, given: ModelInput, parameters: Mapping[str, Any]) -> Cost:
    """One pass with gradients."""
    return gradient_cost(model, given)
