"""Raw attention: what the tokens that an answer is read from attend to in one layer. A control: it follows no path through the layers.

Vaswani et al. 2017, section 3.2; as an explanation it says little (Jain and Wallace 2019, "Attention is not Explanation"). The same map for
every label.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from core.errors import OutOfRange
from core.explain.attention import token_attention
from core.explain.cost import Cost, attention_cost, matrix_bytes
from core.explain.evidence import MethodResult
from core.explain.readout import grid_of, read_target, readout_name
from core.inference.engine import Engine
from core.types import FloatImage, ModelInput, Progress, Target, TokenMap
from models.registry import LoadedModel

DEFAULTS: Mapping[str, Any] = {"layer": None, "head": None}
"""layer, head: from 0. None: the last layer, and the mean over its heads."""


def explain_raw_attention(
    engine: Engine, given: ModelInput, target: Target, parameters: Mapping[str, Any], progress: Progress
) -> MethodResult:
    """Token values as attention formed them, and the layer that was used. Raises OutOfRange for a layer or head that is not there,
    NoAttention."""
    matrices = token_attention(engine, given)  # [layers, heads, tokens, tokens]
    layers, heads = matrices.shape[:2]
    layer, head = _place("layer", parameters["layer"], layers, layers - 1), _place("head", parameters["head"], heads, None)
    assert layer is not None
    chosen = matrices[layer].astype(np.float64)
    joint = torch.from_numpy(chosen.mean(axis=0) if head is None else chosen[head])
    found: FloatImage = read_target(joint, engine.model, target, grid_of(engine.model, given))
    progress(1, 1)
    tokens = TokenMap(found, engine.model.patch)
    used = {**parameters, "layer": layer, "readout": readout_name(engine.model, target)}
    return MethodResult(tokens.at_pixels(), used, forwards=1, zero=1.0 / joint.shape[-1], tokens=tokens)


def cost_of(model: LoadedModel, given: ModelInput, parameters: Mapping[str, Any]) -> Cost:
    """One pass; the matrices of all layers are there to choose from."""
    one = attention_cost(model, given)
    return Cost(1, one.bytes + model.config.num_hidden_layers * matrix_bytes(model, given))


def _place(name: str, asked: int | None, count: int, default: int | None) -> int | None:
    if asked is None:
        return default
    if not 0 <= asked < count:
        raise OutOfRange(name, asked, f"from 0 to {count - 1}")
    return asked
