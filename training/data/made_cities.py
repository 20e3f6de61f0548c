"""Cities that are put together from tiles of land cover, with two dates and what was built between them.

Fourteen labelled cities are few, and a large network learns them by heart. Tiles whose class is known give as many more as are wanted:
where a piece of a residential or an industrial tile or of a road comes to lie on other land, something was built; where fields take the
place of fields, nothing was (after Zheng et al. 2021, "Change is Everywhere", which pairs labelled images of one date).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy import ndimage
from skimage.draw import polygon

from core.errors import NotFound
from core.types import FloatImage, Mask
from training.data.city_pixels import CityPixels

BUILT = {"Industrial": 0.5, "Residential": 0.35, "Highway": 0.15}
"""Classes whose pieces are what is built, and how often each is."""
FIELDS = ("AnnualCrop", "HerbaceousVegetation", "Pasture", "PermanentCrop")
"""Classes that take each other's place from one season to the next."""
OTHERS = ("Forest", "River", "SeaLake")
TILES_READ = 250
"""Of each class."""
TILE, SIDE = 64, 8
"""Pixels of a tile, and tiles of a city, a side."""
QUARTERS = 3
"""Random numbers a side that decide where it is built-up and where it is not."""
NEW_TILES = 0.35
"""Share of the tiles of fields that show another field at the second date."""
PIECES, FIELD_PIECES, ROADS = 18.0, 14.0, 1.5
"""Mean numbers in a city: built, of fields in fields, and of new roads."""
GONE = 0.2
"""Share of what is built that stands at the first date alone."""
SIZE_PX, SPREAD = 26.0, 0.6
"""Median length of a piece, and the deviation of its logarithm."""
ROAD_PX = (1.5, 4.0)
SOFT_PX = 0.6
"""Deviation of the Gaussian that blurs the edge of a piece."""
COLOURS = ("red", "green", "blue")


@dataclass(frozen=True)
class Tiles:
    """uint8 [tiles, TILE, TILE, (red, green, blue)] by class."""

    by_class: Mapping[str, NDArray[np.uint8]]

    def draw(self, names: Sequence[str], random: np.random.Generator, shares: Sequence[float] | None = None) -> FloatImage:
        """A tile of one of the classes, mirrored and turned at random: float32 [TILE, TILE, 3]."""
        own = self.by_class[str(random.choice(names, p=shares))]
        tile = np.rot90(own[random.integers(len(own))], int(random.integers(4)))
        return np.asarray(tile[:, ::-1] if random.random() < 0.5 else tile, dtype=np.float32)


def read_tiles(folder: Path, seed: int) -> Tiles:
    """Some tiles of each class that cities are put together from. Raises NotFound where a class has none."""
    random, found = np.random.default_rng(seed), dict[str, NDArray[np.uint8]]()
    for name in (*BUILT, *FIELDS, *OTHERS):
        files = sorted((folder / name).glob("*.jpg"))
        if not files:
            raise NotFound(f"{folder / name} holds no tiles.", "Cities are put together from the classes of EuroSAT.")
        chosen = [files[place] for place in random.permutation(len(files))[:TILES_READ]]
        found[name] = np.stack([np.asarray(Pillow.open(file).convert("RGB").resize((TILE, TILE))) for file in chosen])
    return Tiles(found)


def made_cities(tiles: Tiles, count: int, channels: Sequence[str], seed: int) -> list[CityPixels]:
    """Cities of SIDE * TILE pixels a side; channels that tiles do not have are 0, as where a sensor lacks them."""
    return [_city(f"made-{number}", tiles, channels, np.random.default_rng((seed, number))) for number in range(count)]


def _city(name: str, tiles: Tiles, channels: Sequence[str], random: np.random.Generator) -> CityPixels:
    before, is_field = _land(tiles, random)
    after = _next_season(before, is_field, tiles, random)
    changed = np.zeros(before.shape[:2], dtype=np.bool_)
    for _ in range(random.poisson(FIELD_PIECES)):
        where = _piece(changed.shape, random)
        _paste(after, where & np.repeat(np.repeat(is_field, TILE, 0), TILE, 1), tiles.draw(FIELDS, random), random)
    for _ in range(random.poisson(PIECES)):
        date = before if random.random() < GONE else after
        where = _piece(changed.shape, random)
        _paste(date, where, tiles.draw(list(BUILT), random, list(BUILT.values())), random)
        changed |= where
    for _ in range(random.poisson(ROADS)):
        where = _road(changed.shape, random)
        _paste(after, where, np.full((TILE, TILE, 3), random.uniform(100.0, 200.0), dtype=np.float32), random)
        changed |= where
    return CityPixels(name, _standardised(before, channels), _standardised(after, channels), changed, np.ones_like(changed))


