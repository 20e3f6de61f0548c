"""Maps that a map of a network must beat: they saw the image or nothing, or a network that has learnt nothing.

A centred blob and the edges of an image need no network, and often score well: what is looked for tends to lie in the middle and to have
edges. Adebayo et al. 2018, "Sanity Checks for Saliency Maps", found methods whose maps hardly change when the weights are random.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude
from torch import nn

from core.inference.engine import Engine
from core.types import FloatImage

CENTRE, EDGES, RANDOM_WEIGHTS = "centre", "edges", "random_weights"
REACHES = (0.5, 1.0, 2.0)
"""Where a centred prior reaches zero, as a share of half the side; only order counts, so beyond its reach all tokens are alike."""
EDGE_PIXELS = (1.0, 2.0, 4.0)
"""Standard deviations in pixels of the Gaussians whose gradients are the edges."""
TIES = 4
"""Orders that are drawn for the tokens of a centred prior that lie equally far out. A blob in the middle is the same prior with the ties
broken otherwise: with one order alone it would win by luck every second time."""


def model_free_maps(values: FloatImage, patch: tuple[int, int]) -> tuple[FloatImage, int]:
    """(float32 [maps, rows, columns] of tokens, how many of them are centred priors): priors, TIES of each width, then edges.

    The edges are there as they are and smoothed by a token, since what is smooth beats what is rough whatever it marks.
    values: [channels, rows, columns].
    """
    priors = centred_priors((values.shape[1] // patch[0], values.shape[2] // patch[1])).repeat(TIES, axis=0)
    edges = edge_maps(values, patch)
    smooth = gaussian_filter(edges, sigma=(0.0, 1.0, 1.0), mode="nearest")
    return np.concatenate([priors, edges, smooth]), len(priors)


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
    """The engine of a copy of the same network whose weights are random."""
    with copied(engine) as other:
        other.run(lambda model: made_random(model.network.parameters(), seed))
        yield other


def made_random(weights: Iterable[nn.Parameter], seed: int) -> None:
    """New values in place of those that were learnt: Gaussian, of each tensor as large on average. On the owner thread of a copy."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in weights:
            size = parameter.float().square().mean().sqrt()
            drawn = torch.randn(parameter.shape, generator=generator) * size.cpu()
            parameter.copy_(drawn.to(parameter.device, parameter.dtype))


@contextmanager
def copied(engine: Engine) -> Iterator[Engine]:
    """An engine of a copy of the network, whose weights may be changed: those in use are nobody's to change."""
    network = engine.run(lambda model: deepcopy(model.network))  # alone: what another request hooks on it is not copied
    other = Engine(engine.model.with_network(network), replace(engine.runtime, library="torch"))  # which takes it as it is
    other.priority = engine.priority
    try:
        yield other
    finally:
        other.close()
