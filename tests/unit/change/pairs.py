"""A tiny model, and small scenes of one place at two dates, made for one test each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine

from core.inference.engine import Engine
from core.inference.runtimes import Runtime
from core.readers import SceneOptions, read_scene
from core.types import ChangeMap, Domain, Scene
from models.registry import load_model
from tests.tiny import write_tiny_model
from tests.unit.readers.scenes.geotiff_files import write_geotiff

CORNER = (448_000.0, 5_411_000.0)
"""A place near Paris in EPSG:32631."""
GRID = Affine(10, 0, CORNER[0], 0, -10, CORNER[1])
SIZE = (104, 96)
"""Rows and columns: four rows of tiles of the tiny model by four columns."""
BLOCK = (slice(40, 72), slice(32, 64))
"""Rows and columns of what changes: one tile of the tiny model."""
RASTERS = ("change.tif", "change_score.tif", "landcover_before.tif", "landcover_after.tif")
DARK, BRIGHT = (300, 500, 700), (2600, 2300, 1900)
"""Digital numbers of red, green and blue of a wood and of a roof."""


def tiny_engine(folder: Path, domain: Domain = Domain.LAND_COVER) -> Engine:
    """A tiny random model on the CPU, sure of itself as an uncalibrated one is."""
    return Engine(load_model(str(write_tiny_model(folder, domain, calibrated=False))), Runtime())


def ground(seed: int = 3, size: tuple[int, int] = SIZE) -> NDArray[np.uint16]:
    """[3, rows, columns]: a dark land with texture."""
    texture = np.random.default_rng(seed).normal(0.0, 40.0, (3, *size))
    return np.clip(np.array(DARK)[:, None, None] + texture, 1, 4000).astype(np.uint16)


def with_block(pixels: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The same land with a bright block on it."""
    built = pixels.copy()
    built[:, *BLOCK] = np.array(BRIGHT)[:, None, None] + pixels[:, *BLOCK] // 8
    return built


def written(path: Path, pixels: NDArray[Any], transform: Affine = GRID, options: SceneOptions | None = None, **profile: Any) -> Scene:
    """A scene of red, green and blue; reflectance = number / 10,000 and 0 for no data unless `profile` says otherwise."""
    facts: dict[str, Any] = {"descriptions": ("B04", "B03", "B02"), "nodata": 0, "transform": transform, **profile}
    return read_scene([write_geotiff(path, pixels, **facts)], options or SceneOptions(scale=1e-4, offset=0.0))


def two_dates(folder: Path) -> tuple[Scene, Scene]:
    """The land before and after the block was built."""
    return written(folder / "before_20200601.tif", ground()), written(folder / "after_20230604.tif", with_block(ground()))


def pixels_of(path: Path) -> NDArray[Any]:
    """The one band of a raster, [rows, columns]."""
    with rasterio.open(path) as file:
        values: NDArray[Any] = file.read(1)
    return values


def table(result: ChangeMap) -> dict[tuple[str, str], tuple[int, float]]:
    """(from, to) -> (pixels, hectares)."""
    return {(each.before, each.after): (each.pixels, each.hectares) for each in result.transitions}
