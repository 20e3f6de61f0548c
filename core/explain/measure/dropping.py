"""Gain with tokens left out, those that stay at their places, for networks that were trained to read what is left.

A network that never saw an image with holes judges the holes (Jain et al. 2022, "Missingness Bias in Model Debugging"); one that was
trained with random tokens left out needs nothing in their place.
"""

from __future__ import annotations

import numpy as np
import torch

from core.explain.forward import to_device
from core.explain.measure.removal import order_of
from core.explain.targets import target_probabilities
from core.inference.engine import Engine
from core.types import FloatImage, ModelInput, Target
from models.bert_image import BertImageConfig
from models.measured import read_measured
from models.registry import LoadedModel


def reads_what_is_left(model: LoadedModel) -> bool:
    """Whether a network may be asked so: one of our own that merges no tokens, and whose answers with tokens left out were measured."""
    config = model.network.config if model.is_own else None
    if not isinstance(config, BertImageConfig) or config.merges:
        return False
    return any(one.dropped for one in read_measured(model.folder))


def dropping_gain(engine: Engine, given: ModelInput, target: Target, tokens: FloatImage, steps: int, seed: int) -> float:
    """Insertion minus deletion, in [-1, 1], from all tokens to one. tokens: float32 [rows, columns]. 2 * steps passes and two.

    Of a target of tokens the answer is that for the whole input.
    """
    order = order_of(tokens, seed).ravel()
    ranked = np.argsort(order)
    kept = np.rint(np.linspace(len(order), 1, steps + 1)).astype(int)
    deletion = [_probability(engine, given, target, ranked[len(ranked) - count :]) for count in kept]
    insertion = [_probability(engine, given, target, ranked[:count]) for count in kept[::-1]]
    return float(np.trapezoid(np.array(insertion) - np.array(deletion), dx=1.0 / steps))


def _probability(engine: Engine, given: ModelInput, target: Target, kept: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> float:
    def work(model: LoadedModel) -> FloatImage:
        values = to_device(model, given.values[None])
        keep = torch.from_numpy(np.sort(kept))[None].to(values.device)
        with torch.no_grad():
            found: FloatImage = model.network(pixel_values=values, keep_tokens=keep).logits.float().cpu().numpy()
        return found

    return float(target_probabilities(engine.model, engine.run(work), target)[0])
