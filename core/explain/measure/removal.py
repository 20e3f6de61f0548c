"""Deletion and insertion: whether what a map marks is what the network used.

Petsiuk, Das and Saenko 2018, "RISE", section 4.2. Deletion takes tokens away in the order of the map, the most salient first, and a low
area under the curve of the target's probability speaks for the map; insertion puts them back into the baseline, and a high area does.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from core.errors import OutOfRange
from core.explain.targets import read_logits, target_probabilities
from core.inference.engine import Engine
from core.settings import FEWEST_RANDOM_MAPS, settings
from core.types import FloatImage, ModelInput, Progress, Target

Orders = NDArray[np.int64]
Curves = NDArray[np.float64]


def check_removal(steps: int, random_maps: int) -> None:
    """Raises OutOfRange for fewer than two steps or FEWEST_RANDOM_MAPS random maps."""
    if steps < 2:
        raise OutOfRange("removal_steps", steps, "at least 2")
    if random_maps < FEWEST_RANDOM_MAPS:
        raise OutOfRange("random_maps", random_maps, f"at least {FEWEST_RANDOM_MAPS}")


def passes_of(maps: int, steps: int) -> int:
    """Passes through the network that the curves of so many maps take."""
    return 2 + 2 * maps * (steps - 1)


def order_of(cells: FloatImage, seed: int) -> Orders:
    """int64 [..., rows, columns]: 0 for the most salient cell; equal ones in a random order, as a map that tells nothing must score."""
    flat = cells.reshape(-1, cells.shape[-2] * cells.shape[-1])
    random = np.random.default_rng(seed)
    found = np.empty(flat.shape, dtype=np.int64)
    for place, each in enumerate(flat):
        found[place, np.lexsort((random.random(len(each)), -each))] = np.arange(len(each))
    return found.reshape(cells.shape)


def removal_curves(
    engine: Engine, given: ModelInput, baseline: FloatImage, orders: Orders, target: Target, steps: int, progress: Progress
) -> Curves:
    """float64 [maps, 2, steps + 1]: probability of the target while cells are deleted, and while they are inserted.

    orders: [maps, rows, columns] of order_of, on the grid of pixels or any that divides it. steps: each takes an equal share of the cells,
    rounded to whole ones; the first point is the untouched (deletion) or the empty (insertion) image, the last the other.
    baseline: float32 [channels, rows, columns], what removed pixels become. progress: told (done, total) in passes.
    """
    maps, total, done = len(orders), passes_of(len(orders), steps), 2
    curves = np.empty((maps, 2, steps + 1))
    inner = np.empty(maps * 2 * (steps - 1))
    untouched, gone = _probability(engine, np.stack([given.values, baseline]), target)
    curves[:, 0, 0] = curves[:, 1, -1] = untouched
    curves[:, 0, -1] = curves[:, 1, 0] = gone
    for at, batch in _changed(given.values, baseline, orders, steps):
        progress(done, total)
        inner[at] = _probability(engine, batch, target)
        done += len(batch)
    curves[:, :, 1:-1] = inner.reshape(maps, 2, steps - 1)
    progress(total, total)
    return curves


def areas(curves: Curves) -> NDArray[np.float64]:
    """float64 [maps, 2]: under the curves of deletion and insertion, by the trapezoid rule over shares from 0 to 1."""
    return np.asarray(np.trapezoid(curves, dx=1.0 / (curves.shape[2] - 1), axis=2))


def _changed(values: FloatImage, baseline: FloatImage, orders: Orders, steps: int) -> Iterator[tuple[slice, FloatImage]]:
    """Batches [batch, channels, rows, columns] of half-removed images, and their places in the order (map, deletion or insertion, step)."""
    (rows, columns), (down, across) = values.shape[1:], orders.shape[1:]
    cuts = np.rint(np.linspace(0, down * across, steps + 1)).astype(np.int64)
    jobs = [(place, is_insertion, cut) for place in range(len(orders)) for is_insertion in (False, True) for cut in cuts[1:-1]]
    size = settings().batch_size
    for start in range(0, len(jobs), size):
        places, are_insertions, at = (np.array(column) for column in zip(*jobs[start : start + size], strict=True))
        is_salient = orders[places] < at[:, None, None]  # [batch, rows, columns] of cells
        is_removed = (is_salient != are_insertions[:, None, None]).repeat(rows // down, axis=1).repeat(columns // across, axis=2)
        yield slice(start, start + size), np.where(is_removed[:, None], baseline, values)


def _probability(engine: Engine, batch: FloatImage, target: Target) -> NDArray[np.float64]:
    return target_probabilities(engine.model, read_logits(engine, batch, target), target)
