"""Drawn cities in the layout of the change data: two dates in two resolutions, and the pixels that changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rasterio.transform import Affine

from tests.tiny_change import BLOCK, GRID, built, field
from tests.unit.readers.scenes.geotiff_files import write_geotiff

FINE, COARSE = ("B02", "B03", "B04", "B08"), ("B11", "B12")


def write_city(folder: Path, *, is_built: bool = True, moved: int = 0, seed: int = 0) -> Path:
    """DIR/<city>/{before,after}_{10m,20m}.tif and changed.tif. moved: pixels by which the second date's grid starts before the first's."""
    before, after = field(seed), field(seed + 100)
    after = built(after) if is_built else after
    after = np.pad(after, ((0, 0), (moved, moved % 2), (moved, moved % 2)), mode="edge")
    for name, pixels, grid in (("before", before, GRID), ("after", after, GRID @ Affine.translation(-moved, -moved))):
        coarse = pixels[4:, ::2, ::2]
        write_geotiff(folder / f"{name}_10m.tif", pixels[:4], transform=grid, descriptions=FINE)
        write_geotiff(folder / f"{name}_20m.tif", coarse, transform=grid @ Affine.scale(2), descriptions=COARSE)
    changed = np.zeros((1, *before.shape[1:]), dtype=np.uint8)
    if is_built:
        changed[0][BLOCK] = 1
    write_geotiff(folder / "changed.tif", changed, transform=GRID, nodata=255)
    return folder
