"""Where clouds and their shadows lie in a scene, as its product or the user tells; what they cover holds no data on that date.

SCL: classes 3 (shadow), 8, 9 (cloud of medium and of high probability) and 10 (cirrus) of Sentinel-2 L2A (ESA, Level-2A Algorithm
Theoretical Basis Document). QA_PIXEL: bits 1 (dilated cloud), 2 (cirrus), 3 (cloud) and 4 (shadow) of Landsat Collection 2 (USGS,
LSDS-1619).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio import DatasetReader
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from core.errors import NoOverlap
from core.readers.scenes.footprint import footprint, in_words
from core.readers.scenes.raster import open_raster
from core.types import CloudKind, CloudMask, Mask, Notice, Scene, notice

SCL_CLOUDS = (3, 8, 9, 10)
QA_CLOUDS = 0b11110
SCL_NOTHING, QA_FILL = 0, 0b1
COUNTED_SIDE = 2_000
"""Pixels of the longer side at which shares are counted; a scene of up to so many is counted whole."""


def is_cloud(kind: CloudKind, values: NDArray[Any]) -> Mask:
    """bool, of any shape, of the values of a raster that tells clouds."""
    if kind is CloudKind.SCL:
        return np.isin(values, SCL_CLOUDS)
    if kind is CloudKind.QA:
        return np.asarray((values.astype(np.int64) & QA_CLOUDS != 0) & (values.astype(np.int64) & QA_FILL == 0))
    return np.asarray(np.nan_to_num(values) != 0)


def clouds_in(scene: Scene, window: tuple[int, int, int, int]) -> Mask:
    """bool [height, width] of a window (left, top, width, height) on the scene's grid; nothing beyond the raster is cloud.

    Raises UnreadableFile.
    """
    if scene.clouds is None:
        return np.zeros((window[3], window[2]), dtype=np.bool_)
    values, known = _read(scene, scene.clouds, window, (window[3], window[2]))
    return is_cloud(scene.clouds.kind, values) & known


def cloud_share(scene: Scene) -> float | None:
    """Of the pixels that its raster of clouds speaks of, the share that is cloud or shadow; None where nothing tells clouds.

    Raises UnreadableFile, NoOverlap where that raster lies elsewhere.
    """
    if scene.clouds is None:
        return None
    reduction = max(1.0, max(scene.width, scene.height) / COUNTED_SIDE)
    shape = max(1, round(scene.height / reduction)), max(1, round(scene.width / reduction))
    values, known = _read(scene, scene.clouds, (0, 0, scene.width, scene.height), shape)
    if not known.any() and scene.crs is not None:
        raise NoOverlap(scene.name, in_words(scene.footprint), scene.clouds.file.name, _place_of(scene.clouds))
    spoken = known & _speaks(scene.clouds.kind, values)
    return float((is_cloud(scene.clouds.kind, values) & spoken).sum() / max(int(spoken.sum()), 1))


def cloud_notice(scene: Scene) -> Notice:
    """How much of a scene is masked, and by what; or that nothing is."""
    share = cloud_share(scene)
    if share is None or scene.clouds is None:
        return notice("clouds.not-masked")
    return notice("clouds.masked", percent=round(100 * share, 1), kind=scene.clouds.kind.value)


def _speaks(kind: CloudKind, values: NDArray[Any]) -> Mask:
    """Where the scene has data, as far as the raster of clouds knows."""
    if kind is CloudKind.SCL:
        return np.asarray(values != SCL_NOTHING)
    if kind is CloudKind.QA:
        return np.asarray(values.astype(np.int64) & QA_FILL == 0)
    return np.ones(values.shape, dtype=np.bool_)


def _read(scene: Scene, mask: CloudMask, window: tuple[int, int, int, int], shape: tuple[int, int]) -> tuple[NDArray[Any], Mask]:
    """Values of the raster on a window of the scene's grid, and where it has some: nearest pixels, so that no class is invented."""
    left, top, width, height = window
    with open_raster(mask.file) as raster:
        if _has_grid_of(raster, scene):
            read = raster.read(mask.index, window=Window(left, top, width, height), out_shape=shape, masked=mask.kind is CloudKind.OWN)
            return np.ma.getdata(read), ~np.ma.getmaskarray(read)
        transform = scene.transform @ Affine.translation(left, top) @ Affine.scale(width / shape[1], height / shape[0])
        target = {"crs": scene.crs, "transform": transform, "width": shape[1], "height": shape[0]}
        with WarpedVRT(raster, resampling=Resampling.nearest, add_alpha=True, **target) as placed:
            values = placed.read(mask.index)
            return values, np.asarray(placed.read(placed.count) > 0)


def _has_grid_of(raster: DatasetReader, scene: Scene) -> bool:
    if (raster.width, raster.height) != (scene.width, scene.height):
        return False
    return scene.crs is None or (raster.crs == scene.crs and Affine.almost_equals(raster.transform, scene.transform, 1e-9))


def _place_of(mask: CloudMask) -> str:
    with open_raster(mask.file) as raster:
        place = footprint(raster.crs, raster.transform, raster.width, raster.height) if raster.crs else None
    return in_words(place)
