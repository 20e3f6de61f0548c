"""Inputs, and a network of which one knows what it looks at."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor, nn

from core.inference.engine import Engine
from core.inference.runtimes import Runtime
from core.types import FloatImage, ModelInput


def random_input(rows: int = 32, columns: int = 32, channels: int = 1, seed: int = 3) -> ModelInput:
    """Standardised noise with a little structure."""
    random = np.random.default_rng(seed)
    shown = random.random((channels, rows, columns), dtype=np.float32)
    shown[:, : rows // 2] *= 0.5
    return as_input(((shown - shown.mean()) / shown.std()).astype(np.float32), shown)


def as_input(values: FloatImage, shown: FloatImage | None = None) -> ModelInput:
    rows, columns = values.shape[1:]
    return ModelInput(values, np.clip(values, 0, 1) if shown is None else shown, (0.0, 0.0, float(columns), float(rows)))


class QuadrantNetwork(nn.Module):
    """Three labels; the logit of the first is `gain` times the sum of the pixels of the upper left quadrant, the others are 0."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))

    def forward(self, pixel_values: Tensor, **asked: bool) -> SimpleNamespace:
        rows, columns = pixel_values.shape[2:]
        seen = pixel_values[:, :, : rows // 2, : columns // 2].sum(dim=(1, 2, 3)) * self.gain
        logits = torch.stack([seen, 0 * seen, 0 * seen], dim=1)
        return SimpleNamespace(logits=logits, token_logits=None, head_logits=None, embedding=logits)


def quadrant_engine(like: Engine, gain: float = 0.02) -> Engine:
    """An engine as `like`, with the constructed network in place of its own."""
    return Engine(like.model.with_network(QuadrantNetwork(gain)), Runtime("cpu", "fp32", "cpu"))


def bright_input() -> ModelInput:
    """32 x 32 px, 1.0 everywhere: every pixel has as much to say, if only it is read."""
    return as_input(np.ones((1, 32, 32), dtype=np.float32))


def quadrant_map() -> FloatImage:
    """1.0 where QuadrantNetwork looks, 0.0 elsewhere."""
    found = np.zeros((32, 32), dtype=np.float32)
    found[:16, :16] = 1.0
    return found
