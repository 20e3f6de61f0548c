"""Bands of a scene as a model needs them: in its order, as reflectance, with one valid mask, read by window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rasterio import DatasetReader
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.windows import Window

from core.errors import MissingBands
from core.prepare.grid.clouds import clouds_in
from core.prepare.grid.reflectance import assumed_scale, value_doubts
from core.prepare.grid.warp import has_data, has_warped_data, says_itself_what_has_data, warped
from core.readers.scenes.raster import open_raster
from core.types import Band, FloatImage, Mask, Notice, Preprocess, Scene


def resolve_bands(
    scene: Scene, channels: Sequence[str], reflectance_top: float | None = None
) -> tuple[tuple[Band, ...], tuple[Notice, ...]]:
    """The bands that show `channels`, in their order, each with scale and offset; and what had to be assumed, what is doubtful first.

    reflectance_top: what 8-bit values of 255 stand for, since such files are rendered for display; 1.0 by default.
    Raises MissingBands where no band is known to show a channel.
    """
    by_colour = {band.common_name: band for band in reversed(scene.bands)}
    missing = [channel for channel in channels if channel not in by_colour]
    if missing:
        raise MissingBands(scene.name, missing, [band.name for band in scene.bands])
    bands = tuple(by_colour[channel] for channel in channels)
    if all(band.scale is not None for band in bands):
        return bands, value_doubts(scene)
    scale, assumed = assumed_scale(scene.dtype, reflectance_top or 1.0)
    return tuple(band if band.scale is not None else replace(band, scale=scale, offset=0.0) for band in bands), (
        *value_doubts(scene),
        assumed,
    )


def read_window(scene: Scene, bands: Sequence[Band], window: tuple[int, int, int, int]) -> tuple[FloatImage, Mask]:
    """One window of a scene, on the scene's grid.

    window: (left, top, width, height) in pixels of the scene. Bands of coarser files are resampled bilinearly.
    Returns reflectance, float32 [bands, height, width], 0 where invalid; and valid, bool [height, width]: a pixel is valid where
    every file has data there (in at least one of its bands, as the nodata value of one band alone is a common dark pixel), and no cloud
    is told.
    Raises UnreadableFile.
    """
    left, top, width, height = window
    clear = np.ones((height, width), dtype=np.bool_) if scene.clouds is None else ~clouds_in(scene, window)
    return _reflectance(bands, clear, lambda file, own: _read_file(scene, file, own, Window(left, top, width, height)))


def read_reduced(scene: Scene, bands: Sequence[Band], size: tuple[int, int]) -> tuple[FloatImage, Mask]:
    """A whole scene in `size` (rows, columns), none more than it has: means over what each pixel covers. Returns, raises: as read_window.

    Files on the scene's grid are reduced as they are decoded, from their overviews where they have any; a warp would take far longer.
    """
    height, width = size
    coarser = Affine.scale(scene.width / width, scene.height / height)
    small = replace(scene, width=width, height=height, transform=scene.transform @ coarser)
    clear = np.ones(size, dtype=np.bool_) if scene.clouds is None else ~clouds_in(small, (0, 0, width, height))

    def read(file: Path, own: Sequence[Band]) -> tuple[FloatImage, Mask]:
        with open_raster(file) as raster:
            if not _is_on_grid(raster, scene) or not says_itself_what_has_data(raster, own[0]):
                return _read_file(small, file, own, Window(0, 0, width, height))
            indexes, shape = [band.index for band in own], (len(own), height, width)
            valid = (raster.read_masks(indexes, out_shape=shape) > 0).any(axis=0)
            return raster.read(indexes, out_shape=shape, resampling=Resampling.average).astype(np.float32), valid

    return _reflectance(bands, clear, read)


def _reflectance(
    bands: Sequence[Band], clear: Mask, read: Callable[[Path, Sequence[Band]], tuple[FloatImage, Mask]]
) -> tuple[FloatImage, Mask]:
    """Of bands of several files, each read as digital numbers and where it has data. clear: where no cloud is told."""
    values = np.zeros((len(bands), *clear.shape), dtype=np.float32)
    valid = clear.copy()
    for file in dict.fromkeys(band.file for band in bands):
        places = [place for place, band in enumerate(bands) if band.file == file]
        numbers, known = read(file, [bands[place] for place in places])
        valid &= known
        for place, number in zip(places, numbers, strict=True):
            band = bands[place]
            values[place] = number * (1.0 if band.scale is None else band.scale) + (band.offset or 0.0)
    valid &= np.isfinite(values).all(axis=0)
    values[:, ~valid] = 0.0
    return values, valid


def rendering(reflectance: FloatImage, preprocess: Preprocess) -> FloatImage:
    """Reflectance as the model saw it in training: clipped at its top and scaled to [0, 1]. Any shape, float32."""
    scaled = np.asarray(reflectance / (preprocess.reflectance_top or 1.0), dtype=np.float32)
    return np.clip(scaled, 0.0, 1.0, out=scaled)


def _read_file(scene: Scene, file: Path, bands: Sequence[Band], window: Window) -> tuple[FloatImage, Mask]:
    """Digital numbers, float32 [bands, height, width], and where the file has data, bool [height, width]."""
    indexes = [band.index for band in bands]
    with open_raster(file) as raster:
        if _is_on_grid(raster, scene):
            valid = has_data(raster, bands, window)
            return raster.read(indexes, window=window).astype(np.float32), valid
        with warped(raster, scene, bands) as moved:
            return moved.read(indexes, window=window).astype(np.float32), has_warped_data(moved, bands, window)


def _is_on_grid(raster: DatasetReader, scene: Scene) -> bool:
    if (raster.width, raster.height) != (scene.width, scene.height):
        return False
    return scene.crs is None or (raster.crs == scene.crs and Affine.almost_equals(raster.transform, scene.transform, 1e-9))
