"""A split in which what is held back lies east of everything trained on, in blocks of ground that no two parts share."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.errors import BadRecipe, NotFound
from training.data.items import Item, Parts, key_of
from training.data.patients import INDEX, origin_of

BLOCK_DEGREES = 1.0


def by_longitude(files: Sequence[tuple[Path, int]], folder: Path, share: float) -> Parts:
    """The easternmost share is held back; its blocks of one degree of latitude go to calibration and validation in turn.

    files: (path, label). Raises NotFound without folder/index.csv, BadRecipe for an image that it does not list.
    """
    places = _places(folder / INDEX)
    missing = [path for path, _ in files if key_of(path) not in places]
    if missing:
        raise BadRecipe(f"{folder / INDEX} does not list {key_of(missing[0])}.", "It must list every image as file,latitude,longitude.")
    where = np.array([places[key_of(path)] for path, _ in files])  # [images, (latitude, longitude)]
    border = float(np.quantile(where[:, 1], 1.0 - share))
    sides: dict[str, list[Item]] = {"train": [], "calibration": [], "validation": []}
    for (path, label), (latitude, longitude) in zip(files, where, strict=True):
        row, column = int(latitude // BLOCK_DEGREES), int(longitude // BLOCK_DEGREES)
        side = "train" if longitude < border else ("calibration", "validation")[row % 2]
        sides[side].append(Item(path, label, f"{row},{column}", origin_of(folder)))
    return Parts(*(tuple(sides[name]) for name in ("train", "calibration", "validation")))


def _places(index: Path) -> dict[str, tuple[float, float]]:
    if not index.is_file():
        raise NotFound(f"{index}: no such file.", "A split by longitude needs index.csv with file, latitude, longitude.")
    with index.open(newline="", encoding="utf-8") as lines:
        try:
            return {row["file"]: (float(row["latitude"]), float(row["longitude"])) for row in csv.DictReader(lines)}
        except (KeyError, ValueError, TypeError) as error:
            raise BadRecipe(f"{index}: {error}.", "It must have the columns file, latitude, longitude.") from None
