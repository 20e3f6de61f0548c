"""A larger network that begins as a smaller one: layers and convolutions are added so that at first they change little.

A network that is no better on its own images than on others has too little room; a larger one need not begin at nothing (Chen et al. 2016,
"Net2Net"). In a post-LN encoder an added layer cannot begin as the identity exactly, since its normalisation remains.
"""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import nn
from transformers.models.bert.modeling_bert import BertLayer

from models.bert_image.modelling import BertImageModel
from models.bert_image.stem import Residual

QUIET = 0.1
"""What an added part adds to what passes it by, as a share of what it would add with its random weights. At 0 little would train it."""


def added_parts(network: BertImageModel, known: Collection[str]) -> dict[str, Residual | BertLayer]:
    """The residual blocks and layers, by name, of which a smaller network has no weight. known: the names of its weights."""
    parts = {name: part for name, part in network.named_modules() if isinstance(part, (Residual, BertLayer))}
    return {name: part for name, part in parts.items() if not any(one.startswith(f"{name}.") for one in known)}


@torch.no_grad()
def settle(network: BertImageModel, known: Collection[str]) -> None:
    """Make the parts that the smaller network had not nearly silent; the others hold its weights already. known: as of added_parts."""
    scale, offset = _of_tokens(network, known)
    for part in added_parts(network, known).values():
        if isinstance(part, Residual):
            part.second_norm.weight.fill_(QUIET)
            continue
        for half in (part.attention.output, part.output):
            half.dense.weight.mul_(QUIET)
            half.dense.bias.zero_()
            half.LayerNorm.weight.fill_(scale)  # so that tokens come out as they went in
            half.LayerNorm.bias.fill_(offset)


def _of_tokens(network: BertImageModel, known: Collection[str]) -> tuple[float, float]:
    """(deviation, mean) over the width of a token after the last layer that is known, by the normalisation that it ends with."""
    added = added_parts(network, known)
    old = [layer for name, layer in network.named_modules() if isinstance(layer, BertLayer) and name not in added]
    last: nn.LayerNorm = old[-1].output.LayerNorm if old else network.embeddings.LayerNorm
    spread = last.weight.square().mean() + last.bias.var(correction=0)
    return float(spread.sqrt()), float(last.bias.mean())
