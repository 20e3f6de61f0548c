"""What an image's values are like, whatever it shows: their spread, how the channels go together, how rough they are at each scale.

A network that was trained on one kind of image answers many outliers with embeddings that look familiar (Nalisnick et al. 2019, "Do Deep
Generative Models Know What They Don't Know?"); these plain statistics tell photographs, noise and drawings apart where it does not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.types import FloatImage

SCALES = 4
"""Halvings at which roughness is measured: details of 2, 4, 8 and 16 pixels."""
SMALLEST_DEVIATION = 1e-4
"""Of a channel, in standardised values; flat images have none."""
SMALLEST_ENERGY = 1e-8
LARGEST_CORRELATION = 0.9999
LARGEST_SKEWNESS, KURTOSES, DETAIL_KURTOSES = 5.0, (0.5, 50.0), (1.0, 100.0)
"""Beyond these, single pixels decide."""


def image_statistics(values: FloatImage) -> NDArray[np.float32]:
    """float32 [N, channels, rows, columns], standardised, to float32 [N, statistics].

    Of each channel mean, logarithm of the deviation, skewness, logarithm of the kurtosis; of each pair of channels Fisher's z of their
    correlation. Of the mean of the channels and of the difference of each channel from the next, the wavelet detail (Haar) at each
    scale: energy, how unlike rows and columns are, the share of diagonals, and whether few pixels hold it. The finest detail of the
    differences is left out: images that were once a JPEG have none, which says nothing of what they show. All finite.
    """
    x = values.astype(np.float64)
    means = x.mean(axis=(2, 3))
    deviations = x.std(axis=(2, 3)) + SMALLEST_DEVIATION
    scaled = (x - means[..., None, None]) / deviations[..., None, None]
    cube = scaled * scaled * scaled
    found = [
        means,
        np.log(deviations),
        np.clip(cube.mean(axis=(2, 3)), -LARGEST_SKEWNESS, LARGEST_SKEWNESS),
        np.log(np.clip((cube * scaled).mean(axis=(2, 3)), *KURTOSES)),
        _correlations(scaled),
        _roughness(x.mean(axis=1, keepdims=True), from_scale=0),
    ]
    found += [_roughness(x[:, place : place + 1] - x[:, place + 1 : place + 2], from_scale=1) for place in range(x.shape[1] - 1)]
    return np.concatenate(found, axis=1).astype(np.float32)


def statistics_length(channels: int) -> int:
    """How many statistics an image of so many channels has."""
    return len(image_statistics(np.zeros((1, channels, 2**SCALES, 2**SCALES), dtype=np.float32))[0])


def _correlations(scaled: NDArray[np.float64]) -> NDArray[np.float64]:
    """[N, pairs of channels]: Fisher's z of their correlation over the pixels."""
    flat = scaled.reshape(*scaled.shape[:2], -1)
    first, second = np.triu_indices(flat.shape[1], 1)
    products = flat @ flat.transpose(0, 2, 1) / flat.shape[2]
    return np.asarray(np.arctanh(np.clip(products[:, first, second], -LARGEST_CORRELATION, LARGEST_CORRELATION)))


def _roughness(plane: NDArray[np.float64], from_scale: int) -> NDArray[np.float64]:
    """[N, 4 numbers a scale] of [N, 1, rows, columns]; an odd last row or column is left out at its scale."""
    found = []
    for scale in range(SCALES):
        plane = plane[..., : plane.shape[2] // 2 * 2, : plane.shape[3] // 2 * 2]
        a, b, c, d = (plane[..., row::2, column::2] for row in (0, 1) for column in (0, 1))
        if scale >= from_scale:
            found.append(_detail((a - b + c - d) / 2, (a + b - c - d) / 2, (a - b - c + d) / 2))
        plane = (a + b + c + d) / 4
    return np.concatenate(found, axis=1)


def _detail(across: NDArray[np.float64], down: NDArray[np.float64], diagonal: NDArray[np.float64]) -> NDArray[np.float64]:
    """[N, 4]: energy, unlikeness of the two directions, share of diagonals, kurtosis; logarithms."""
    energies = [(part * part).mean(axis=(1, 2, 3)) for part in (across, down, diagonal)]
    both = np.concatenate([across, down], axis=1) ** 2
    second, fourth = both.mean(axis=(1, 2, 3)), (both * both).mean(axis=(1, 2, 3))
    first, other, diagonals = (energy + SMALLEST_ENERGY for energy in energies)
    kurtosis = np.clip(fourth / (second * second + SMALLEST_ENERGY**2), *DETAIL_KURTOSES)
    unlikeness, share = np.abs(np.log(first / other)), np.log(diagonals / (first + other))
    return np.stack([np.log(sum(energies) + SMALLEST_ENERGY), unlikeness, share, np.log(kurtosis)], axis=1)
