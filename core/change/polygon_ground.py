"""The ground about a polygon of change, in files of its own, so that it can be compared again with other pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import Affine

from core.change.evidence import Evidence
from core.change.methods.base import Method
from core.errors import InputError
from core.prepare.grid.bands import read_window
from core.prepare.grid.ground import pixel_metres
from core.types import Band, FloatImage, Mask, Scene

LARGEST_PIXELS = 1_000_000
"""Of the ground about a polygon that is compared again and again."""
WIDEST_MARGIN = 256
"""Pixels about a polygon, for the tiles that see it."""
FIRST, SECOND = "before.tif", "after.tif"
_NEAREST_MARGIN = 16
_MILLION = 1_000_000

_Window = tuple[int, int, int, int]
"""(left, top, width, height)."""


@dataclass(frozen=True)
class PolygonGround:
    """Both dates about a polygon, as reflectance in files of their own.

    scenes: the dates. old, after: float32 [bands, rows, columns], in the order of the second date's bands.
    valid: bool [rows, columns], where both dates have data. inside: slices of the polygon's window. colours: bands that can be put back.
    """

    scenes: tuple[Scene, Scene]
    method: Method
    old: FloatImage
    after: FloatImage
    valid: Mask
    inside: tuple[slice, slice]
    colours: tuple[str, ...]
    scratch: Path

    @classmethod
    def about(cls, before: Scene, aligned: Scene, method: Method, window: _Window, scratch: Path) -> PolygonGround:
        """The ground that the tiles over a window see. Raises InputError where that is too much, UnreadableFile."""
        place = _place(before, _margin(before, aligned, method), window)
        compared = method.reading(before, aligned).preprocess.channels
        dates = [_cut(scene, _sorted(scene.bands, compared), place, scratch / name) for scene, name in ((before, FIRST), (aligned, SECOND))]
        (first, old, has_old), (second, new, has_new) = dates
        numbers = {_name(band): number for number, band in enumerate(first.bands)}
        same = [old[numbers[name]] if name in numbers else new[number] for number, name in enumerate(map(_name, second.bands))]
        left, top = window[0] - place[0], window[1] - place[1]
        inside = np.s_[top : top + window[3], left : left + window[2]]
        shared = tuple(name for name in dict.fromkeys(compared) if name in numbers and name in set(map(_name, second.bands)))
        return cls((first, second), method, np.stack(same), new, has_old & has_new, inside, shared, scratch)

    def put_back(self, where: Mask, colour: str = "") -> FloatImage:
        """The second date with the first one's values there; of one band alone where one is named. Shape as of `after`."""
        values = self.after.copy()
        for number, band in enumerate(self.scenes[1].bands):
            if colour in ("", _name(band)):
                values[number][where] = self.old[number][where]
        return values

    def compare(self, values: FloatImage) -> Evidence:
        """The evidence of all of the ground, with these values as its second date. Raises UnreadableFile, DeviceError."""
        before, after = self.scenes
        _write_values(after.bands[0].file, values)
        found = [strip.evidence for strip in self.method.strips(before, after, self.scratch)]
        return Evidence(*(np.concatenate([getattr(one, name) for one in found]) for name in ("score", "before", "after")))


def _place(scene: Scene, margin: int, window: _Window) -> _Window:
    """The window with its margin, inside the scene."""
    left, top, width, height = window
    first = max(0, left - margin), max(0, top - margin)
    size = min(scene.width, left + width + margin) - first[0], min(scene.height, top + height + margin) - first[1]
    if size[0] * size[1] > LARGEST_PIXELS:
        raise InputError(
            f"This polygon and its surroundings have {size[0] * size[1] / _MILLION:.1f} million pixels; "
            f"at most {LARGEST_PIXELS / _MILLION:.1f} million are compared again.",
            "Choose a smaller polygon.",
        )
    return (*first, *size)


def _margin(before: Scene, aligned: Scene, method: Method) -> int:
    """Pixels of the scene that a tile of the method reaches."""
    preprocess = method.reading(before, aligned).preprocess
    metres = pixel_metres(before)
    scale = preprocess.ground_sample_distance_m / min(metres) if metres and preprocess.ground_sample_distance_m else 1.0
    return min(WIDEST_MARGIN, max(_NEAREST_MARGIN, math.ceil(max(preprocess.size) * scale)))


def _name(band: Band) -> str:
    return band.common_name or band.name


def _sorted(bands: Sequence[Band], compared: Sequence[str]) -> tuple[Band, ...]:
    """One band of each name, those that are compared first."""
    named = {_name(band): band for band in reversed(bands)}
    return tuple(named[name] for name in dict.fromkeys((*compared, *map(_name, bands))) if name in named)


def _cut(scene: Scene, bands: Sequence[Band], place: _Window, path: Path) -> tuple[Scene, FloatImage, Mask]:
    """A part of a date in a file of its own: the scene that it is, its values, NaN where it has no data, and where it has."""
    values, valid = read_window(scene, bands, place)
    values[:, ~valid] = math.nan
    left, top, width, height = place
    transform = scene.transform @ Affine.translation(left, top)
    grid: dict[str, Any] = {"width": width, "height": height, "crs": scene.crs, "transform": transform}
    with rasterio.open(path, "w", driver="GTiff", count=len(bands), dtype="float32", nodata=math.nan, **grid) as raster:
        raster.write(values)
    own = tuple(_as_written(band, path, number) for number, band in enumerate(bands, start=1))
    return replace(scene, bands=own, **grid, product=None, clouds=None), values, valid


def _as_written(band: Band, path: Path, number: int) -> Band:
    """A band that was read by its scale, if it told one. What it does not tell is assumed of the part as of the whole, by the same type."""
    plain = {"scale": 1.0, "offset": 0.0} if band.scale is not None else {"scale": None, "offset": band.offset and 0.0}
    return replace(band, file=path, index=number, nodata=math.nan, mask=None, is_sparse=False, **plain)


def _write_values(path: Path, values: FloatImage) -> None:
    with rasterio.open(path, "r+") as raster:
        raster.write(values)
