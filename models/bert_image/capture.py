"""Attention matrices on request: no memory is spent on them when nobody asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel

from models.bert_image.linear_attention import implied_matrix

CAPTURING = "sightline_capturing"


@dataclass(frozen=True)
class FormedAttention:
    """What one layer multiplied its values by.

    weights: [batch, heads, tokens, tokens], rows summing to 1; of a layer with windows [batch * windows, heads, places, places].
    whole: makes one matrix of those of the windows; None where there are none.
    """

    weights: Tensor
    whole: Callable[[Tensor], Tensor] | None = None

    def as_matrix(self, values: Tensor) -> Tensor:
        """The weights, or numbers of their shape (their gradients), as one matrix [batch, heads, tokens, tokens]; 0 between windows."""
        return values if self.whole is None else self.whole(values)


def _capturing(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **kwargs: Any
) -> tuple[Tensor, Tensor]:
    """Attention written out (Vaswani et al. 2017), so that the matrix exists and carries gradients.

    projection: given by linear attention, whose implied matrix is formed. whole: given by layers with windows, makes one matrix of theirs.
    """
    projection, whole = kwargs.get("projection"), kwargs.get("whole")
    scaling = kwargs.get("scaling") or query.shape[-1] ** -0.5
    if projection is not None:
        weights = implied_matrix(query, key, attention_mask, projection, scaling)
    else:
        weights = _softmax(query, key, attention_mask, scaling)
    changed = module._sightline_attention(FormedAttention(weights, whole))  # type: ignore[operator]
    weights = weights if changed is None else changed
    dropout = kwargs.get("dropout", 0.0) if projection is None else 0.0  # linear attention has none
    dropped = nn.functional.dropout(weights, p=dropout, training=module.training)
    return (dropped @ value).transpose(1, 2).contiguous(), weights


def _softmax(query: Tensor, key: Tensor, attention_mask: Tensor | None, scaling: float) -> Tensor:
    scores = query @ key.transpose(2, 3) * scaling  # [batch, heads, tokens, tokens]
    if attention_mask is not None:
        scores = scores + attention_mask
    return torch.softmax(scores, dim=-1)


AttentionInterface.register(CAPTURING, _capturing)


@contextmanager
def attention_captured(network: PreTrainedModel) -> Iterator[list[Tensor]]:
    """A list that each forward pass inside the block fills with [batch, heads, tokens, tokens], a layer at a time, first layer first.

    Rows sum to 1. Layers with windows give 0 between windows; linear attention gives the matrix that its features imply; after a merge of
    tokens there are fewer. Afterwards the network uses its own attention again.
    """
    captured: list[Tensor] = []
    with _told(network, lambda formed: captured.append(formed.as_matrix(formed.weights))):
        yield captured


@contextmanager
def attention_formed(network: PreTrainedModel) -> Iterator[list[FormedAttention]]:
    """As attention_captured, of each layer what it used itself, which lies in the graph: gradients reach it."""
    formed: list[FormedAttention] = []
    with _told(network, formed.append):
        yield formed


@contextmanager
def attention_held(network: PreTrainedModel) -> Iterator[None]:
    """Each forward pass inside the block multiplies values by the same attention, through which no gradient flows."""
    with _told(network, lambda formed: formed.weights.detach()):
        yield


@contextmanager
def _told(network: PreTrainedModel, tell: Callable[[FormedAttention], Tensor | None]) -> Iterator[None]:
    layers = [module for module in network.modules() if hasattr(module, "attention_head_size")]
    before = network.config._attn_implementation
    network.set_attn_implementation(CAPTURING)
    for layer in layers:
        layer._sightline_attention = tell
    try:
        yield
    finally:
        network.set_attn_implementation(before)
        for layer in layers:
            del layer._sightline_attention
