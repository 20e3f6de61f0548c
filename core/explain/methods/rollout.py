"""Attention rollout: how much of each patch reaches the readout through all layers.

Abnar and Zuidema 2020, "Quantifying Attention Flow in Transformers", section 3. Class-agnostic: the same map for every label.

Layers with windows have 0 between windows, and linear attention has the matrix that its features imply. Where tokens are merged, the new
token is taken as the mean of the old ones: what a merge makes of each of them is not attention, and is left aside as the value vectors are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from core.errors import NoAttention
from core.explain.evidence import MethodResult
from core.explain.forward import network_logits, to_device
from core.explain.readout import grid_of, merged, merges_in, read_target, readout_name, unmerged_rows
from core.inference.engine import Engine
from core.types import FloatImage, ModelInput, Progress, Target, TokenMap
from models.bert_image import attention_captured
from models.registry import LoadedModel


def explain_rollout(engine: Engine, given: ModelInput, target: Target, parameters: Mapping[str, Any], progress: Progress) -> MethodResult:
    """Token values as they come out of the product, unscaled: of the readout, or the mean of the rows of the target's tokens.

    Its label does not matter. Attention that is spread evenly gives each token 1 / tokens, which is the zero of its picture.
    Raises NoAttention.
    """

    def work(model: LoadedModel) -> FloatImage:
        joint = joint_attention(model, to_device(model, given.values[None]))
        return read_target(joint, model, target, grid_of(model, given))

    values = engine.run(work)
    progress(1, 1)
    tokens = TokenMap(values, engine.model.patch)
    even = 1.0 / (values.size + engine.model.config.prefix_tokens)
    used = {**parameters, "readout": readout_name(engine.model, target)}
    return MethodResult(tokens.at_pixels(), used, forwards=1, tokens=tokens, zero=even)


def joint_attention(model: LoadedModel, values: Tensor) -> Tensor:
    """float64 [tokens, tokens]: the product over all layers for one input [1, channels, rows, columns]; rows sum to 1.

    Rows are the tokens that are read out, columns those of the stem. Where tokens were merged, all of a block have the row of its token.
    Each layer is folded in as soon as it is formed, so one matrix is held at a time however deep the network is. Raises NoAttention.
    """
    joint: Tensor | None = None
    depth, merges = 0, merges_in(model, values)
    with torch.no_grad(), attention_captured(model.network) as captured:

        def fold(*_: object) -> None:
            nonlocal joint, depth
            while captured:
                joint, depth = followed_by(joint, captured.pop(0)[0]), depth + 1
                joint = merged(joint, merges[depth]) if depth in merges else joint

        hooks = [layer.register_forward_hook(fold) for layer in _layers(model.network)]
        try:
            network_logits(model, values)
        finally:
            for hook in hooks:
                hook.remove()
    if joint is None:
        raise NoAttention(f"The model {model.id} formed no attention matrix.", "Choose a method that needs none: occlusion.")
    return unmerged_rows(joint, merges)


def followed_by(joint: Tensor | None, attention: Tensor) -> Tensor:
    """One more layer: attention [heads, tokens, tokens], rows summing to 1, after the product of the layers before it (None for none)."""
    flow = attention.double().mean(dim=0)  # [tokens, tokens]
    flow = flow + torch.eye(len(flow), dtype=flow.dtype, device=flow.device)  # the residual connection
    flow = flow / flow.sum(dim=-1, keepdim=True)
    return flow if joint is None else flow @ joint


def _layers(network: nn.Module) -> list[nn.Module]:
    return [module for module in network.modules() if hasattr(module, "attention_head_size")]
