"""What the bands say of a place at two dates: the mean reflectance of the pixels there that changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rasterio.windows import Window

from core.prepare.grid.bands import read_window, resolve_bands
from core.readers.scenes.raster import open_raster
from core.types import Progress, Scene

_PIXELS = 1_000_000
"""Pixels that are read at a time."""
_CHANGED = 1


@dataclass(frozen=True)
class BandMeans:
    """Reflectance, one a band of `colours`, NaN where no pixel is counted. pixels: how many were."""

    colours: tuple[str, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    pixels: int


def band_means(
    before: Scene, aligned: Scene, colours: Sequence[str], change: Path, window: tuple[int, int, int, int], progress: Progress | None = None
) -> BandMeans:
    """Over the pixels of a window that changed, where both dates have data.

    aligned: the second date on the grid of the first. change: a raster on that grid, 1 where it changed. window: (left, top, width, height)
    in its pixels. progress: told of rows; what it raises ends the work. Raises MissingBands, UnreadableFile.
    """
    pair = [(scene, resolve_bands(scene, colours)[0]) for scene in (before, aligned)]
    left, top, width, height = window
    rows = max(1, _PIXELS // width)
    sums, pixels = np.zeros((2, len(colours))), 0
    with open_raster(change) as raster:
        for row in range(top, top + height, rows):
            part = (left, row, width, min(rows, top + height - row))
            (first, known), (second, also) = (read_window(scene, bands, part) for scene, bands in pair)
            counted = (raster.read(1, window=Window(*part)) == _CHANGED) & known & also
            sums += [values[:, counted].sum(axis=1, dtype=np.float64) for values in (first, second)]
            pixels += int(counted.sum())
            if progress is not None:
                progress(row + part[3] - top, height)
    means = sums / pixels if pixels else np.full_like(sums, np.nan)
    return BandMeans(tuple(colours), tuple(means[0].tolist()), tuple(means[1].tolist()), pixels)
