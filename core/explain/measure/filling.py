"""Gain with removed tokens filled from their neighbours, so that the shape of what was removed tells the network little.

Rong et al. 2022, "A Consistent and Efficient Evaluation Strategy for Attribution Methods" (ROAD), section 4: what is missing is the mean of
what lies around it, directly (1/6 each) and diagonally (1/12 each), solved for all at once, with a little noise. Here on the token grid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.linalg import spsolve

from core.explain.measure.removal import order_of
from core.explain.targets import read_logits, target_probabilities
from core.inference.engine import Engine
from core.settings import settings
from core.types import FloatImage, Mask, ModelInput, Target

FILLING_NOISE = 0.01
"""Standard deviation of the noise over what was filled, of standardised values."""
NEIGHBOURS = {
    (-1, 0): 1 / 6,
    (1, 0): 1 / 6,
    (0, -1): 1 / 6,
    (0, 1): 1 / 6,
    (-1, -1): 1 / 12,
    (-1, 1): 1 / 12,
    (1, -1): 1 / 12,
    (1, 1): 1 / 12,
}
"""(rows, columns) to a neighbour -> its weight; of tokens at an edge those that are there are weighted up."""


def filled_from_neighbours(values: FloatImage, removed: Mask, seed: int) -> FloatImage:
    """The input with its removed tokens filled. values: float32 [channels, rows, columns]. removed: bool [rows, columns] of tokens.

    Where no token is left there is nothing to fill from: the mean of each channel.
    """
    channels, (down, across) = len(values), removed.shape
    height, width = values.shape[1] // down, values.shape[2] // across
    means = values.reshape(channels, down, height, across, width).mean(axis=(2, 4), dtype=np.float64)
    if removed.all():
        means[:] = values.mean(axis=(1, 2), dtype=np.float64)[:, None, None]
    elif removed.any():
        means[:, removed] = _solved(means, removed)
    noise = np.random.default_rng([seed, 2]).standard_normal(values.shape) * FILLING_NOISE
    coarse = means.repeat(height, axis=1).repeat(width, axis=2) + noise
    return np.where(removed.repeat(height, axis=0).repeat(width, axis=1), coarse, values).astype(np.float32)


def filling_gain(engine: Engine, given: ModelInput, target: Target, tokens: FloatImage, steps: int, seed: int) -> float:
    """Insertion minus deletion with such fillings, in [-1, 1]. tokens: float32 [rows, columns]. 2 * steps passes and two."""
    order, cuts = order_of(tokens, seed), np.rint(np.linspace(0, tokens.size, steps + 1)).astype(int)
    removed = [order < cut for cut in cuts] + [order >= cut for cut in cuts]
    size, found = settings().batch_size, []
    for start in range(0, len(removed), size):
        batch = np.stack([filled_from_neighbours(given.values, each, seed) for each in removed[start : start + size]])
        found.append(target_probabilities(engine.model, read_logits(engine, batch, target), target))
    deletion, insertion = np.concatenate(found).reshape(2, steps + 1)
    return float(np.trapezoid(insertion - deletion, dx=1.0 / steps))


def _solved(means: NDArray[np.float64], removed: Mask) -> NDArray[np.float64]:
    """[channels, removed tokens]: each the weighted mean of its neighbours. means: [channels, rows, columns]."""
    rows, columns = removed.shape
    place_of = np.full(removed.shape, -1)
    place_of[removed] = np.arange(int(removed.sum()))
    entries: list[tuple[int, int, float]] = []
    known = np.zeros((int(removed.sum()), len(means)))
    for row, column in np.argwhere(removed):
        place = place_of[row, column]
        around = {
            (row + down, column + across): weight
            for (down, across), weight in NEIGHBOURS.items()
            if 0 <= row + down < rows and 0 <= column + across < columns
        }
        total = sum(around.values())
        entries.append((place, place, 1.0))
        for (other_row, other_column), weight in around.items():
            if removed[other_row, other_column]:
                entries.append((place, place_of[other_row, other_column], -weight / total))
            else:
                known[place] += weight / total * means[:, other_row, other_column]
    first, second, weights = (np.array(each) for each in zip(*entries, strict=True))
    matrix = csr_array(coo_array((weights, (first, second)), shape=(len(known), len(known))))
    return np.asarray(spsolve(matrix.tocsc(), known)).reshape(len(known), -1).T
