"""Rasters of a result cut to zones, as gdalwarp cuts to a cutline: pixels whose centre lies in none have no data; the grid ends there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.windows import Window

from core.areas.zonal_counts import InsideZones
from core.areas.zones import Zone, read_zones
from core.errors import InputError
from core.export.geotiff import READ_ROWS, StripWriter
from core.export.staging import staged
from core.readers.scenes.raster import open_raster
from core.types import Scene


def inside_or_refuse(scene: Scene, zones: Path | None) -> InsideZones:
    """The zones on the grid of a scene, asked for before the work. Raises InputError without zones, or where none lies on the scene."""
    if zones is None or scene.crs is None:
        raise InputError("--clip cuts to zones, and none were given.", "Give them with --zones FILE.")
    inside = InsideZones(read_zones(zones, scene.crs), scene.transform)
    _window_or_refuse(inside, scene.width, scene.height)
    return inside


def clip_rasters(folder: Path, legends: Mapping[str, Mapping[str, Any]], zones: Sequence[Zone]) -> None:
    """Cut rasters of one grid, in place of themselves. legends: labels and colours by file name, {} for what is no class raster.

    zones: in the CRS of the rasters. Raises InputError where no zone lies on them.
    """
    with staged(folder) as clipped:
        for name, legend in legends.items():
            _clip(folder / name, clipped / name, legend, zones)


def _clip(source: Path, target: Path, legend: Mapping[str, Any], zones: Sequence[Zone]) -> None:
    with open_raster(source) as raster:
        inside = InsideZones(zones, raster.transform)
        left, top, width, height = _window_or_refuse(inside, raster.width, raster.height)
        grid: dict[str, Any] = {
            "width": width, "height": height, "crs": raster.crs, "nodata": raster.nodata, "dtype": raster.dtypes[0],
            "transform": raster.window_transform(Window(left, top, width, height)), "description": raster.descriptions[0] or "",
        }  # fmt: skip
        bands = tuple(name or "" for name in raster.descriptions) if raster.count > 1 else ()
        whole = raster.width
    with StripWriter(target, **grid, **legend, bands=bands) as writer:
        for row in range(0, height, READ_ROWS):
            rows = min(READ_ROWS, height - row)
            with open_raster(source) as raster:
                strip = raster.read(window=Window(left, top + row, width, rows))  # [bands, rows, width]
            is_in = inside.rows(top + row, rows, whole)[:, left : left + width]
            kept = np.where(is_in, strip, np.asarray(grid["nodata"]).astype(strip.dtype))
            writer.write(row, kept if bands else kept[0])


def _window_or_refuse(inside: InsideZones, width: int, height: int) -> tuple[int, int, int, int]:
    window = inside.window(width, height)
    if not window[2] or not window[3]:
        raise InputError("No zone lies on the scene: nothing would be left of it.", "Give zones of its place, or leave --clip out.")
    return window
