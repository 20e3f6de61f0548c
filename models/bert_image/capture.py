"""Attention matrices on request: no memory is spent on them when nobody asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel

CAPTURING = "sightline_capturing"


def _capturing(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **kwargs: Any
) -> tuple[Tensor, Tensor]:
    """Softmax attention written out (Vaswani et al. 2017), so that the matrix exists and carries gradients."""
    scaling = kwargs.get("scaling") or query.shape[-1] ** -0.5
    scores = query @ key.transpose(2, 3) * scaling  # [batch, heads, tokens, tokens]
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = torch.softmax(scores, dim=-1)
    module._sightline_attention.append(weights)  # type: ignore[operator, union-attr]
    dropped = nn.functional.dropout(weights, p=kwargs.get("dropout", 0.0), training=module.training)
    return (dropped @ value).transpose(1, 2).contiguous(), weights


AttentionInterface.register(CAPTURING, _capturing)


@contextmanager
def attention_captured(network: PreTrainedModel) -> Iterator[list[Tensor]]:
    """A list that each forward pass inside the block fills with [batch, heads, tokens, tokens], a layer at a time, first layer first.

    Rows sum to 1. The matrices stay in the graph, so gradients reach them. Afterwards the network uses its own attention again.
    """
    captured: list[Tensor] = []
    layers = [module for module in network.modules() if hasattr(module, "attention_head_size")]
    before = network.config._attn_implementation
    network.set_attn_implementation(CAPTURING)
    for layer in layers:
        layer._sightline_attention = captured
    try:
        yield captured
    finally:
        network.set_attn_implementation(before)
        for layer in layers:
            del layer._sightline_attention
