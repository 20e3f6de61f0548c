"""Occlusion by Captum: how far the target's logit falls when a window of the image is replaced by the baseline.

Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks", section 4.2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from captum.attr import Occlusion
from torch import Tensor

from core.errors import OutOfRange
from core.explain.baselines import baseline_of
from core.explain.cost import Cost, forward_cost
from core.explain.evidence import MethodResult
from core.explain.targets import read_logits, scores
from core.inference.engine import Engine
from core.types import ModelInput, Progress, Target
from models.registry import LoadedModel

DEFAULTS: Mapping[str, Any] = {"window": None, "stride": None, "perturbations_per_eval": 32}
"""window, stride: (height, width) in pixels of the input. None: those of a patch."""


def explain_occlusion(engine: Engine, given: ModelInput, target: Target, parameters: Mapping[str, Any], progress: Progress) -> MethodResult:
    """Signed attributions of the target's number: each pixel has the mean fall over the windows that cover it. Raises OutOfRange.

    All channels of a window are replaced at once, so they share one number. Captum runs on the caller's thread and its batches
    go in micro-batches beside what others ask for.
    """
    return occluded(engine, given, target, parameters, progress, len(given.values))


def occluded(
    engine: Engine, given: ModelInput, target: Target, parameters: Mapping[str, Any], progress: Progress, channels: int
) -> MethodResult:
    """The same with windows over so many channels at a time: all, or one by one."""
    window, stride = _window(engine.model, given, parameters)
    baseline = baseline_of(parameters["baseline"], given.values, engine.model.preprocess)
    total = cost_of(engine.model, given, parameters).forwards
    if channels == 1:
        total = 1 + (total - 1) * len(given.values)
    done = 0

    def forward(batch: Tensor) -> Tensor:
        nonlocal done
        progress(done, total)
        done += len(batch)
        return torch.from_numpy(scores(engine.model, read_logits(engine, batch.numpy(), target), target).astype(np.float32))

    attribution: Tensor = Occlusion(forward).attribute(
        torch.from_numpy(given.values)[None],
        sliding_window_shapes=(channels, *window),
        strides=(channels, *stride),
        baselines=torch.from_numpy(baseline)[None],
        perturbations_per_eval=parameters["perturbations_per_eval"],
    )
    progress(total, total)
    found = np.asarray(attribution[0].numpy(), dtype=np.float32)
    return MethodResult(
        pixels=found.mean(axis=0),
        parameters={**parameters, "window": window, "stride": stride},
        forwards=total,
        attribution=found,
        baseline=baseline,
    )


def cost_of(model: LoadedModel, given: ModelInput, parameters: Mapping[str, Any]) -> Cost:
    """A pass a window, and one of the whole input."""
    window, stride = _window(model, given, parameters)
    sides = given.values.shape[1:]
    places = math.prod(math.ceil((side - size) / step) + 1 for side, size, step in zip(sides, window, stride, strict=True))
    return forward_cost(model, given, 1 + places)


def _window(model: LoadedModel, given: ModelInput, parameters: Mapping[str, Any]) -> tuple[tuple[int, int], tuple[int, int]]:
    """((height, width), (down, across)) of the window and of its steps, in pixels."""
    patch, sides = model.patch, given.values.shape[1:]
    window, stride = parameters["window"] or patch, parameters["stride"] or patch
    for name, pair, most in (("window", window, sides), ("stride", stride, window)):
        if len(pair) != 2 or not all(1 <= size <= limit for size, limit in zip(pair, most, strict=True)):
            raise OutOfRange(name, pair, f"two whole numbers (height, width) from 1 to {most[0]} and {most[1]}")
    if parameters["perturbations_per_eval"] < 1:
        raise OutOfRange("perturbations_per_eval", parameters["perturbations_per_eval"], "at least 1")
    return (int(window[0]), int(window[1])), (int(stride[0]), int(stride[1]))
