"""A piece of land, and the helpers of tests that map it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine

from core.readers import SceneOptions, read_scene
from core.types import Scene
from tests.unit.readers.scenes.geotiff_files import write_geotiff

FILES = [
    "areas.csv",
    "classes.gpkg",
    "confidence.tif",
    "item.json",
    "landcover.qml",
    "landcover.tif",
    "landcover.tif.aux.xml",
    "map.png",
    "outside.tif",
    "project.qgz",
    "uncertainty.tif",
    "unstable.tif",
]
PLACE = Affine(10, 0, 448_000, 0, -10, 5_411_000)


def ground(rows: int = 150, columns: int = 130) -> NDArray[np.uint16]:
    """[3, rows, columns]: fields of 40 pixels in different colours, with texture; a corner without data."""
    rng = np.random.default_rng(4)
    fields = rng.integers(100, 2700, (3, rows // 40 + 1, columns // 40 + 1)).repeat(40, axis=1).repeat(40, axis=2)[:, :rows, :columns]
    pixels = np.clip(fields + rng.normal(0, 60, fields.shape), 1, 4000).astype(np.uint16)
    pixels[:, : rows // 4, : columns // 3] = 0
    return pixels


def scene_of(path: Path, pixels: NDArray[Any] | None = None, **profile: Any) -> Scene:
    facts = {"descriptions": ("B04", "B03", "B02"), "nodata": 0, "transform": PLACE, **profile}
    return read_scene([write_geotiff(path, ground() if pixels is None else pixels, **facts)], SceneOptions(scale=1e-4, offset=0.0))


def read(path: Path) -> NDArray[Any]:
    with rasterio.open(path) as raster:
        return raster.read(1)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def names(folder: Path) -> list[str]:
    return sorted(made.name for made in folder.iterdir())
