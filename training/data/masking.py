"""Which tokens are hidden: random squares of them, the same share of every image."""

from __future__ import annotations

import torch
from torch import BoolTensor

from training.config.recipe_parts import MaskingPart


def masked_tokens(batch: int, grid: tuple[int, int], how: MaskingPart) -> BoolTensor:
    """bool [batch, rows, columns], True where a token is hidden, drawn for each image by itself.

    Squares of how.block tokens a side are hidden together; those at the lower and right edges are cut off where the grid ends.
    """
    rows, columns = (-(-side // how.block) for side in grid)
    order = torch.rand(batch, rows * columns).argsort(dim=1)
    hidden = (order < max(1, round(rows * columns * how.share))).view(batch, rows, columns)
    whole = hidden.repeat_interleave(how.block, dim=1).repeat_interleave(how.block, dim=2)
    return whole[:, : grid[0], : grid[1]]  # type: ignore[return-value]
