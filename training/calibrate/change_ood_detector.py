"""The OOD detector of a change model: what the colours of tiles of the training cities look like, each date by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from core.inference.ood import Features, ood_score
from core.inference.scenes.pair_ood import colour_places, is_full
from core.types import FloatImage, Preprocess
from models.image_statistics import image_statistics
from models.registry import OodDetector
from training.calibrate.fit import fit_ood_detector
from training.data.city_pixels import CityPixels

SHARE_STRANGE = 0.02
"""Share of the tiles of a city not seen that lie beyond the threshold: they are a warning, nothing is refused."""
OVERLAPPING = 2
"""Tiles begin at every half of a side."""
QUANTILES = np.linspace(0.0, 1.0, 201)
"""Scores of a city that stand for all of them, so that large cities do not decide the threshold."""


def fit_change_detector(cities: Sequence[CityPixels], preprocess: Preprocess) -> OodDetector | None:
    """From both dates of whole cities, each counting alike; None without red, green and blue, or without a whole tile.

    The threshold keeps all but SHARE_STRANGE of the tiles of a city that was not seen: each is scored by a detector of the others.
    """
    if not colour_places(preprocess):
        return None
    known = [each for each in (tile_statistics(city, preprocess) for city in cities) if len(each) > 1]
    if not known:
        return None
    detector = fit_ood_detector(known, known)
    if len(known) == 1:
        return detector
    unseen = [_unseen_scores(known, place) for place in range(len(known))]
    return replace(detector, threshold=float(np.quantile(np.concatenate(unseen), 1.0 - SHARE_STRANGE)))


def tile_statistics(city: CityPixels, preprocess: Preprocess) -> Features:
    """float32 [tiles of both dates, statistics] of a city; tiles that lack data are left out."""
    colours = colour_places(preprocess)
    tiles = np.stack([tile for pixels in (city.before, city.after) for tile in _cut(pixels, preprocess.size)])
    return image_statistics(tiles[is_full(tiles)][:, colours])


def _unseen_scores(known: Sequence[Features], place: int) -> np.ndarray:
    others = [each for number, each in enumerate(known) if number != place]
    return np.quantile(ood_score(known[place], fit_ood_detector(others, others)), QUANTILES)


def _cut(pixels: FloatImage, size: tuple[int, int]) -> Iterator[FloatImage]:
    """[channels, rows, columns] pieces of that size, and one of its own size where the city is smaller."""
    rows, columns = (min(side, whole) for side, whole in zip(size, pixels.shape[1:], strict=True))
    for top in range(0, pixels.shape[1] - rows + 1, max(1, rows // OVERLAPPING)):
        for left in range(0, pixels.shape[2] - columns + 1, max(1, columns // OVERLAPPING)):
            yield pixels[:, top : top + rows, left : left + columns]
