"""Crops of CT around lung nodules, with what each reader drew: read once, and divided so that nothing of one patient is on two sides.

DIR/index.csv names the crops: file, patient, most_readers (how many readers drew the nodule) and a rating of malignancy from 1 to 5. Beside
each <file>.jpg lies <file>_readers.png, which says of each pixel how many of the four readers drew it (Armato et al. 2011, LIDC-IDRI).
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from core.errors import BadRecipe, NotFound
from training.config.recipe import Recipe
from training.data.patients import INDEX

READERS_SUFFIX = "_readers.png"
NEEDED = ("file", "patient", "most_readers")
RATING = "malignancy_1_to_5_or_ambiguous"
READERS = 4
"""How many drew. A pixel of the readers' picture is at most this."""
READERS_OF_A_NODULE = 2
"""Readers who must agree before a nodule counts as one."""
READERS_OF_A_RATING = 3
"""Readers who must have drawn a nodule before its rating is measured against."""
UNDECIDED = 3
"""The rating in the middle, which says neither benign nor malignant."""
UNRATED = -1


@dataclass(frozen=True)
class Crops:
    """Crops, each with its nodule in the middle.

    images: uint8 [crops, rows, columns]. readers: uint8 of that shape, how many readers drew the pixel.
    malignancy: int64 [crops], 0 rated below the middle, 1 above it, UNRATED where neither.
    """

    paths: tuple[Path, ...]
    patients: tuple[str, ...]
    images: NDArray[np.uint8]
    readers: NDArray[np.uint8]
    malignancy: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def drawn_by(self) -> NDArray[np.int64]:
        """int64 [crops]: the largest number of readers who drew one pixel."""
        return np.asarray(self.readers.max(axis=(1, 2)), dtype=np.int64)

    def some(self, places: NDArray[np.intp]) -> Crops:
        """The crops of these numbers, in that order."""
        return Crops(
            tuple(self.paths[place] for place in places),
            tuple(self.patients[place] for place in places),
            self.images[places],
            self.readers[places],
            self.malignancy[places],
        )


@dataclass(frozen=True)
class Sides:
    """The three sides of a split of crops, as training.data.items.Parts."""

    train: Crops
    calibration: Crops
    validation: Crops


def read_crops(folder: Path) -> Crops:
    """All crops of a folder, those that nobody drew in left out.

    Raises NotFound without an index or a file that it names, BadRecipe for an index of other columns and for crops of unequal size.
    """
    rows = [row for row in _index(folder) if int(row["most_readers"]) > 0]
    images = [_pixels(folder / row["file"]) for row in rows]
    readers = [_pixels(_readers_of(folder / row["file"])) for row in rows]
    if not rows or {image.shape for image in (*images, *readers)} != {images[0].shape}:
        raise BadRecipe(f"{folder} does not hold crops of one size.", "Each crop and its readers' picture must have the same size.")
    return Crops(
        tuple(folder / row["file"] for row in rows),
        tuple(row["patient"] for row in rows),
        np.stack(images),
        np.stack(readers),
        np.array([_rated(row.get(RATING, "")) for row in rows], dtype=np.int64),
    )


def read_sides(folders: Sequence[Path], recipe: Recipe) -> Sides:
    """The crops of the one folder that such a recipe takes, divided. Raises as read_crops, and BadRecipe for several folders."""
    if len(folders) != 1:
        raise BadRecipe(f"{len(folders)} folders of crops were given.", "Give one, with its index.csv.")
    return by_patient(read_crops(folders[0]), recipe.data.validation_share, recipe.data.seed)


def by_patient(crops: Crops, share: float, seed: int) -> Sides:
    """Patients in random order: half of `share` calibrates, half validates, the rest trains."""
    names = sorted(set(crops.patients))
    held = max(2, round(len(names) * share))
    order = np.random.default_rng(seed).permutation(len(names))
    rank = {names[place]: position for position, place in enumerate(order)}
    ranks = np.array([rank[patient] for patient in crops.patients])
    sides = (ranks >= held, ranks < held // 2, (ranks >= held // 2) & (ranks < held))
    return Sides(*(crops.some(np.flatnonzero(side)) for side in sides))


def _index(folder: Path) -> list[dict[str, str]]:
    if not (folder / INDEX).is_file():
        raise NotFound(f"{folder / INDEX}: no such file.", f"It must list every crop, with the columns {', '.join(NEEDED)}.")
    with (folder / INDEX).open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    if not rows or not set(NEEDED) <= rows[0].keys():
        raise BadRecipe(f"{folder / INDEX} does not list crops.", f"It must have the columns {', '.join(NEEDED)}.")
    return rows


def _readers_of(path: Path) -> Path:
    return path.with_name(f"{path.stem}{READERS_SUFFIX}")


def _pixels(path: Path) -> NDArray[np.uint8]:
    if not path.is_file():
        raise NotFound(f"{path}: no such file.", f"{INDEX} names it.")
    with Pillow.open(path) as picture:
        return np.asarray(picture.convert("L"), dtype=np.uint8)


def _rated(rating: str) -> int:
    value = int(rating) if rating.strip().isdigit() else UNDECIDED
    return UNRATED if value == UNDECIDED else int(value > UNDECIDED)


def rated(crops: Crops) -> NDArray[np.bool_]:
    """bool [crops]: whether enough readers drew the nodule for its rating to be measured against, and it is rated."""
    return np.asarray((crops.malignancy != UNRATED) & (crops.drawn_by >= READERS_OF_A_RATING), dtype=np.bool_)


def area_of(crops: Crops) -> NDArray[np.float32]:
    """float32 [crops]: pixels that any reader drew, the plainest sign of malignancy."""
    return np.asarray((crops.readers > 0).sum(axis=(1, 2)), dtype=np.float32)
