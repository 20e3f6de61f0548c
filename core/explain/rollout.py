"""Attention rollout: how much of each patch reaches the readout through all layers.

Abnar and Zuidema 2020, "Quantifying Attention Flow in Transformers", section 3. Class-agnostic: the same map for every label.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import NoAttention
from core.explain.evidence import Evidence, Progress
from core.explain.forward import network_logits, to_device
from core.inference.engine import Engine
from core.types import ModelInput, TokenMap
from models.bert_image import attention_captured
from models.registry import LoadedModel


def explain_rollout(engine: Engine, input: ModelInput, target: str, parameters: Mapping[str, Any], progress: Progress) -> Evidence:
    """Token values as they come out of the product, unscaled; `target` does not matter. Raises NoAttention."""
    rows, columns = (side // size for side, size in zip(input.values.shape[1:], engine.model.patch, strict=True))
    pooling = engine.model.network.config.pooling

    def work(model: LoadedModel) -> Tensor:
        joint = joint_attention(model, to_device(model, input.values[np.newaxis]))
        return read_out(joint, pooling, model.network.config.prefix_tokens).cpu()

    values = engine.run(work).numpy().reshape(rows, columns).astype(np.float32)
    progress(1, 1)
    tokens = TokenMap(values, engine.model.patch)
    return Evidence(tokens.at_pixels(), {**parameters, "readout": pooling}, forwards=1, tokens=tokens)


def joint_attention(model: LoadedModel, values: Tensor) -> Tensor:
    """float64 [tokens, tokens]: the product over all layers for one input [1, channels, rows, columns].

    Each layer is folded in as soon as it is formed, so one matrix is held at a time however deep the network is. Raises NoAttention.
    """
    joint: Tensor | None = None
    with torch.no_grad(), attention_captured(model.network) as captured:

        def fold(*_: object) -> None:
            nonlocal joint
            while captured:
                joint = followed_by(joint, captured.pop(0)[0])

        hooks = [layer.register_forward_hook(fold) for layer in _layers(model.network)]
        try:
            network_logits(model, values)
        finally:
            for hook in hooks:
                hook.remove()
    if joint is None:
        raise NoAttention(f"The model {model.id} formed no attention matrix.", "Choose a method that needs none: occlusion.")
    return joint


def followed_by(joint: Tensor | None, attention: Tensor) -> Tensor:
    """One more layer: attention [heads, tokens, tokens], rows summing to 1, after the product of the layers before it (None for none)."""
    flow = attention.double().mean(dim=0)  # [tokens, tokens]
    flow = flow + torch.eye(len(flow), dtype=flow.dtype, device=flow.device)  # the residual connection
    flow = flow / flow.sum(dim=-1, keepdim=True)
    return flow if joint is None else flow @ joint


def read_out(joint: Tensor, pooling: str, prefix: int) -> Tensor:
    """[tokens, tokens] -> [patches]: the rows of the tokens that the head reads, weighted as it weights them.

    pooling: "cls" ([CLS]), "distilled" ([CLS] and the distillation token), "cls-and-mean" ([CLS] and the mean of the patches, alike); of
    every other the mean of the patches.
    """
    patches = joint[prefix:].mean(dim=0)
    rows = {"cls": joint[0], "distilled": joint[:2].mean(dim=0), "cls-and-mean": (joint[0] + patches) / 2}
    return rows.get(pooling, patches)[prefix:]


def _layers(network: nn.Module) -> list[nn.Module]:
    return [module for module in network.modules() if hasattr(module, "attention_head_size")]
