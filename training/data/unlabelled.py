"""Images without labels: every image file below some folders, divided as a training with labels divides them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import reduce
from operator import add
from pathlib import Path

from core.errors import BadRecipe, NotFound
from training.config.masked_recipe import ImagesPart
from training.data.folders import SUFFIXES
from training.data.items import Parts
from training.data.nodules import READERS_SUFFIX
from training.data.patients import INDEX, by_patient
from training.data.places import by_longitude

NO_LABEL = 0


def unlabelled_parts(folders: Sequence[Path], how: ImagesPart) -> Parts:
    """The image files below each folder, at any depth, what readers drew beside crops of CT left out.

    Raises NotFound for a missing folder, BadRecipe for one without images.
    """
    if not folders:
        raise BadRecipe("No folder of data was given.", "Give a folder that holds images, at any depth.")
    return reduce(add, (_parts(folder, how) for folder in folders))


def _parts(folder: Path, how: ImagesPart) -> Parts:
    if not folder.is_dir():
        raise NotFound(f"{folder}: no such folder.", "Give a folder that holds images, at any depth.")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and not path.name.endswith(READERS_SUFFIX))
    if len(found) < 4:
        raise BadRecipe(f"{folder} holds {len(found)} images.", f"Give a folder of images ({', '.join(SUFFIXES)}).")
    files = [(path, NO_LABEL) for path in found]
    if how.split == "longitude" and _lists_places(folder / INDEX):
        return by_longitude(files, folder, how.validation_share)
    return by_patient(files, folder, how.validation_share, how.seed)


def _lists_places(index: Path) -> bool:
    if not index.is_file():
        return False
    with index.open(newline="", encoding="utf-8") as lines:
        return {"latitude", "longitude"} <= set(next(csv.reader(lines), []))
