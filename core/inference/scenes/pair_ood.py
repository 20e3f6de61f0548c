"""How much of two dates looks unlike what a change model was trained on.

A change model standardises each scene by itself and is shown pixels, not one image: there is no embedding to score. What is scored is how
the colours of each tile go together and how rough they are (models/image_statistics.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.inference.ood import ood_score
from core.types import FloatImage, Preprocess
from models.image_statistics import image_statistics
from models.registry import OodDetector

_COLOURS = ("red", "green", "blue")
"""Bands that are looked at, since every scene that people look at has them; without all three nothing is scored."""
LEAST_SHARE = 0.9
"""Share of a tile that must hold data: the empty rest would lie outside in any scene."""


class PairDetector:
    """Counts tiles of both dates as they go through a network, and those that lie outside."""

    def __init__(self, known: OodDetector | None, preprocess: Preprocess, places: Sequence[int]) -> None:
        """places: of the channels that both dates have, among those of the model."""
        self._known = known if set(colour_places(preprocess)) <= set(places) else None
        self._colours = colour_places(preprocess)
        self._looked_at, self._outside = 0, np.zeros(2, dtype=np.int64)

    @property
    def shares(self) -> tuple[float, float] | None:
        """Share of the tiles of each date that lie outside; None where nothing could be scored."""
        if self._known is None or self._looked_at == 0:
            return None
        before, after = self._outside / self._looked_at
        return float(before), float(after)

    def look(self, before: FloatImage, after: FloatImage) -> None:
        """Count tiles of both dates, float32 [tiles, channels, rows, columns] each."""
        if self._known is None:
            return
        full = is_full(before)
        if not full.any():
            return
        self._looked_at += int(full.sum())
        for place, tiles in enumerate((before, after)):
            scores = ood_score(image_statistics(tiles[full][:, self._colours]), self._known)
            self._outside[place] += int((scores > self._known.threshold).sum())


def colour_places(preprocess: Preprocess) -> list[int]:
    """Where red, green and blue lie among the channels of a model; [] for one that does not read all three."""
    channels = list(preprocess.channels)
    return [channels.index(colour) for colour in _COLOURS] if set(_COLOURS) <= set(channels) else []


def is_full(tiles: FloatImage) -> NDArray[np.bool_]:
    """bool [tiles]: whether enough of each tile, [tiles, channels, rows, columns], holds data; what holds none is 0 in every channel."""
    return np.asarray((tiles != 0.0).any(axis=1).mean(axis=(1, 2)) >= LEAST_SHARE)
