"""A BERT layer whose attention stays inside windows: tokens^2 scores become tokens * window^2 (Liu et al. 2021, Swin, section 3.2)."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import LongTensor, Tensor, nn

from models.bert_image.blocks import Blocks, blocks_of

ABSENT = -1e4
"""Added to the score of a place without a token: its softmax is 0 in every precision, float16 included."""


def windows_of(grid: tuple[int, int], side: int, layer: int, device: torch.device) -> Blocks:
    """The windows of a layer, counted from 0: every second layer's begin half a window further up and left, so that neighbours meet.

    Swin rolls the grid around instead and masks what meets there; here the windows at the edges are simply smaller. A grid that fits into
    one window is never cut.
    """
    shift = side // 2 if layer % 2 and max(grid) > side else 0
    return blocks_of(grid, side, shift, device)


def windowed(layer: nn.Module, x: Tensor, windows: Blocks, kept: LongTensor | None = None, **how: Any) -> Tensor:
    """A BERT layer inside windows, which are folded into the batch: [B, tokens, width] -> [B, tokens, width].

    kept: int64 [B, kept], the tokens that x holds where some were dropped; x is then [B, kept, width]. how: what the layer is told further.
    """
    batch, width = len(x), x.shape[-1]
    is_there = torch.ones(1, windows.tokens, dtype=torch.bool, device=x.device)
    if kept is not None:
        is_there = torch.zeros(batch, windows.tokens, dtype=torch.bool, device=x.device).scatter(1, kept, True)
        x = x.new_zeros(batch, windows.tokens, width).scatter(1, kept[..., None].expand(-1, -1, width), x)
    mask = None if windows.is_full and kept is None else _mask(is_there, windows, batch, x.dtype)
    x = layer(windows.split(x).flatten(0, 1), mask, whole=partial(windows.whole, kept=kept), **how)  # [B * windows, places, width]
    x = windows.joined(x.reshape(batch, -1, width))
    return x if kept is None else x.take_along_dim(kept[..., None], dim=1)


def _mask(is_there: Tensor, windows: Blocks, batch: int, dtype: torch.dtype) -> Tensor:
    """bool [B or 1, tokens] -> what is added to the scores, [B * windows, 1, 1, places]."""
    places = F.pad(is_there, (0, 1))[:, windows.members]  # [B or 1, windows, places]; no token is there in the padding
    scores = torch.zeros(places.shape, dtype=dtype, device=places.device).masked_fill(~places, ABSENT)
    return scores.expand(batch, -1, -1).reshape(-1, 1, 1, places.shape[-1])
