"""What each head of each layer does, in two numbers: how widely it spreads its attention, and how far it reaches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.types import FloatImage


@dataclass(frozen=True)
class HeadStatistics:
    """entropy: float64 [layers, heads] in [0, 1], the mean over all tokens of the entropy of what each attends to, over that of an even
    spread: 0, one token gets all; 1, all alike.

    distance: float64 [layers, heads], in patches: how far on average lie the patches that patches attend to (mean attention distance of
    Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", figure 7). What goes to tokens without a place is left out.
    """

    entropy: NDArray[np.float64]
    distance: NDArray[np.float64]


def head_statistics(attention: FloatImage, grid: tuple[int, int]) -> HeadStatistics:
    """attention: [layers, heads, tokens, tokens] of core.explain.attention.token_attention, patches last, row by row over the grid."""
    layers, heads, tokens, _ = attention.shape
    before = tokens - grid[0] * grid[1]
    rows, columns = (part.ravel().astype(np.float64) for part in np.indices(grid))
    apart = np.hypot(rows[:, None] - rows, columns[:, None] - columns)  # [patches, patches]
    entropy, distance = np.zeros((layers, heads)), np.zeros((layers, heads))
    for layer in range(layers):
        weights = attention[layer].astype(np.float64)  # [heads, tokens, tokens]; one layer at a time, since all are large
        spread = -np.sum(weights * np.log(np.maximum(weights, 1e-30)), axis=-1)
        entropy[layer] = spread.mean(axis=-1) / np.log(tokens) if tokens > 1 else 0.0
        between = weights[:, before:, before:]
        reach = np.divide(
            (between * apart).sum(axis=-1), between.sum(axis=-1), where=between.sum(axis=-1) > 0.0, out=np.zeros(between.shape[:2])
        )
        distance[layer] = reach.mean(axis=-1)
    return HeadStatistics(entropy, distance)


def heads_towards(attention: FloatImage, token: int, count: int = 3) -> tuple[tuple[int, int, float], ...]:
    """(layer, head, share) of the heads in which a token gets most of what all others give, best first.

    share: the mean over all other tokens of what each gives to it. token: its number from 0, those before the patches included.
    """
    given = np.delete(attention[:, :, :, token], token, axis=2).mean(axis=2, dtype=np.float64)  # [layers, heads]
    best = np.argsort(-given, axis=None, kind="stable")[:count]
    return tuple(
        (int(layer), int(head), float(given[layer, head])) for layer, head in zip(*np.unravel_index(best, given.shape), strict=True)
    )
