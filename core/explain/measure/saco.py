"""SaCo: whether groups of tokens that a map ranks higher move the answer more, and by as much more as it says.

Wu et al. 2024, "On the Faithfulness of Vision Transformer Explanations", algorithm 1. In [-1, 1]; 0 is what a random map reaches.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.explain.measure.removal import order_of
from core.explain.targets import read_logits, target_probabilities
from core.inference.engine import Engine
from core.types import FloatImage, ModelInput, Target

GROUPS = 10
"""As in the paper; fewer where there are fewer tokens."""


def saco(engine: Engine, given: ModelInput, target: Target, tokens: FloatImage, baseline: FloatImage, seed: int) -> float | None:
    """The coefficient of a map, float32 [rows, columns] of tokens; None of a flat one. One pass a group, and one.

    baseline: float32 [channels, rows, columns], what the pixels of a group become.
    """
    group_of = order_of(tokens, seed) * min(GROUPS, tokens.size) // tokens.size  # 0 for the most salient
    (height, width), (down, across) = given.values.shape[1:], tokens.shape
    groups = np.arange(group_of.max() + 1)
    removed = (group_of[None] == groups[:, None, None]).repeat(height // down, axis=1).repeat(width // across, axis=2)
    changed = np.concatenate([given.values[None], np.where(removed[:, None], baseline, given.values)])
    found = target_probabilities(engine.model, read_logits(engine, changed, target), target)
    salience = np.array([float(tokens[group_of == group].sum(dtype=np.float64)) for group in groups])
    return coefficient(salience, found[0] - found[1:])


def coefficient(salience: NDArray[np.float64], falls: NDArray[np.float64]) -> float | None:
    """[groups], the most salient first, both: the salience of each, and how far the answer falls without it."""
    first, second = np.triu_indices(len(salience), k=1)
    gaps = salience[first] - salience[second]
    signs = np.where(falls[first] >= falls[second], 1.0, -1.0)
    total = float(np.abs(gaps).sum())
    return float((signs * gaps).sum() / total) if total > 0.0 else None
