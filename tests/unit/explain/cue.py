"""Networks of which one knows what they look at, since nothing else tells: they were taught to see whether a cue is there."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from core.inference.engine import Engine
from core.inference.runtimes import Runtime
from core.types import FloatImage, ModelInput
from models.bert_image import BertImageForImageClassification
from tests.tiny import PATCH, SIDE, tiny_network
from tests.unit.explain.constructed import as_input

STEPS = {"mean": 120, "cls": 240}
BATCH, RATE = 64, 2e-3
GRID = SIDE // PATCH
CUE = np.kron(np.array([[1, -1], [-1, 1]]), np.ones((PATCH // 2, PATCH // 2))).astype(np.float32) * 2.0
"""Two bright and two dark squares in one patch, whose mean is that of the noise around it."""
WITH = 2
"""The label of images that hold the cue."""


def cued(count: int, seed: int, share: float = 0.5) -> tuple[FloatImage, NDArray[np.int64], NDArray[np.int64]]:
    """(float32 [count, 1, rows, columns], labels, the patch of the cue in each row by row, -1 without). share: of images that hold it."""
    random = np.random.default_rng(seed)
    images = random.standard_normal((count, 1, SIDE, SIDE)).astype(np.float32)
    places = np.where(random.random(count) < share, random.integers(0, GRID * GRID, count), -1)
    for image, place in zip(images[:, 0], places, strict=True):
        if place >= 0:
            top, left = (PATCH * int(at) for at in divmod(int(place), GRID))
            image[top : top + PATCH, left : left + PATCH] += CUE
    return images, np.where(places >= 0, WITH, 0), places


@cache
def taught(pooling: str) -> BertImageForImageClassification:
    """A tiny network that answers by the cue alone, the same at every call; some seconds on one core."""
    network = tiny_network(pooling=pooling, initializer_range=0.05).train()
    optimizer = torch.optim.AdamW(network.parameters(), RATE)
    for step in range(STEPS[pooling]):
        images, labels, _ = cued(BATCH, seed=step)
        loss = network(torch.from_numpy(images), labels=torch.from_numpy(labels)).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def cue_engine(like: Engine, pooling: str) -> Engine:
    network = taught(pooling)
    return Engine(like.model.with_network(network, config=network.config), Runtime("cpu", "fp32", "cpu"))


def cue_inputs(count: int) -> list[tuple[ModelInput, int]]:
    """Inputs that hold the cue, none of which was learnt from, and the patch it lies in."""
    images, _, places = cued(count, seed=10_000, share=1.0)
    return [(as_input(image), int(place)) for image, place in zip(images, places, strict=True)]
