"""What readers drew in the images of a folder: boxes of an index.csv, or a mask beside each image."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from core.errors import UnreadableFile
from core.types import Mask

BOX_INDEX = "index.csv"
BOXES = "boxes"
"""What the name of the column begins with that holds [[label, x, y, width, height], ...] as JSON, in pixels of the image."""
MASKS: Mapping[str, int] = {"_mask.png": 1, "_readers.png": 2}
"""Ending of a mask's name in place of the image's -> the least value of a pixel that counts: any, or two readers who drew it."""


@dataclass(frozen=True)
class Drawings:
    """Of the images of a folder. boxes: file, relative to the folder -> (x, y, width, height) of each box."""

    folder: Path
    boxes: Mapping[str, tuple[tuple[float, float, float, float], ...]]

    def has(self, image: Path) -> bool:
        """Whether something may have been drawn in an image, before it is read."""
        return bool(self.boxes.get(self._name(image))) or any(image.with_name(image.stem + ending).is_file() for ending in MASKS)

    def of(self, image: Path, sides: tuple[int, int]) -> Mask | None:
        """bool [rows, columns] of the image's own pixels, somewhere true; None where nothing was drawn. sides: (rows, columns).

        Raises UnreadableFile for a mask of another size, or that is none.
        """
        drawn = self._mask(image, sides)
        for left, top, width, height in self.boxes.get(self._name(image), ()):
            drawn[max(0, round(top)) : max(0, round(top + height)), max(0, round(left)) : max(0, round(left + width))] = True
        return drawn if drawn.any() else None

    def _name(self, image: Path) -> str:
        return image.relative_to(self.folder).as_posix() if image.is_relative_to(self.folder) else ""

    def _mask(self, image: Path, sides: tuple[int, int]) -> Mask:
        for ending, least in MASKS.items():
            path = image.with_name(image.stem + ending)
            if path.is_file():
                try:
                    with Pillow.open(path) as opened:
                        found = np.asarray(opened.convert("L")) >= least
                except (OSError, ValueError, Pillow.DecompressionBombError) as error:
                    raise UnreadableFile(f"{path.name} cannot be read as a mask.", "Masks are PNG of the image's size.") from error
                if found.shape != sides:
                    raise UnreadableFile(f"{path.name} has {found.shape}, its image {sides} rows and columns.", "Give them one size.")
                return found
        return np.zeros(sides, dtype=bool)


def is_drawing(path: Path) -> bool:
    """Whether a file is what was drawn, and no image."""
    return path.name.endswith(tuple(MASKS))


def drawings_in(folder: Path) -> Drawings:
    """What index.csv of a folder says of boxes. Raises UnreadableFile where a line of it cannot be read."""
    path = folder / BOX_INDEX
    if not path.is_file():
        return Drawings(folder, {})
    boxes: dict[str, tuple[tuple[float, float, float, float], ...]] = {}
    with path.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines)
        column = next((name for name in reader.fieldnames or () if name.startswith(BOXES)), None)
        for number, row in enumerate(reader if column is not None else (), start=2):
            try:
                told = [tuple(map(float, box[-4:])) for box in json.loads(row[column or ""] or "[]")]
                boxes[row["file"]] = tuple((x, y, width, height) for x, y, width, height in told)
            except (ValueError, TypeError, KeyError) as error:
                words = f"boxes are [[label, x, y, width, height], ...] under {column}, files under `file`"
                raise UnreadableFile(f"Line {number} of {path} holds no boxes.", f"{words}.") from error
    return Drawings(folder, boxes)
