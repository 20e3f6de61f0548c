"""Finished maps and changes with a known truth, made by hand."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine

from core.export.geotiff import StripWriter
from core.workflows.change_files import STATE_COLOURS, STATES

LABELS, COLOURS = ("Forest", "SeaLake", "Highway"), ((0, 100, 0), (0, 0, 200), (90, 90, 90))
HEIGHT, WIDTH = 300, 200
PIXEL, LEFT, TOP = 10.0, 500_000.0, 4_600_000.0
GRID: dict[str, Any] = {
    "width": WIDTH, "height": HEIGHT, "crs": CRS.from_epsg(32631), "transform": Affine(PIXEL, 0, LEFT, 0, -PIXEL, TOP),
    "dtype": "uint8", "nodata": 255,
}  # fmt: skip


def truth() -> NDArray[np.uint8]:
    """Forest, a sea at the right, and a little of a third class."""
    ground = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    ground[:, 130:] = 1
    ground[100:120, 40:60] = 2
    return ground


def write_map(folder: Path, wrong: float = 0.08) -> Path:
    """landcover.tif of the truth with some pixels wrong, and a row without data."""
    generator = np.random.default_rng(4)
    classes = truth()
    flipped = generator.random(classes.shape) < wrong
    classes[flipped] = generator.integers(0, 3, int(flipped.sum()))
    classes[0] = 255
    folder.mkdir(parents=True, exist_ok=True)
    with StripWriter(folder / "landcover.tif", **GRID, labels=LABELS, colours=COLOURS) as writer:
        writer.write(0, classes)
    return folder


def write_change(folder: Path) -> Path:
    """change.tif with a rectangle of change, and landcover_before.tif."""
    folder.mkdir(parents=True, exist_ok=True)
    states = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    states[50:80, 50:80] = 1
    with StripWriter(folder / "change.tif", **GRID, labels=STATES, colours=STATE_COLOURS) as writer:
        writer.write(0, states)
    with StripWriter(folder / "landcover_before.tif", **GRID, labels=LABELS, colours=COLOURS) as writer:
        writer.write(0, truth())
    return folder


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def fill(points: Path, filled: Path, label: Callable[[int, int], str], **beside: object) -> Path:
    """The points of a CSV with labels. label: (row, column) -> what is there."""
    rows = rows_of(points)
    with filled.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        for row in rows:
            place = int((TOP - float(row["y"])) / PIXEL), int((float(row["x"]) - LEFT) / PIXEL)
            writer.writerow({**row, "label": label(*place), **beside})
    return filled


def as_in_truth(row: int, column: int) -> str:
    return LABELS[int(truth()[row, column])]
