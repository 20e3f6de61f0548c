"""Random maps that a map is ranked among: Gaussian fields on the token grid, as smooth as the map itself.

What is smooth beats what is rough in deletion and insertion, whatever it marks: it takes whole objects away. A map is therefore compared
with fields of its own smoothness alone, of four that are drawn (correlation lengths from none to a quarter of the grid).
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.stats import rankdata

from core.types import FloatImage

LENGTHS = (0.0, 1 / 16, 1 / 8, 1 / 4)
"""Standard deviations of the Gaussians that make the fields, as shares of the shorter side of the grid."""
PADDING = 3.0
"""Standard deviations by which fields are drawn larger than the grid, so that its edges are like its middle."""
MEASURED_FIELDS = 64
"""Fields of each length whose smoothness is measured, to find the length that a map is nearest to; they cost no pass of a network."""


def random_maps(grid: tuple[int, int], length: float, count: int, seed: int) -> FloatImage:
    """float32 [count, rows, columns]: Gaussian fields, the first ones always the same. length: one of LENGTHS."""
    sigma = length * min(grid)
    margin = int(np.ceil(PADDING * sigma))
    random = np.random.default_rng([seed, zlib.crc32(f"{length:.6f}".encode())])
    shape = (count, grid[0] + 2 * margin, grid[1] + 2 * margin)
    noise = random.standard_normal(shape, dtype=np.float32)
    smooth = gaussian_filter(noise, sigma=(0.0, sigma, sigma), mode="wrap") if sigma else noise
    return np.ascontiguousarray(smooth[:, margin : margin + grid[0], margin : margin + grid[1]])


def nearest_length(tokens: FloatImage, seed: int = 0) -> float:
    """The one of LENGTHS whose fields are on average as smooth as a map. tokens: float32 [rows, columns]."""
    own, grid = smoothness(tokens[np.newaxis])[0], (tokens.shape[0], tokens.shape[1])
    usual = [float(smoothness(random_maps(grid, length, MEASURED_FIELDS, seed)).mean()) for length in LENGTHS]
    return LENGTHS[int(np.argmin([abs(own - each) for each in usual]))]


def smoothness(maps: FloatImage) -> NDArray[np.float64]:
    """float64 [N]: the correlation of the ranks of neighbouring tokens; 0 of a flat map. maps: [N, rows, columns].

    Ranks, since only the order of a map counts in deletion and insertion.
    """
    ranked = rankdata(maps.reshape(len(maps), -1), axis=1).reshape(maps.shape)
    centred = ranked - ranked.mean(axis=(1, 2), keepdims=True)
    power = (centred**2).mean(axis=(1, 2))
    across = (centred[:, :, 1:] * centred[:, :, :-1]).sum(axis=(1, 2))
    down = (centred[:, 1:] * centred[:, :-1]).sum(axis=(1, 2))
    pairs = maps.shape[1] * (maps.shape[2] - 1) + (maps.shape[1] - 1) * maps.shape[2]
    return np.asarray(np.divide(across + down, pairs * power, out=np.zeros(len(maps)), where=(power > 0) & (pairs > 0)))
