"""Patches that a network uses as scratch space: their states are far longer than those of all others, and attention gathers there.

Darcet et al. 2024, "Vision Transformers Need Registers": networks trained with much data and without registers turn some patches of the
background, which say little of their own, into such places. A map of attention marks them, and they are not what was seen.
"""

from __future__ import annotations

import numpy as np
import torch

from core.explain.forward import to_device
from core.explain.likeness import patch_states
from core.inference.engine import Engine
from core.types import FloatImage, Mask, ModelInput, Notice, notice
from models.registry import LoadedModel

LONGER = 3.0
"""Times the median length from which a state is one of them; Darcet et al. find two groups, about 50 and above 150."""
GATHERED = 2.0
"""Times an even share of a map's weight from which it is said that it gathers there."""


def high_norm_notice(engine: Engine, given: ModelInput, tokens: FloatImage, zero: float) -> Notice | None:
    """What is said of a map, float32 [rows, columns] of tokens, whose weight above its zero gathers on such patches; else None.

    One forward pass.
    """

    def work(model: LoadedModel) -> FloatImage:
        with torch.no_grad():
            found: FloatImage = patch_states(model, to_device(model, given.values[None]))[0].norm(dim=-1).float().cpu().numpy()
        return found

    is_long, share = gathered(engine.run(work).reshape(tokens.shape), np.maximum(tokens - zero, 0.0))
    return None if share is None else notice("explanation.high-norm-patches", count=int(is_long.sum()), percent=100.0 * share)


def gathered(lengths: FloatImage, weight: FloatImage) -> tuple[Mask, float | None]:
    """(which patches are longer than the rest; their share of the weight where it gathers there, else None). Both [rows, columns]."""
    is_long = lengths > LONGER * np.median(lengths)
    total = float(weight.sum(dtype=np.float64))
    share = float(weight[is_long].sum(dtype=np.float64)) / total if total > 0.0 else 0.0
    return is_long, share if is_long.any() and share >= GATHERED * float(is_long.mean()) else None
