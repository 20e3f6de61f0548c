"""Pictures of scenes and of the rasters made from them, small enough for a browser: read from overviews, never at full size."""

from __future__ import annotations

import io
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from rasterio.enums import Resampling

from core.readers import open_raster
from core.types import Band, Scene

MOST_PIXELS = 1600
"""Longest side of a picture."""
BRIGHTEST_REFLECTANCE = 0.3
"""Shown as white where the file tells its reflectance: land is rarely brighter."""
COLOURS = ("red", "green", "blue")


@dataclass(frozen=True)
class Stretch:
    """Values that become black and white, one pair for all bands and all dates: a stretch of its own for each would look like change."""

    low: float
    high: float


def shown_size(scene: Scene, most: int = MOST_PIXELS) -> tuple[int, int]:
    """(rows, columns) of a picture of the scene."""
    reduction = max(1.0, max(scene.width, scene.height) / most)
    return max(1, round(scene.height / reduction)), max(1, round(scene.width / reduction))


def true_colour(scene: Scene, most: int = MOST_PIXELS, stretch: Stretch | None = None) -> NDArray[np.uint8]:
    """uint8 [rows, columns, 3] over the whole scene; its first three bands, or its first, where no colours are known."""
    values = np.stack([_read(band, shown_size(scene, most)) for band in shown_bands(scene)], axis=2)
    stretch = stretch or stretch_of(scene, values)
    with np.errstate(invalid="ignore"):
        scaled = (values - stretch.low) / max(stretch.high - stretch.low, 1e-9)
    return np.asarray(np.rint(np.clip(np.nan_to_num(scaled), 0.0, 1.0) * 255), dtype=np.uint8)


def shown_bands(scene: Scene) -> tuple[Band, ...]:
    """Three bands for red, green and blue of the screen."""
    named = {band.colour: band for band in reversed(scene.bands)}
    if all(colour in named for colour in COLOURS):
        return tuple(named[colour] for colour in COLOURS)
    return scene.bands[:3] if len(scene.bands) >= 3 else (scene.bands[0],) * 3


def stretch_of(scene: Scene, values: NDArray[np.float32] | None = None) -> Stretch:
    """By reflectance where the file tells it, the full range of 8-bit files, else from the 2nd to the 98th percentile."""
    bands = shown_bands(scene)
    if scene.dtype == "uint8":
        return Stretch(0.0, 255.0)
    if all(band.scale is not None for band in bands):
        return Stretch(0.0, BRIGHTEST_REFLECTANCE)
    if values is None:
        values = np.stack([_read(band, shown_size(scene, 512)) for band in bands], axis=2)
    known = values[np.isfinite(values)]
    low, high = np.percentile(known, (2, 98)) if known.size else (0.0, 1.0)
    return Stretch(float(low), float(high))


def _read(band: Band, shape: tuple[int, int]) -> NDArray[np.float32]:
    """float32 [rows, columns], in reflectance where the band tells how; NaN where there are no data."""
    with open_raster(band.file) as raster:
        values = raster.read(band.index, out_shape=shape, resampling=Resampling.average, masked=True)
    read = values.astype(np.float32).filled(np.nan)
    return np.asarray(read * np.float32(band.scale or 1.0) + np.float32(band.offset or 0.0), dtype=np.float32)


def classes_picture(path: Path, shape: tuple[int, int], colours: Sequence[tuple[int, int, int]], hidden: Set[int]) -> bytes:
    """A class raster (index into colours, 255 nothing) as PNG; hidden classes and nodata are transparent."""
    table = np.zeros((256, 4), dtype=np.uint8)
    for index, colour in enumerate(colours):
        table[index] = (*colour, 0 if index in hidden else 255)
    with open_raster(path) as raster:
        indices = raster.read(1, out_shape=shape, resampling=Resampling.nearest)
    return png(table[indices])


def values_picture(path: Path, shape: tuple[int, int], colours: NDArray[np.uint8], top: float = 1.0) -> bytes:
    """A float raster in [0, top] through a colour table uint8 [256, 3]; NaN is transparent."""
    with open_raster(path) as raster:
        values = raster.read(1, out_shape=shape, resampling=Resampling.average)
    known = np.isfinite(values)
    index = np.clip(np.where(known, values, 0.0) / max(top, 1e-9) * 255, 0, 255).astype(np.uint8)
    return png(np.dstack([colours[index], np.where(known, 255, 0).astype(np.uint8)]))


def mask_picture(path: Path, shape: tuple[int, int], colour: tuple[int, int, int]) -> bytes:
    """A raster of 1, 0 and 255 (nothing) with its ones in one colour; a thinned pixel that held a one keeps it."""
    with open_raster(path) as raster:
        marks = raster.read(1, out_shape=shape, resampling=Resampling.nearest) == 1
    picture = np.zeros((*shape, 4), dtype=np.uint8)
    picture[marks] = (*colour, 255)
    return png(picture)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Quickly packed rather than small: it travels to this machine's own browser."""
    held = io.BytesIO()
    PillowImage.fromarray(pixels).save(held, "PNG", compress_level=1)
    return held.getvalue()
