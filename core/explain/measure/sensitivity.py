"""Sensitivity-n: whether what a map gives to sets of tokens is what the answer loses without them.

Ancona et al. 2018, "Towards Better Understanding of Gradient-based Attribution Methods", section 4: Pearson's correlation over random sets
of n tokens between the sum of their numbers and the fall of the target's number; the mean over several n. All maps of one input share the
sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.explain.targets import read_logits, scores
from core.inference.engine import Engine
from core.types import FloatImage, ModelInput, Target

SHARES = (0.1, 0.3, 0.6)
"""n as shares of the tokens."""
SETS = 24
"""Random sets of each size."""


@dataclass(frozen=True)
class RemovedSets:
    """For one input and target. removed: bool [sizes, sets, rows, columns] of tokens. falls: float64 [sizes, sets]."""

    removed: NDArray[np.bool_]
    falls: NDArray[np.float64]

    def correlation(self, tokens: FloatImage) -> float | None:
        """Of a map, float32 [rows, columns]; None where a size has no correlation (a flat map, an answer that does not move)."""
        sums = (self.removed * tokens.astype(np.float64)).sum(axis=(2, 3))
        found = [pearson(one, other) for one, other in zip(sums, self.falls, strict=True)]
        numbers = [each for each in found if each is not None]
        return float(np.mean(numbers)) if len(numbers) == len(found) else None


def removed_sets(
    engine: Engine, given: ModelInput, target: Target, baseline: FloatImage, seed: int, shares: Sequence[float] = SHARES, sets: int = SETS
) -> RemovedSets:
    """The sets and what the answer loses without each: one pass a set, and one. baseline: what removed pixels become."""
    (height, width), (down, across) = engine.model.patch, given.values.shape[1:]
    grid, random = (down // height, across // width), np.random.default_rng([seed, 1])
    count = grid[0] * grid[1]
    sizes = [max(1, min(count - 1, round(share * count))) for share in shares]
    removed = np.stack([np.stack([random.permutation(count).reshape(grid) < size for _ in range(sets)]) for size in sizes])
    number = scores(engine.model, read_logits(engine, given.values[None], target), target)[0]
    falls = np.empty(removed.shape[:2])
    for place, some in enumerate(removed):
        pixels = some.repeat(height, axis=1).repeat(width, axis=2)[:, None]
        falls[place] = number - scores(engine.model, read_logits(engine, np.where(pixels, baseline, given.values), target), target)
    return RemovedSets(removed, falls)


def pearson(one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    """None where one of them does not vary."""
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum() / size) if size > 0.0 else None
