"""Two dates of one place as a change network reads them: the bands that both have, each date by its own mean and deviation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import MissingBands
from core.prepare.grid.bands import read_window, resolve_bands
from core.types import Band, FloatImage, Mask, Notice, Preprocess, Scene, notice

_SMALLEST_DEVIATION = 1e-4
"""Floor of a band's deviation, in reflectance: a constant band becomes zeros."""
LARGEST_DEVIATIONS = 6.0
"""Standardised values are clipped here, so that a cloud or a glint is bright and no more."""

_Window = tuple[int, int, int, int]


@dataclass(frozen=True)
class ScenePair:
    """Two dates on one grid, and the bands in which they are compared.

    after lies on the grid of before (core.prepare.grid.align.on_grid_of). places: index of each shared band among the model's channels.
    before_bands, after_bands: the bands of each date, in the order of places. missing: that bands are not shared, where it is so.
    """

    before: Scene
    after: Scene
    channels: int
    places: tuple[int, ...]
    before_bands: tuple[Band, ...]
    after_bands: tuple[Band, ...]
    missing: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class Standard:
    """Mean and deviation of each shared band of one date, in reflectance, over the pixels that both dates have: float32 [bands]."""

    mean: NDArray[np.float32]
    std: NDArray[np.float32]


class Moments:
    """Mean and deviation of bands, gathered part by part in float64, so that the parts do not matter."""

    def __init__(self, bands: int) -> None:
        self._sums, self._squares, self._count = np.zeros(bands), np.zeros(bands), 0

    def add(self, values: FloatImage, valid: Mask) -> None:
        """values: float32 [bands, rows, columns]. valid: bool [rows, columns]."""
        known = values[:, valid].astype(np.float64)
        self._sums += known.sum(axis=1)
        self._squares += np.square(known).sum(axis=1)
        self._count += known.shape[1]

    def standard(self) -> Standard:
        """Of all that was added; a mean of 0 and the smallest deviation where nothing was."""
        mean = self._sums / max(self._count, 1)
        spread = np.sqrt(np.maximum(self._squares / max(self._count, 1) - mean**2, 0.0))
        return Standard(mean.astype(np.float32), np.maximum(spread, _SMALLEST_DEVIATION).astype(np.float32))


def pair_of(before: Scene, aligned: Scene, preprocess: Preprocess) -> ScenePair:
    """The bands in which two dates are compared: those that a change model prefers where both have them, else all that both have.

    What they lack is said. Raises MissingBands where they share none.
    """
    has = [{band.common_name for band in scene.bands} for scene in (before, aligned)]
    channels = preprocess.channels
    shared = [channel for channel in channels if all(channel in colours for colours in has)]
    if not shared:
        poorer = min((before, aligned), key=lambda scene: sum(band.common_name in channels for band in scene.bands))
        raise MissingBands(poorer.name, channels, [band.name for band in poorer.bands])
    is_preferred = bool(preprocess.preferred) and set(preprocess.preferred) <= set(shared)
    if is_preferred:
        shared = [channel for channel in channels if channel in preprocess.preferred]
    before_bands, after_bands = (resolve_bands(scene, shared, preprocess.reflectance_top)[0] for scene in (before, aligned))
    missing = () if is_preferred else tuple(channel for channel in channels if channel not in shared)
    return ScenePair(
        before=before,
        after=aligned,
        channels=len(channels),
        places=tuple(channels.index(channel) for channel in shared),
        before_bands=before_bands,
        after_bands=after_bands,
        missing=(notice("change.bands-left-out", bands=missing),) if missing else (),
    )


def read_pair(pair: ScenePair, window: _Window) -> tuple[FloatImage, FloatImage, Mask]:
    """A window of both dates: reflectance, float32 [shared bands, height, width] each, and where both have data, bool [height, width]."""
    before, valid = read_window(pair.before, pair.before_bands, window)
    after, also = read_window(pair.after, pair.after_bands, window)
    return before, after, valid & also


def standardised(values: FloatImage, valid: Mask, standard: Standard, places: Sequence[int], channels: int) -> FloatImage:
    """Shared bands as the network's channels: float32 [bands, rows, columns] -> float32 [channels, rows, columns].

    Zero mean and unit deviation over the scene; 0, which is the mean, where a band is missing and where a pixel holds no data.
    """
    scaled = (values - standard.mean[:, None, None]) / standard.std[:, None, None]
    np.clip(scaled, -LARGEST_DEVIATIONS, LARGEST_DEVIATIONS, out=scaled)
    scaled[:, ~valid] = 0.0
    whole = np.zeros((channels, *values.shape[1:]), dtype=np.float32)
    whole[list(places)] = scaled
    return whole
