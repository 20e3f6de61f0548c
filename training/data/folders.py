"""Folders of images by label, divided so that nothing of one patient, or of one place, is on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from torch import Tensor

from core.errors import BadRecipe, NotFound
from core.prepare.tensor import resize
from core.types import Preprocess
from training.config.recipe import Recipe
from training.data.items import Item, Parts
from training.data.nodules import read_sides
from training.data.patients import at_random, by_patient
from training.data.places import by_longitude
from training.data.windows import window_parts

SUFFIXES = (".jpg", ".jpeg", ".png")


def split(recipe: Recipe, folders: Sequence[Path]) -> Parts:
    """The images of each DIR/<label>/, each folder divided by itself, then joined; of crops of CT, one window of each kind in a crop.

    The first folder must hold every label in each part. Further ones may hold parent labels instead: of such an image it is known only
    that it is one of the parent's labels. Raises NotFound for a missing folder, BadRecipe for data that the recipe cannot divide.
    """
    if not folders:
        raise BadRecipe("No folder of data was given.", "Give the folder that holds one sub-folder for each label.")
    if recipe.data.layout == "nodules":
        return window_parts(read_sides(folders, recipe), recipe)
    parts = [_split(recipe, folder) for folder in folders]
    for name in ("train", "calibration", "validation"):
        if not set(range(len(recipe.labels))) <= {item.label for item in getattr(parts[0], name)}:
            raise BadRecipe(
                f"{folders[0]}: the {name} part does not hold every label.", "Give more images, or another data.validation_share."
            )
    return reduce(add, parts)


def read_images(items: Sequence[Item], preprocess: Preprocess, size: tuple[int, int]) -> Tensor:
    """uint8 [images, channels, rows, columns], decoded once and brought to `size` by the function that prediction uses."""
    channels = len(preprocess.channels)
    images = torch.empty((len(items), channels, *size), dtype=torch.uint8)
    for index, item in enumerate(items):
        images[index] = torch.from_numpy(_quantised(resize(_decoded(item, channels), size)))
    return images


def _split(recipe: Recipe, folder: Path) -> Parts:
    if not folder.is_dir():
        raise NotFound(f"{folder}: no such folder.", "Give the folder that holds one sub-folder for each label.")
    names = [name for name in recipe.names if (folder / name).is_dir()]
    covered = {label for name in names for label in recipe.members(name)}
    missing = [label for label in recipe.labels if label not in covered]
    if missing:
        raise BadRecipe(f"{folder} has no folder {missing[0]}.", "The data must hold one folder for each label of the recipe.")
    files = [(path, recipe.names.index(name)) for name in names for path in _images(folder / name)]
    if recipe.data.split == "longitude":
        return by_longitude(files, folder, recipe.data.validation_share)
    if recipe.data.split == "random":
        return at_random(files, folder, recipe.data.validation_share, recipe.data.seed)
    return by_patient(files, folder, recipe.data.validation_share, recipe.data.seed, recipe.data.apart)


def _images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def _decoded(item: Item, channels: int) -> NDArray[np.float32]:
    """float32 [channels, rows, columns] in [0, 1]: the file, or the piece of it that is meant."""
    with Pillow.open(item.path) as picture:
        pixels = np.asarray(picture.convert("L" if channels == 1 else "RGB"), dtype=np.float32) / np.float32(255.0)
    if item.box is not None:
        left, top, width, height = item.box
        pixels = pixels[top : top + height, left : left + width]
    return np.ascontiguousarray(pixels[np.newaxis] if channels == 1 else np.moveaxis(pixels, 2, 0))


def _quantised(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(np.clip(np.round(values * 255.0), 0, 255), dtype=np.uint8)
