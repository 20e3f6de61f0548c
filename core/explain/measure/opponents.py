"""Maps that a map of a network must beat: they saw the image or nothing, or a network that has learnt nothing.

A centred blob and the edges of an image need no network, and often score well: what is looked for tends to lie in the middle and to have
edges. Adebayo et al. 2018, "Sanity Checks for Saliency Maps", found methods whose maps hardly change when the weights are random.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace

import numpy as np
import torch
from scipy.ndimage import gaussian_gradient_magnitude

from core.inference.engine import Engine
from core.types import FloatImage

CENTRE, EDGES, RANDOM_WEIGHTS = "centre", "edges", "random_weights"
REACHES = (0.5, 1.0, 2.0)
"""Where a centred prior reaches zero, as a share of half the side; only order counts, so beyond its reach all tokens are alike."""
EDGE_PIXELS = (1.0, 2.0, 4.0)
"""Standard deviations in pixels of the Gaussians whose gradients are the edges."""


def centred_priors(grid: tuple[int, int]) -> FloatImage:
    """float32 [3, rows, columns]: falling from the middle of the image, at three widths. grid: (rows, columns) of tokens."""
    rows, columns = (np.linspace(-1.0 + 1.0 / side, 1.0 - 1.0 / side, side) for side in grid)
    distance = np.hypot(rows[:, np.newaxis], columns[np.newaxis])
    return np.stack([np.maximum(0.0, 1.0 - distance / reach) for reach in REACHES]).astype(np.float32)


def edge_maps(values: FloatImage, patch: tuple[int, int]) -> FloatImage:
    """float32 [3, rows, columns]: mean length of the gradient in each token, at three widths. values: [channels, rows, columns]."""
    found = [np.sum([gaussian_gradient_magnitude(channel, width) for channel in values], axis=0) for width in EDGE_PIXELS]
    return np.stack([on_token_grid(each.astype(np.float32), patch) for each in found])


def on_token_grid(pixels: FloatImage, patch: tuple[int, int]) -> FloatImage:
    """float32 [rows, columns] of tokens: the mean of each. pixels: [rows, columns] of the input."""
    (height, width), (rows, columns) = patch, pixels.shape
    cells = pixels.reshape(rows // height, height, columns // width, width)
    return np.asarray(cells.mean(axis=(1, 3), dtype=np.float64), dtype=np.float32)


@contextmanager
def random_weights(engine: Engine, seed: int) -> Iterator[Engine]:
    """The engine of the same network with random weights: Gaussian, of each tensor as large on average as those that were learnt."""
    network = engine.run(lambda model: deepcopy(model.network))  # alone: what another request hooks on it is not copied
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            size = parameter.float().square().mean().sqrt()
            drawn = torch.randn(parameter.shape, generator=generator) * size.cpu()
            parameter.copy_(drawn.to(parameter.device, parameter.dtype))
    other = Engine(replace(engine.model, network=network), replace(engine.runtime, library="torch"))  # which takes it as it is
    other.priority = engine.priority
    try:
        yield other
    finally:
        other.close()
