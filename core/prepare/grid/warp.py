"""A raster brought to the grid of a scene, and where a raster holds data.

GDAL's warper takes the width of its kernel from the ratio of the widths of both windows. That ratio is wrong wherever the grids are turned
against each other: an exact copy that is stored turned by a quarter came back blurred. So the ratio is measured here, and told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from pyproj.exceptions import CRSError, ProjError
from rasterio import DatasetReader
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from core.prepare.grid.align import way_between
from core.readers.scenes.blocks import held_pixels
from core.types import Band, Mask, Scene

SAME_SIZE = 0.05
"""Pixels within this share of one another are of one size: bilinear interpolation, no averaging."""

_Place = tuple[float, float]


def warped(raster: DatasetReader, grid: Scene, bands: Sequence[Band]) -> WarpedVRT:
    """The raster on the grid of a scene, bilinearly; a context manager. bands: of its file, which know its mask."""
    target = {"crs": grid.crs, "transform": grid.transform, "width": grid.width, "height": grid.height}
    return WarpedVRT(raster, resampling=Resampling.bilinear, **target, **_edge(raster, bands[0]), **kernel_scale(raster, grid))


def has_data(raster: DatasetReader, bands: Sequence[Band], window: Window) -> Mask:
    """bool [height, width] of a window of a raster on its own grid: where one of the bands has data, and their mask is above 0.

    The nodata value of one band alone is a common dark pixel, hence "one". GDAL itself counts an alpha band only beside one or three bands.
    """
    valid = (raster.read_masks([band.index for band in bands], window=window) > 0).any(axis=0)
    if _is_told_elsewhere(raster, bands[0]):
        valid &= (raster.read([band.index for band in bands], window=window) != bands[0].nodata).any(axis=0)
    if bands[0].is_sparse:
        valid &= held_pixels(raster, window)
    return np.asarray(valid & _masked(raster, bands[0], window), dtype=np.bool_)


def has_warped_data(raster: WarpedVRT, bands: Sequence[Band], window: Window) -> Mask:
    """The same of a raster that was brought to a grid."""
    valid = (raster.read_masks([band.index for band in bands], window=window) > 0).any(axis=0)
    return np.asarray(valid & _masked(raster, bands[0], window), dtype=np.bool_)


def says_itself_what_has_data(raster: DatasetReader, band: Band) -> bool:
    """Whether GDAL knows by the file alone where it has data. band: one of the file's."""
    return band.mask is None and not band.is_sparse and not _is_told_elsewhere(raster, band)


def kernel_scale(raster: DatasetReader, grid: Scene) -> dict[str, float]:
    """XSCALE and YSCALE of GDAL's warper: pixels of the grid a pixel of the raster, along the raster's columns and rows.

    Measured at the centre of the grid; nothing where no way leads from one to the other, and GDAL's own guess stands.
    """
    column, row = grid.width / 2, grid.height / 2
    try:
        middle, right, below = (_in_pixels_of(raster, grid, place) for place in ((column, row), (column + 1, row), (column, row + 1)))
    except (CRSError, ProjError):
        return {}
    across = math.hypot(right[0] - middle[0], below[0] - middle[0])  # columns of the raster that a pixel of the grid reaches over
    down = math.hypot(right[1] - middle[1], below[1] - middle[1])
    if not (math.isfinite(across) and math.isfinite(down) and min(across, down) > 0):
        return {}
    return {"XSCALE": _ratio(across), "YSCALE": _ratio(down)}


def _edge(raster: DatasetReader, band: Band) -> dict[str, Any]:
    """How the warper knows where the raster has data, so that nothing bleeds into what has none."""
    if band.mask is not None:
        return {"src_alpha": band.mask.index, "SRC_ALPHA_MAX": band.mask.top, "DST_ALPHA_MAX": band.mask.top}
    if any(value is not None for value in raster.nodatavals):
        return {}
    if _is_told_elsewhere(raster, band):
        return {"src_nodata": band.nodata, "nodata": band.nodata}
    return {"src_nodata": 0, "nodata": 0} if band.is_sparse else {"add_alpha": True}


def _is_told_elsewhere(raster: DatasetReader, band: Band) -> bool:
    """Whether it is the product, and not the file, that says which number means nothing."""
    return band.nodata is not None and all(value is None for value in raster.nodatavals)


def _masked(raster: DatasetReader, band: Band, window: Window) -> Mask | bool:
    return True if band.mask is None else np.asarray(raster.read(band.mask.index, window=window) > 0)


def _in_pixels_of(raster: DatasetReader, grid: Scene, place: _Place) -> _Place:
    """(column, row) of the raster at a place (column, row) of the grid."""
    x, y = grid.transform @ place
    if raster.crs != grid.crs and grid.crs is not None and raster.crs is not None:
        x, y = way_between(grid.crs, raster.crs).transform(x, y)
    inverse: Affine = ~raster.transform
    column, row = inverse @ (x, y)
    return column, row


def _ratio(reach: float) -> float:
    return 1.0 if abs(reach - 1.0) <= SAME_SIZE else 1.0 / reach