def _land(tiles: Tiles, random: np.random.Generator) -> tuple[FloatImage, Mask]:
    """The first date, float32 [rows, columns, 3], and which of its tiles are fields, bool [SIDE, SIDE]."""
    density = ndimage.zoom(random.standard_normal((QUARTERS, QUARTERS)), SIDE / QUARTERS, order=1) + random.normal(0.0, 0.4, (SIDE, SIDE))
    image, is_field = np.empty((SIDE * TILE, SIDE * TILE, 3), dtype=np.float32), np.zeros((SIDE, SIDE), dtype=np.bool_)
    for row, column in np.ndindex(SIDE, SIDE):
        is_field[row, column] = density[row, column] < 0.4 and random.random() < 0.85
        names = FIELDS if is_field[row, column] else OTHERS if density[row, column] < 0.4 else list(BUILT)
        image[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE] = tiles.draw(names, random)
    return image, is_field


def _next_season(before: FloatImage, is_field: Mask, tiles: Tiles, random: np.random.Generator) -> FloatImage:
    after = before.copy()
    for row, column in np.argwhere(is_field & (random.random(is_field.shape) < NEW_TILES)):
        after[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE] = tiles.draw(FIELDS, random)
    return after


def _piece(shape: tuple[int, ...], random: np.random.Generator) -> Mask:
    """A polygon of four to seven corners, longer than it is wide."""
    corners = random.integers(4, 8)
    angles = np.sort(random.uniform(0.0, 2.0 * np.pi, corners))
    length = SIZE_PX * np.exp(random.normal(0.0, SPREAD)) / 2.0
    sides = np.stack([length * np.cos(angles), length * random.uniform(0.4, 1.0) * np.sin(angles)], axis=1)
    turn = random.uniform(0.0, np.pi)
    turned = sides @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) + random.uniform(0.0, shape[:2])
    return _filled(turned, shape)


def _road(shape: tuple[int, ...], random: np.random.Generator) -> Mask:
    start, turn, length = random.uniform(0.0, shape[:2]), random.uniform(0.0, np.pi), random.uniform(30.0, 150.0)
    along, half = np.array([np.cos(turn), np.sin(turn)]), random.uniform(*ROAD_PX) / 2.0
    across = half * np.array([-along[1], along[0]])
    return _filled(np.array([start + across, start + along * length + across, start + along * length - across, start - across]), shape)


def _filled(corners: NDArray[np.float64], shape: tuple[int, ...]) -> Mask:
    mask = np.zeros(shape[:2], dtype=np.bool_)
    mask[polygon(corners[:, 0], corners[:, 1], mask.shape)] = True  # type: ignore[no-untyped-call]
    return mask


def _paste(date: FloatImage, where: Mask, tile: FloatImage, random: np.random.Generator) -> None:
    """Lay a tile, repeated as often as it takes from a random start, where the mask says, with a soft edge."""
    if not where.any():
        return
    reach = ndimage.find_objects(where.astype(np.int8))[0]
    rows, columns = (slice(max(0, side.start - 3), side.stop + 3) for side in reach)
    share = ndimage.gaussian_filter(where[rows, columns].astype(np.float32), SOFT_PX)[..., np.newaxis]
    start = random.integers(0, TILE, 2)
    mirrored = np.pad(tile, ((0, TILE), (0, TILE), (0, 0)), mode="symmetric")
    size = share.shape[:2]
    cover = mirrored[np.ix_((start[0] + np.arange(size[0])) % (2 * TILE), (start[1] + np.arange(size[1])) % (2 * TILE))]
    date[rows, columns] = date[rows, columns] * (1.0 - share) + cover * share


def _standardised(date: FloatImage, channels: Sequence[str]) -> FloatImage:
    """float32 [channels, rows, columns], each band less its mean over its deviation, as scenes are."""
    bands = np.moveaxis((date - date.mean(axis=(0, 1))) / np.maximum(date.std(axis=(0, 1)), 1e-6), 2, 0)
    empty = np.zeros(date.shape[:2], dtype=np.float32)
    return np.stack([bands[COLOURS.index(name)] if name in COLOURS else empty for name in channels]).astype(np.float32)
