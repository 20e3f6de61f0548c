"""Saliency, input times gradient and SmoothGrad: the target's logit as a straight line about the image.

Simonyan, Vedaldi and Zisserman 2014 (saliency: the absolute gradient); Shrikumar et al. 2016 (input times gradient); Smilkov et al.
2017 (SmoothGrad: the gradient meaned over the image under noise, its absolute value shown). The first two by Captum. Gradients say how
the answer would move with a small change, not what it rests on; input times gradient gives nothing where a standardised value is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from captum.attr import InputXGradient, Saliency

from core.errors import OutOfRange
from core.explain.cost import Cost, gradient_cost
from core.explain.evidence import MethodResult
from core.explain.forward import to_device
from core.explain.targets import network_score
from core.inference.engine import Engine
from core.types import FloatImage, ModelInput, Progress, Target
from models.registry import LoadedModel

SMOOTH: Mapping[str, Any] = {"samples": 32, "noise": 0.15}
"""samples: noisy images. noise: standard deviation, as a share of the range of the input's values."""
NOISY_BATCH = 8
"""Noisy images a pass with gradients."""


def explain_saliency(engine: Engine, given: ModelInput, target: Target, parameters: Mapping[str, Any], progress: Progress) -> MethodResult:
    """The gradient in `attribution`, the sum of its absolute values over channels in `pixels`."""

    def work(model: LoadedModel) -> FloatImage:
        found = Saliency(lambda batch: network_score(model, batch, target)).attribute(
            to_device(model, given.values[None]).requires_grad_(), abs=False
        )
        return np.asarray(found[0].detach().cpu().numpy(), dtype=np.float32)

    gradient = engine.run(work)
    progress(1, 1)
    return MethodResult(np.abs(gradient).sum(axis=0), dict(parameters), forwards=1, attribution=gradient)


def explain_input_x_gradient(
    engine: Engine, given: ModelInput, target: Target, parameters: Mapping[str, Any], progress: Progress
) -> MethodResult:
    """Signed attributions of the target's number, of a straight line through the image."""

    def work(model: LoadedModel) -> FloatImage:
        found = InputXGradient(lambda batch: network_score(model, batch, target)).attribute(
            to_device(model, given.values[None]).requires_grad_()
        )
        return np.asarray(found[0].detach().cpu().numpy(), dtype=np.float32)

    attribution = engine.run(work)
    progress(1, 1)
    return MethodResult(attribution.sum(axis=0), dict(parameters), forwards=1, attribution=attribution)


def explain_smooth_grad(
    engine: Engine, given: ModelInput, target: Target, parameters: Mapping[str, Any], progress: Progress
) -> MethodResult:
    """As saliency, of the mean gradient. Raises OutOfRange."""
    count, share = parameters["samples"], parameters["noise"]
    if count < 1:
        raise OutOfRange("samples", count, "at least 1")
    if not 0.0 <= share <= 1.0:
        raise OutOfRange("noise", share, "0 <= noise <= 1")
    random, width = np.random.default_rng(parameters["seed"]), np.float32(share * np.ptp(given.values))
    total = np.zeros(given.values.shape)
    for start in range(0, count, NOISY_BATCH):
        progress(start, count)
        shape = (min(NOISY_BATCH, count - start), *given.values.shape)
        noisy = given.values + width * random.standard_normal(shape, dtype=np.float32)
        total += engine.run(lambda model, noisy=noisy: _summed(model, noisy, target))  # type: ignore[misc]
    progress(count, count)
    gradient = (total / count).astype(np.float32)
    return MethodResult(np.abs(gradient).sum(axis=0), dict(parameters), forwards=count, attribution=gradient)


def _summed(model: LoadedModel, inputs: FloatImage, target: Target) -> FloatImage:
    """The gradients of several inputs, summed."""
    values = to_device(model, inputs).requires_grad_()
    (slope,) = torch.autograd.grad(network_score(model, values, target).sum(), [values])
    found: FloatImage = slope.sum(dim=0).cpu().numpy()
    return found


def cost_of(model: LoadedModel, given: ModelInput, parameters: Mapping[str, Any]) -> Cost:
    """A pass with gradients a sample."""
    count = parameters.get("samples", 1)
    return gradient_cost(model, given, count, min(count, NOISY_BATCH))
