"""The pyramid: between layers, each 2 x 2 block of tokens becomes one token of the same width (Liu et al. 2021, Swin, section 3.1).

Swin doubles the width at each merge. Here it stays, so that the heads, the embedding and the classifier are those of any image BERT.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.bert_image.blocks import Blocks, blocks_of
from models.bert_image.configuration import BertImageConfig

SIDE = 2
"""Tokens a side of what is merged into one."""


class Merge(nn.Module):
    """Concatenation of the four, LayerNorm, and a linear map back to the width."""

    def __init__(self, config: BertImageConfig) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(SIDE**2 * config.hidden_size, eps=config.layer_norm_eps)
        self.reduction = nn.Linear(SIDE**2 * config.hidden_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor, blocks: Blocks) -> Tensor:
        """[B, tokens, width] -> [B, blocks, width]; an edge block that is not full has zeros in place of what it lacks."""
        return self.reduction(self.norm(blocks.split(x).flatten(2)))  # type: ignore[no-any-return]


def merges_of(config: BertImageConfig, grid: tuple[int, int], device: torch.device | None = None) -> dict[int, Blocks]:
    """Number of a layer, from 1 -> the blocks of tokens that are merged after it. grid: (rows, columns) of the stem's tokens."""
    found = {}
    for layer in config.merges:
        found[layer] = blocks_of(grid, SIDE, device=device)
        grid = found[layer].grid
    return found
