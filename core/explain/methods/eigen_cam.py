"""Eigen-CAM on tokens: how much of the strongest pattern of all tokens each of them holds. The same map for every label.

Muhammad and Yeasin 2020, "Eigen-CAM": the projection of the tokens on their first right singular vector, not centred, so that it has the
sign of what all tokens share. What a usual token holds says nothing, and is the zero of the picture. The tokens are those that enter the
last layer, as for grad-cam; those without a place ([CLS], registers) are left out before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from core.explain.cost import Cost, gradient_bytes
from core.explain.evidence import MethodResult
from core.explain.forward import to_device
from core.explain.readout import grid_of, layer_of, merges_in, on_grid
from core.inference.engine import Engine
from core.types import FloatImage, ModelInput, Progress, Target, TokenMap
from models.registry import LoadedModel

DEFAULTS: Mapping[str, Any] = {"layer": None}
"""As of grad-cam."""


def explain_eigen_cam(engine: Engine, given: ModelInput, target: Target, parameters: Mapping[str, Any], progress: Progress) -> MethodResult:
    """Token values, and the layer that was used. Raises OutOfRange for a layer without such tokens."""

    def work(model: LoadedModel) -> tuple[FloatImage, int]:
        values = to_device(model, given.values[None])
        with torch.no_grad():
            states: tuple[Tensor, ...] = model.network(pixel_values=values, output_hidden_states=True).hidden_states
        layer = layer_of(parameters["layer"], len(states) - 1)
        found = first_component(states[layer][0, model.config.prefix_tokens :].double())
        for blocks in reversed([blocks for after, blocks in merges_in(model, values).items() if after < layer]):
            found = found[blocks.block_of]
        return on_grid(found, grid_of(model, given), layer), layer

    found, layer = engine.run(work)
    progress(1, 1)
    tokens = TokenMap(found, engine.model.patch)
    return MethodResult(tokens.at_pixels(), {**parameters, "layer": layer}, forwards=1, zero=max(0.0, float(found.mean())), tokens=tokens)


def first_component(states: Tensor) -> Tensor:
    """[tokens, width] -> [tokens]: the projection on the first right singular vector, whose sign makes their sum positive."""
    found: Tensor = states @ torch.linalg.svd(states, full_matrices=False).Vh[0]
    return -found if float(found.sum()) < 0.0 else found


def cost_of(model: LoadedModel, given: ModelInput, parameters: Mapping[str, Any]) -> Cost:
    """One pass."""
    return Cost(1, gradient_bytes(model, given))
