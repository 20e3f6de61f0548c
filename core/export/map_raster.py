"""A map of an explanation as a GeoTIFF on the grid of its scene."""

from __future__ import annotations

import numpy as np
from PIL import Image as PillowImage
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from core.types import FloatImage, FoundMap, ModelInput, Scene


def map_geotiff(scene: Scene, given: ModelInput, found: FoundMap) -> bytes:
    """A GeoTIFF of one float32 band with the pixels of the window that was explained: the raw map, unscaled, in its unit.

    Pixels of the network's input that share a pixel of the scene are averaged; where they are coarser each keeps its number. Its place is
    that of the window on the scene's grid, in the scene's CRS. Metadata name model input, method, target and unit.
    """
    left, top, width, height = given.box
    rows, columns = max(1, round(height)), max(1, round(width))
    values = np.asarray(PillowImage.fromarray(raw_map(found)).resize((columns, rows), PillowImage.Resampling.BOX), dtype=np.float32)
    grid = scene.transform * Affine.translation(left, top) * Affine.scale(width / columns, height / rows)
    tags = {"method": found.method, "target": found.target.name, "against": found.target.against, "unit": found.unit.value}
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff", width=columns, height=rows, count=1, dtype="float32", crs=scene.crs, transform=grid, compress="deflate"
        ) as raster:
            raster.write(values, 1)
            raster.set_band_description(1, found.method)
            raster.update_tags(**{name: value for name, value in tags.items() if value}, source=given.source)
        return bytes(memory.read())


def raw_map(found: FoundMap) -> FloatImage:
    """float32 [rows, columns] on the network's input grid, unscaled: a token's number in each of its pixels, attributions summed over
    channels."""
    if found.tokens is not None:
        return np.ascontiguousarray(found.tokens.at_pixels(), dtype=np.float32)
    values = found.saliency if found.attribution is None else found.attribution.sum(axis=0)
    return np.ascontiguousarray(values, dtype=np.float32)
