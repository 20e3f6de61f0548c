"""One image of a training, and the three sides that a set of images is divided into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Item:
    """One image file.

    label: index into the recipe's names: its labels, then its parent labels. group: the patient or the block of ground that it belongs to.
    origin: the folder of data that it comes from, as cards call it. box: (left, top, width, height) of the piece of the file that is meant,
    None for the whole. subgroups: (name, value) of what an index says of the patient, such as ("sex", "F").
    """

    path: Path
    label: int
    group: str
    origin: str = ""
    box: tuple[int, int, int, int] | None = None
    subgroups: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Parts:
    """The three sides of a split. calibration chooses temperature and thresholds; validation only gives figures."""

    train: tuple[Item, ...]
    calibration: tuple[Item, ...]
    validation: tuple[Item, ...]

    def __add__(self, other: Parts) -> Parts:
        return Parts(self.train + other.train, self.calibration + other.calibration, self.validation + other.validation)


def labels_of(items: Sequence[Item]) -> NDArray[np.int64]:
    """int64 [images]."""
    return np.array([item.label for item in items], dtype=np.int64)


def key_of(path: Path) -> str:
    """How an index.csv names an image: <label>/<file>."""
    return f"{path.parent.name}/{path.name}"
