"""Deletion and insertion: whether what a map marks is what the network used.

Petsiuk, Das and Saenko 2018, "RISE", section 4.2. Deletion takes pixels away in the order of the map, the most salient first, and a low
area under the curve of the target's probability speaks for the map; insertion puts them back into the baseline, and a high area does.

Areas say nothing by themselves: some images fall apart whatever is taken first. So each stands beside the areas of random maps, which are
the map itself with its patches shuffled. They mark as many pixels, in pieces of the same shape and texture, at other places: what is
left to be measured is the place.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from core.errors import OutOfRange
from core.explain.evidence import no_progress
from core.explain.targets import check_target, read_logits, target_probabilities
from core.inference.engine import Engine
from core.settings import FEWEST_RANDOM_MAPS, settings
from core.types import FloatImage, ModelInput, Progress, RemovalScore, Target

INTERVAL = (2.5, 97.5)
"""Percentiles of the areas of random maps that bound what counts as chance."""
Ranks = NDArray[np.int64]


def removal_scores(
    engine: Engine,
    given: ModelInput,
    saliency: FloatImage,
    target: Target,
    baseline: FloatImage,
    steps: int,
    random_maps: int,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[RemovalScore, RemovalScore]:
    """(deletion, insertion) of a map.

    saliency: float32 [rows, columns] on the input grid; only its order counts.
    baseline: float32 [channels, rows, columns], what removed pixels become.
    steps: each takes an equal share of the pixels, rounded to whole ones. The curves hold the target's probability (calibrated softmax)
        at steps + 1 points, the untouched and the whole image's included; areas by the trapezoid rule over shares from 0 to 1.
    Raises OutOfRange for fewer than one step or FEWEST_RANDOM_MAPS random maps, NotFound for an unknown target.
    """
    check_removal(steps, random_maps)
    check_target(engine.model, target, given)
    random = np.random.default_rng(seed)
    own = ranks(saliency, engine.model.patch, random)
    orders = np.stack([own, *(shuffled(own, engine.model.patch, random) for _ in range(random_maps))])
    curves = _curves(engine, given.values, baseline, orders, target, steps, progress or no_progress)
    return _score(curves[:, 0]), _score(curves[:, 1])


def check_removal(steps: int, random_maps: int) -> None:
    """Raises OutOfRange for fewer than one step or FEWEST_RANDOM_MAPS random maps."""
    if steps < 1:
        raise OutOfRange("removal_steps", steps, "at least 1")
    if random_maps < FEWEST_RANDOM_MAPS:
        raise OutOfRange("random_maps", random_maps, f"at least {FEWEST_RANDOM_MAPS}")


def forwards_needed(steps: int, random_maps: int) -> int:
    """Passes through the network that removal_scores takes."""
    return 2 + 2 * (1 + random_maps) * (steps - 1)


def ranks(saliency: FloatImage, patch: tuple[int, int], random: np.random.Generator) -> Ranks:
    """int64 [rows, columns]: 0 for the most salient pixel.

    Equal ones go patch by patch, and patches in a random order: a map that tells nothing must score as a random map does.
    """
    by_patch = random.permutation(_patches(np.arange(saliency.size).reshape(saliency.shape), patch)).ravel()
    order = by_patch[np.argsort(-saliency.ravel()[by_patch], kind="stable")]
    found = np.empty(saliency.size, dtype=np.int64)
    found[order] = np.arange(saliency.size)
    return found.reshape(saliency.shape)


def shuffled(order: Ranks, patch: tuple[int, int], random: np.random.Generator) -> Ranks:
    """The same numbers with the patches at other places, each patch unchanged within."""
    (height, width), (rows, columns) = patch, order.shape
    patches = random.permutation(_patches(order, patch))  # [patches, height * width]
    return patches.reshape(rows // height, columns // width, height, width).swapaxes(1, 2).reshape(rows, columns)


def _patches(values: NDArray[np.int64], patch: tuple[int, int]) -> NDArray[np.int64]:
    """[rows, columns] -> [patches, height * width]."""
    (height, width), (rows, columns) = patch, values.shape
    return values.reshape(rows // height, height, columns // width, width).swapaxes(1, 2).reshape(-1, height * width)


def _curves(
    engine: Engine, values: FloatImage, baseline: FloatImage, orders: Ranks, target: Target, steps: int, progress: Progress
) -> NDArray[np.float64]:
    """float64 [maps, 2, steps + 1]: probability of the target while pixels are deleted, and while they are inserted."""
    maps = len(orders)
    curves = np.empty((maps, 2, steps + 1))
    inner = np.empty(maps * 2 * (steps - 1))
    total, done = forwards_needed(steps, maps - 1), 2
    untouched, gone = _target_probability(engine, np.stack([values, baseline]), target)
    curves[:, 0, 0] = curves[:, 1, -1] = untouched
    curves[:, 0, -1] = curves[:, 1, 0] = gone
    for at, batch in _changed(values, baseline, orders, steps):
        progress(done, total)
        inner[at] = _target_probability(engine, batch, target)
        done += len(batch)
    curves[:, :, 1:-1] = inner.reshape(maps, 2, steps - 1)
    progress(total, total)
    return curves


def _changed(values: FloatImage, baseline: FloatImage, orders: Ranks, steps: int) -> Iterator[tuple[slice, FloatImage]]:
    """Batches [batch, channels, rows, columns] of half-removed images, and their places in the order (map, deletion or insertion, step)."""
    cuts = np.rint(np.linspace(0, values[0].size, steps + 1)).astype(np.int64)
    jobs = [(place, is_insertion, cut) for place in range(len(orders)) for is_insertion in (False, True) for cut in cuts[1:-1]]
    size = settings().batch_size
    for start in range(0, len(jobs), size):
        places, are_insertions, at = (np.array(column) for column in zip(*jobs[start : start + size], strict=True))
        is_salient = orders[places] < at[:, None, None]  # [batch, rows, columns]
        is_removed = is_salient != are_insertions[:, None, None]
        yield slice(start, start + size), np.where(is_removed[:, None], baseline, values)


def _target_probability(engine: Engine, batch: FloatImage, target: Target) -> NDArray[np.float64]:
    return target_probabilities(engine.model, read_logits(engine, batch, target), target)


def _score(curves: NDArray[np.float64]) -> RemovalScore:
    """curves: [maps, steps + 1], the map's own first."""
    areas = np.trapezoid(curves, dx=1.0 / (curves.shape[1] - 1), axis=1)
    low, high = np.percentile(areas[1:], INTERVAL)
    return RemovalScore(
        value=float(areas[0]),
        random_mean=float(areas[1:].mean()),
        random_low=float(low),
        random_high=float(high),
        random_maps=len(areas) - 1,
        curve=curves[0].astype(np.float32),
        random_curve=curves[1:].mean(axis=0).astype(np.float32),
    )
