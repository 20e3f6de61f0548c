"""What a change network says of whole cities, pixel by pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.inference.scenes.offsets import LogitHistogram
from core.inference.scenes.pair_tiles import PairRows, Predict, blended_rows
from core.prepare.grid.tiles import grid_of_pixels
from core.types import FloatImage
from models.bert_image import BertImageForChangeDetection
from models.bert_image.test_time_augmentation import averaged_logits
from training.config.change_recipe import ChangeRecipe
from training.data.city_pixels import CityPixels

BATCH = 16
"""Tiles a forward pass."""


@dataclass(frozen=True)
class CityScores:
    """logits: float32 [known pixels] of a city, uncalibrated. changed: bool [known pixels]."""

    name: str
    logits: NDArray[np.float32]
    changed: NDArray[np.bool_]

    def level(self, quantile: float) -> float:
        """That quantile of the logits, as use finds it (core/inference/scenes/offsets.py); 0 where no pixel is known."""
        found = LogitHistogram()
        found.add(self.logits, np.ones(self.logits.shape, dtype=np.bool_))
        return found.quantile(quantile) or 0.0


def city_scores(network: BertImageForChangeDetection, cities: Sequence[CityPixels], recipe: ChangeRecipe) -> list[CityScores]:
    """What the network says of every known pixel of some cities, by the tiles that use makes too."""
    return scores_by(forward(network.eval(), recipe.preprocess.enlarged), cities, recipe)


def scores_by(predict: Predict, cities: Sequence[CityPixels], recipe: ChangeRecipe) -> list[CityScores]:
    """The same by whatever gives logits of tiles of two dates."""
    found = []
    for city in cities:
        logits = logits_of(predict, city, recipe)
        known = city.known & np.isfinite(logits)
        found.append(CityScores(city.name, logits[known], city.changed[known]))
    return found


def logits_of(predict: Predict, city: CityPixels, recipe: ChangeRecipe) -> FloatImage:
    """float32 [rows, columns], NaN where the city holds no data."""
    grid = grid_of_pixels(city.known.shape, recipe.preprocess.size)

    def rows(first: int, last: int) -> PairRows:
        return PairRows(city.before[:, first:last], city.after[:, first:last], city.known[first:last])

    whole = np.concatenate([logits for _, logits in blended_rows(rows, grid, predict)])  # the lattice, which may be larger
    return whole[: grid.rows, : grid.columns]


def forward(network: BertImageForChangeDetection, enlarged: float) -> Predict:
    """The network over tiles, BATCH at a time, without gradients. enlarged: as of models.bert_image.test_time_augmentation.looked_at."""

    def part(dates: tuple[FloatImage, FloatImage], start: int) -> Tensor:
        before, after = (torch.from_numpy(np.ascontiguousarray(each[start : start + BATCH])).to(network.device) for each in dates)
        return averaged_logits(network, before, after, enlarged).cpu()

    def predict(before: FloatImage, after: FloatImage) -> FloatImage:
        with torch.inference_mode():
            return torch.cat([part((before, after), start) for start in range(0, len(before), BATCH)]).numpy()

    return predict
