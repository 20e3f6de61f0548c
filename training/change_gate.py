"""The gate of a change model: what the colours of tiles of the training cities look like."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from core.inference.outside import fit_outside
from core.inference.pair_gate import colour_places, is_full
from core.types import Preprocess
from models.image_statistics import image_statistics
from models.registry import OutsideModel
from training.city_pixels import CityPixels

OVERLAPPING = 2
"""Tiles of the training begin at every half of a side, those that are held back too."""


def fit_change_gate(train: Sequence[CityPixels], held: Sequence[CityPixels], preprocess: Preprocess) -> OutsideModel | None:
    """From both dates of whole cities; the threshold keeps all but a few tiles of each city held back. None without red, green and blue."""
    if not colour_places(preprocess):
        return None
    fitted = [tile_statistics(city, preprocess) for city in train]
    kept = [tile_statistics(city, preprocess) for city in held]
    return fit_outside([np.concatenate(fitted)], [np.concatenate(kept)])


def tile_statistics(city: CityPixels, preprocess: Preprocess) -> NDArray[np.float32]:
    """float32 [tiles of both dates, statistics] of a city."""
    colours = colour_places(preprocess)
    found = [image_statistics(tiles[:, colours]) for tiles in (_tiles(each, preprocess.size) for each in (city.before, city.after))]
    return np.concatenate(found)


def _tiles(pixels: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    tiles = np.stack(list(_cut(pixels, size)))
    return np.asarray(tiles[is_full(tiles)])


def _cut(pixels: NDArray[np.float32], size: tuple[int, int]) -> Iterator[NDArray[np.float32]]:
    rows, columns = size
    for top in range(0, max(1, pixels.shape[1] - rows + 1), rows // OVERLAPPING):
        for left in range(0, max(1, pixels.shape[2] - columns + 1), columns // OVERLAPPING):
            yield pixels[:, top : top + rows, left : left + columns]
