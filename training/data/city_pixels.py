"""Cities as a change training sees them: both dates in memory, standardised as they are in use, and crops of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from core.errors import BadRecipe
from core.prepare.grid.pair import Moments, pair_of, read_pair, standardised
from core.types import FloatImage, Mask, Preprocess
from core.workflows.evaluation.labelled_cities import City, city_folders, read_city
from training.config.change_recipe import ChangeAugmentation

SHIFTED = 0.5
"""Share of the crops whose second date is displaced; in the others the dates lie on one another as they do in the data."""


@dataclass(frozen=True)
class CityPixels:
    """before, after: float32 [channels, rows, columns], standardised. changed, known: bool [rows, columns].

    known: where both dates hold data and the label is known.
    """

    name: str
    before: FloatImage
    after: FloatImage
    changed: Mask
    known: Mask


@dataclass(frozen=True)
class Crops:
    """A batch. before, after: float32 [batch, channels, rows, columns]. changed, known: float32 [batch, rows, columns], 0 or 1."""

    before: Tensor
    after: Tensor
    changed: Tensor
    known: Tensor


def read_cities(data: Path, preprocess: Preprocess) -> tuple[CityPixels, ...]:
    """Every city of a folder, by name. Raises what core.workflows.evaluation.labelled_cities raises, and MissingBands."""
    return tuple(city_pixels(read_city(folder), preprocess) for folder in city_folders(data))


def city_pixels(city: City, preprocess: Preprocess) -> CityPixels:
    """A whole city in memory, with every band that it has. Raises MissingBands, UnreadableFile."""
    pair = pair_of(city.before, city.after, replace(preprocess, preferred=()))
    before, after, valid = read_pair(pair, (0, 0, city.before.width, city.before.height))
    scaled = []
    for values in (before, after):
        moments = Moments(len(pair.places))
        moments.add(values, valid)
        scaled.append(standardised(values, valid, moments.standard(), pair.places, pair.channels))
    return CityPixels(city.name, scaled[0], scaled[1], city.changed, valid & city.known)


def seen_in(city: CityPixels, bands: Sequence[str], preprocess: Preprocess) -> CityPixels:
    """The city as it looks to the network when it has only these bands."""
    kept = np.isin(preprocess.channels, bands)[:, np.newaxis, np.newaxis]
    return replace(city, before=city.before * kept, after=city.after * kept)


def divided(cities: Sequence[CityPixels], validation: Sequence[str]) -> tuple[tuple[CityPixels, ...], tuple[CityPixels, ...]]:
    """(those to train on, those held back). Raises BadRecipe for a name that there is no city of, and where nothing is left to train on."""
    names = [city.name for city in cities]
    for name in validation:
        if name not in names:
            raise BadRecipe(f"cities.validation names {name}; the data has {', '.join(names)}.", "Name cities that are there.")
    train = tuple(city for city in cities if city.name not in validation)
    if not any((city.changed & city.known).any() for city in train):
        raise BadRecipe("No pixel changed in the cities that are left to train on.", "Hold fewer cities back.")
    return train, tuple(city for city in cities if city.name in validation)


class CropMaker:
    """Crops of cities, each decided by its number and the seed alone, so that a resumed run sees what the killed one would have seen.

    A city is drawn by the square root of its changed or of its known pixels, so that large ones do not have everything.
    """

    def __init__(self, cities: Sequence[CityPixels], size: tuple[int, int], how: ChangeAugmentation, seed: int) -> None:
        self._size, self._how, self._seed = size, how, seed
        self._pixels = [torch.from_numpy(np.concatenate([city.before, city.after])) for city in cities]  # [2 * channels, rows, columns]
        self._labels = [torch.from_numpy(np.stack([city.changed & city.known, city.known]).astype(np.float32)) for city in cities]
        self._places = [np.argwhere(city.changed & city.known) for city in cities]
        self._by_changed = _shares(len(places) for places in self._places)
        self._by_known = _shares(int(city.known.sum()) for city in cities)

    def make(self, numbers: Sequence[int]) -> Crops:
        """The crops of these numbers."""
        made = [self._crop(np.random.default_rng((self._seed, number))) for number in numbers]
        pixels, labels = (torch.stack([one[part] for one in made]) for part in range(2))
        before, after = pixels.chunk(2, dim=1)
        return Crops(before, after, labels[:, 0], labels[:, 1])

    def _crop(self, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        city, centre = self._place(random)
        pixels, labels = self._pixels[city], self._labels[city]
        turn = _turn(random, self._how)  # [2, 2]
        here = _grid(self._size, centre, turn, labels.shape[1:])
        moved = random.normal(0.0, self._how.shift, 2) if random.random() < SHIFTED else np.zeros(2)
        there = _grid(self._size, centre + moved, turn, labels.shape[1:])
        both = [_sampled(part, grid, "bilinear") for part, grid in zip(pixels.chunk(2), (here, there), strict=True)]
        return torch.cat(both), _sampled(labels, here, "nearest")

    def _place(self, random: np.random.Generator) -> tuple[int, NDArray[np.float64]]:
        """A city and the (row, column) that the crop is centred on, whole numbers."""
        if random.random() < self._how.changed_share:
            city = int(random.choice(len(self._places), p=self._by_changed))
            reach = np.array(self._size) / 2
            return city, np.floor(self._places[city][random.integers(len(self._places[city]))] + random.uniform(-reach, reach))
        city = int(random.choice(len(self._places), p=self._by_known))
        return city, np.floor(random.uniform(0.0, np.array(self._labels[city].shape[1:])))


def _shares(counts: Iterable[int]) -> NDArray[np.float64]:
    roots = np.sqrt(np.fromiter(counts, dtype=np.float64))
    return np.asarray(roots / roots.sum())


def _turn(random: np.random.Generator, how: ChangeAugmentation) -> NDArray[np.float64]:
    """(row, column) steps in the crop to steps in the city, [2, 2]: a mirror and a quarter turn, or any angle with zoom and stretch."""
    mirror = np.diag([1.0, random.choice([-1.0, 1.0])])
    if random.random() >= how.resampled:
        quarter = random.integers(4)
        return _rotation(quarter * math.pi / 2).round() @ mirror
    stretch = math.exp(random.uniform(-how.stretch, how.stretch))
    return np.diag([stretch, 1.0 / stretch]) @ _rotation(random.uniform(0.0, 2 * math.pi)) @ mirror * random.uniform(*how.zoom)


def _rotation(angle: float) -> NDArray[np.float64]:
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def _grid(size: tuple[int, int], centre: NDArray[np.float64], turn: NDArray[np.float64], city: Sequence[int]) -> Tensor:
    """Where the pixels of a crop lie in a city, as grid_sample counts: float32 [1, rows, columns, (x, y)], -1 and 1 its edges.

    centre: (row, column), whole for a crop that is not displaced: with quarter turns its pixels are then pixels of the city, unblurred.
    """
    steps = np.stack(np.meshgrid(*(np.arange(side) - (side - 1) / 2 for side in size), indexing="ij"), axis=-1)  # [rows, columns, 2]
    places = steps @ turn.T + centre + (np.array(size) - 1) / 2 % 1
    scaled = (2 * places + 1) / np.array(city) - 1
    return torch.from_numpy(scaled[None, :, :, ::-1].astype(np.float32).copy())


def _sampled(planes: Tensor, grid: Tensor, mode: str) -> Tensor:
    """[planes, rows, columns] of a city, mirrored beyond its edges, at the places of a grid."""
    return F.grid_sample(planes[None], grid, mode=mode, padding_mode="reflection", align_corners=False)[0]
