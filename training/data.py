"""A folder of images by label, divided so that nothing of one patient, or of one place, is on both sides."""

from __future__ import annotations

import csv
import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from torch import Tensor

from core.errors import BadRecipe, NotFound
from core.prepare.tensor import resize
from core.types import Preprocess
from training.recipe import DataPart, Recipe

SUFFIXES = (".jpg", ".jpeg", ".png")
PATIENT = re.compile(r"(person|IM-)0*(\d+)")
BLOCK_DEGREES = 1.0


@dataclass(frozen=True)
class Item:
    """One image file: label is an index into the recipe's labels; group is the patient or the block of ground that it belongs to."""

    path: Path
    label: int
    group: str


@dataclass(frozen=True)
class Parts:
    """The three sides of a split. calibration chooses temperature and thresholds; validation only gives figures."""

    train: tuple[Item, ...]
    calibration: tuple[Item, ...]
    validation: tuple[Item, ...]


def split(recipe: Recipe, folder: Path) -> Parts:
    """The images of DIR/<label>/. Raises NotFound for a missing folder, BadRecipe for data that the recipe cannot divide."""
    if not folder.is_dir():
        raise NotFound(f"{folder}: no such folder.", "Give the folder that holds one sub-folder for each label.")
    files = [(path, index) for index, label in enumerate(recipe.labels) for path in _images(folder, label)]
    parts = _by_patient(files, recipe.data) if recipe.data.split == "patient" else _by_longitude(files, folder, recipe.data)
    for name in ("train", "calibration", "validation"):
        if {item.label for item in getattr(parts, name)} != set(range(len(recipe.labels))):
            raise BadRecipe(f"{folder}: the {name} part does not hold every label.", "Give more images, or another data.validation_share.")
    return parts


def patient_of(name: str) -> str:
    """The patient in a Kermany file name: person<ID>_..., IM-<ID>-..., NORMAL2-IM-<ID>-...; the whole stem where there is none."""
    found = PATIENT.search(name)
    return f"{found[1]}{int(found[2])}" if found else Path(name).stem


def read_images(items: Sequence[Item], preprocess: Preprocess, size: tuple[int, int]) -> Tensor:
    """uint8 [images, channels, rows, columns], decoded once and brought to `size` by the function that prediction uses."""
    channels = len(preprocess.channels)
    images = torch.empty((len(items), channels, *size), dtype=torch.uint8)
    for index, item in enumerate(items):
        images[index] = torch.from_numpy(_quantised(resize(_decoded(item.path, channels), size)))
    return images


def labels_of(items: Sequence[Item]) -> NDArray[np.int64]:
    """int64 [images]."""
    return np.array([item.label for item in items], dtype=np.int64)


def _decoded(path: Path, channels: int) -> NDArray[np.float32]:
    """float32 [channels, rows, columns] in [0, 1]."""
    with Pillow.open(path) as picture:
        pixels = np.asarray(picture.convert("L" if channels == 1 else "RGB"), dtype=np.float32) / np.float32(255.0)
    return np.ascontiguousarray(pixels[np.newaxis] if channels == 1 else np.moveaxis(pixels, 2, 0))


def _quantised(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(np.clip(np.round(values * 255.0), 0, 255), dtype=np.uint8)


def _images(folder: Path, label: str) -> list[Path]:
    if not (folder / label).is_dir():
        raise BadRecipe(f"{folder} has no folder {label}.", "The data must hold one folder for each label of the recipe.")
    return sorted(path for path in (folder / label).iterdir() if path.suffix.lower() in SUFFIXES)


def _by_patient(files: list[tuple[Path, int]], data: DataPart) -> Parts:
    groups = _joined_by_duplicates([(path, patient_of(path.name)) for path, _ in files])
    items = [Item(path, label, group) for (path, label), group in zip(files, groups, strict=True)]
    names = sorted({item.group for item in items})
    order = np.random.default_rng(data.seed).permutation(len(names))
    held = max(2, round(len(names) * data.validation_share))
    side = {names[place]: rank for rank, place in enumerate(order)}
    return Parts(
        train=tuple(item for item in items if side[item.group] >= held),
        calibration=tuple(item for item in items if side[item.group] < held // 2),
        validation=tuple(item for item in items if held // 2 <= side[item.group] < held),
    )


def _joined_by_duplicates(named: list[tuple[Path, str]]) -> list[str]:
    """The group of each file; groups that share an exact copy of a file become one."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    by_digest: dict[str, list[str]] = defaultdict(list)
    for path, group in named:
        by_digest[hashlib.sha256(path.read_bytes()).hexdigest()].append(group)
    for copies in by_digest.values():
        for other in copies[1:]:
            parent[root(other)] = root(copies[0])
    return [root(group) for _, group in named]


def _by_longitude(files: list[tuple[Path, int]], folder: Path, data: DataPart) -> Parts:
    """The easternmost share is held back; its blocks of one degree of latitude go to calibration and validation in turn."""
    places = _places(folder / "index.csv")
    missing = [path for path, _ in files if _key(path) not in places]
    if missing:
        raise BadRecipe(f"{folder / 'index.csv'} does not list {_key(missing[0])}.", "It must list every image as file,latitude,longitude.")
    where = np.array([places[_key(path)] for path, _ in files])  # [images, (latitude, longitude)]
    border = float(np.quantile(where[:, 1], 1.0 - data.validation_share))
    sides: dict[str, list[Item]] = {"train": [], "calibration": [], "validation": []}
    for (path, label), (latitude, longitude) in zip(files, where, strict=True):
        row, column = int(latitude // BLOCK_DEGREES), int(longitude // BLOCK_DEGREES)
        side = "train" if longitude < border else ("calibration", "validation")[row % 2]
        sides[side].append(Item(path, label, f"{row},{column}"))
    return Parts(*(tuple(sides[name]) for name in ("train", "calibration", "validation")))


def _key(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _places(index: Path) -> dict[str, tuple[float, float]]:
    if not index.is_file():
        raise NotFound(f"{index}: no such file.", "A split by longitude needs index.csv with file, latitude, longitude.")
    with index.open(newline="", encoding="utf-8") as lines:
        try:
            return {row["file"]: (float(row["latitude"]), float(row["longitude"])) for row in csv.DictReader(lines)}
        except (KeyError, ValueError, TypeError) as error:
            raise BadRecipe(f"{index}: {error}.", "It must have the columns file, latitude, longitude.") from None
