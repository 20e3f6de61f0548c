"""RISE: how the target's number moves with whether a place is shown, over random masks.

Petsiuk, Das and Saenko 2018, "RISE". Coarse random grids are enlarged without steps and shifted at random, and the image shows through
them over the baseline. The paper weights the masks by the answer's probability and divides by how often a place is shown. Here the number
is the target's logit, whose mean is taken off first, and the map is its slope by a place's mask: signed, in logits, and with less noise
from masks that chance drew more often. Weighted by the same number both are, in expectation, the same up to scale and a constant; with few
masks they put places in different orders, and so do probability and logit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import OutOfRange
from core.explain.baselines import baseline_of
from core.explain.cost import Cost, forward_cost
from core.explain.evidence import MethodResult
from core.explain.targets import read_logits, scores
from core.inference.engine import Engine
from core.settings import settings
from core.types import ModelInput, Progress, Target
from models.registry import LoadedModel

DEFAULTS: Mapping[str, Any] = {"masks": 512, "cells": 7, "shown": 0.5}
"""masks: how many are drawn. cells: of a mask on either side. shown: share of its cells that show the image."""
FEWEST_MASKS = 8


def explain_rise(engine: Engine, given: ModelInput, target: Target, parameters: Mapping[str, Any], progress: Progress) -> MethodResult:
    """Signed attributions of the target's number, alike for all channels. Raises OutOfRange for parameters."""
    _check(given, parameters)
    baseline = baseline_of(parameters["baseline"], given.values, engine.model.preprocess)
    sides = (given.values.shape[1], given.values.shape[2])
    count, done = parameters["masks"], 0
    sums = [np.zeros(sides) for _ in range(3)]  # of the masks, of their squares, of masks times numbers
    total = 0.0
    for masks in _batches(sides, parameters):
        progress(done, count)
        shown = (baseline + masks[:, None] * (given.values - baseline)).astype(np.float32)
        numbers = scores(engine.model, read_logits(engine, shown, target), target)
        for place, each in enumerate((masks.sum(axis=0), (masks**2).sum(axis=0), np.tensordot(numbers, masks, axes=1))):
            sums[place] += each
        total += float(numbers.sum())
        done += len(masks)
    progress(count, count)
    spread = sums[1] / count - (sums[0] / count) ** 2
    shared = sums[2] / count - (total / count) * (sums[0] / count)
    slope = np.divide(shared, spread, out=np.zeros(sides), where=spread > 0.0).astype(np.float32)
    attribution = np.ascontiguousarray(np.broadcast_to(slope, given.values.shape))
    return MethodResult(slope, dict(parameters), forwards=count, attribution=attribution, baseline=baseline)


def random_masks(sides: tuple[int, int], cells: int, shown: float, count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """float64 [count, rows, columns] in [0, 1]: grids of 0 and 1, one cell larger than the image, enlarged linearly and shifted."""
    steps = [int(np.ceil(side / cells)) for side in sides]
    rows, columns = (_between(cells + 1, step) for step in steps)
    found = np.empty((count, *sides))
    for place in range(count):
        grid = (random.random((cells + 1, cells + 1)) < shown).astype(np.float64)
        top, left = (int(random.integers(0, step)) for step in steps)
        found[place] = rows[top : top + sides[0]] @ grid @ columns[left : left + sides[1]].T
    return found


def _between(cells: int, step: int) -> NDArray[np.float64]:
    """float64 [cells * step, cells]: what of each cell is in each pixel, linearly between the middles of cells of `step` pixels."""
    at = np.clip((np.arange(cells * step) + 0.5) / step - 0.5, 0.0, cells - 1.0)
    return np.asarray(np.maximum(0.0, 1.0 - np.abs(at[:, None] - np.arange(cells))))


def _batches(sides: tuple[int, int], parameters: Mapping[str, Any]) -> Iterator[NDArray[np.float64]]:
    random, size = np.random.default_rng(parameters["seed"]), settings().batch_size
    for start in range(0, parameters["masks"], size):
        yield random_masks(sides, parameters["cells"], parameters["shown"], min(size, parameters["masks"] - start), random)


def cost_of(model: LoadedModel, given: ModelInput, parameters: Mapping[str, Any]) -> Cost:
    """A pass a mask."""
    return forward_cost(model, given, parameters["masks"])


def _check(given: ModelInput, parameters: Mapping[str, Any]) -> None:
    most = min(given.values.shape[1:])  # a cell is a pixel then
    if parameters["masks"] < FEWEST_MASKS:
        raise OutOfRange("masks", parameters["masks"], f"at least {FEWEST_MASKS}")
    if not 2 <= parameters["cells"] <= most:
        raise OutOfRange("cells", parameters["cells"], f"from 2 to {most}, the shorter side of the input in pixels")
    if not 0.0 < parameters["shown"] < 1.0:
        raise OutOfRange("shown", parameters["shown"], "0 < shown < 1")
