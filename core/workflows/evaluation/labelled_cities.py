"""Folders of two dates with the pixels that changed, as the Onera set of Daudt et al. 2018 is laid out here: one folder a city."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import NotFound, UnreadableFile
from core.prepare.grid.align import on_grid_of, overlap_or_refuse
from core.readers import open_raster, read_scene
from core.types import Mask, Scene

_CHANGED = "changed.tif"
BEFORE, AFTER = "before_*.tif", "after_*.tif"


@dataclass(frozen=True)
class City:
    """Two dates on the grid of the first. changed, known: bool [rows, columns], what changed and where that is known."""

    name: str
    before: Scene
    after: Scene
    changed: Mask
    known: Mask


def city_folders(data: Path) -> tuple[Path, ...]:
    """The folders DIR/<city>/ that hold a changed.tif, by name. Raises NotFound where there is no such folder, or none in it."""
    if not data.is_dir():
        raise NotFound(f"{data}: no such folder.", f"Give the folder that holds one sub-folder a city, each with {_CHANGED}.")
    folders = tuple(sorted(path.parent for path in data.glob(f"*/{_CHANGED}")))
    if not folders:
        raise NotFound(f"{data} holds no city.", f"Each sub-folder must hold {BEFORE}, {AFTER} and {_CHANGED}.")
    return folders


def read_city(folder: Path) -> City:
    """Both dates of DIR/<city>/ and what changed; a coarser file is resampled to the finest of its date, the second date to the first.

    Raises NotFound for a missing file, UnreadableFile for a label raster of another size, and what the readers raise.
    """
    before, aligned = (_date(folder, pattern) for pattern in (BEFORE, AFTER))
    overlap_or_refuse(before, aligned)
    with open_raster(folder / _CHANGED) as raster:
        values, known = raster.read(1), raster.read_masks(1) > 0
    if values.shape != (before.height, before.width):
        raise UnreadableFile(
            f"{folder.name}/{_CHANGED} has {values.shape[1]} x {values.shape[0]} pixels, its first date {before.width} x {before.height}.",
            "It must lie on the grid of the first date.",
        )
    return City(folder.name, before, on_grid_of(aligned, before), np.asarray(values == 1), np.asarray(known))


def _date(folder: Path, pattern: str) -> Scene:
    files = sorted(folder.glob(pattern))
    if not files:
        raise NotFound(f"{folder} holds no {pattern}.", f"A city needs {BEFORE}, {AFTER} and {_CHANGED}.")
    return read_scene(files, name=f"{folder.name} {pattern.partition('_')[0]}")
