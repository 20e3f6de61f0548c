"""Connected areas of one class as polygons, from strips of a raster of any height.

Each strip is cut into connected areas by itself; those that meet across the seam of two strips are one. A polygon is handed out as soon as
no pixel of it can follow, so that memory holds the open polygons and no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import shapes
from rasterio.transform import Affine
from scipy.ndimage import find_objects
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry.base import BaseGeometry
from skimage.measure import label as connected

from core.areas.pixels import Hectares, moved
from core.types import FloatImage

Indices = NDArray[np.intp]
_Window = tuple[int, int, int, int]


@dataclass(frozen=True)
class ClassStrip:
    """Rows of a class raster. classes: integer [rows, width]. scores: float32 [rows, width], each polygon gets its mean."""

    top: int
    classes: NDArray[np.integer]
    scores: FloatImage | None = None


@dataclass(frozen=True)
class OutlinedArea:
    """Pixels of one value that hang together by their sides.

    geometry: their outline in the CRS, a Polygon. hectares: on the ellipsoid. score: mean over its pixels, NaN without scores.
    window: (left, top, width, height) in pixels.
    """

    value: int
    geometry: BaseGeometry
    pixels: int
    hectares: float
    score: float
    window: _Window


def polygons_of(
    strips: Iterable[ClassStrip], transform: Affine, hectares: Hectares, *, nodata: int, min_hectares: float = 0.0
) -> Iterator[OutlinedArea]:
    """The polygons of a raster, 4-connected, whole across the seams of strips, each as soon as it is closed.

    strips: from top to bottom without gaps. Pixels of `nodata` are in no polygon. Polygons below `min_hectares` are left out.
    """
    waiting: list[_Part] = []
    seam: tuple[Indices, NDArray[np.integer]] | None = None  # the last row: place in `waiting` (-1: none) and class, [width]
    for strip in strips:
        labels, parts = _cut(strip, hectares, nodata, min_hectares)
        groups = _groups(seam, labels[0], strip.classes[0], len(waiting), len(parts))
        merged = _merged(groups, [*waiting, *parts])
        of_label = np.concatenate([[-1], groups[len(waiting) :]])  # group of each label; label 0 is nodata
        opened = np.unique(of_label[labels[-1]])
        opened = opened[opened >= 0]
        waiting = [merged.pop(int(group)) for group in opened]
        places = np.where(of_label[labels[-1]] >= 0, np.searchsorted(opened, of_label[labels[-1]]), -1)
        seam = (places, strip.classes[-1].copy())
        yield from _outlined(merged.values(), transform, min_hectares)
    yield from _outlined(waiting, transform, min_hectares)


@dataclass
class _Part:
    """What is known of a polygon so far. pieces: its outlines in each strip, in pixels. box: (left, top, right, bottom)."""

    value: int
    pixels: int
    hectares: float
    score_sum: float
    box: _Window
    pieces: list[BaseGeometry]

    def absorb(self, other: _Part) -> None:
        self.pixels += other.pixels
        self.hectares += other.hectares
        self.score_sum += other.score_sum
        (left, top, right, bottom), (west, north, east, south) = self.box, other.box
        self.box = (min(left, west), min(top, north), max(right, east), max(bottom, south))
        self.pieces += other.pieces


def _cut(strip: ClassStrip, hectares: Hectares, nodata: int, min_hectares: float) -> tuple[Indices, list[_Part]]:
    """Labels of the polygons of one strip, [rows, width], 0 for nodata; and the polygons, the first that of label 1."""
    labels: Indices = connected(strip.classes, connectivity=1, background=nodata)  # type: ignore[no-untyped-call]
    flat = labels.ravel()
    pixels = np.bincount(flat)
    areas = np.bincount(flat, weights=hectares(strip.top, len(labels)).ravel())
    scores = np.full(len(pixels), np.nan)
    if strip.scores is not None:
        scores = np.bincount(flat, weights=np.nan_to_num(strip.scores).ravel())
    values = np.zeros(len(pixels), dtype=np.int64)
    values[flat] = strip.classes.ravel()
    is_drawn = areas >= min_hectares
    is_drawn[labels[[0, -1]].ravel()] = True  # it may go on beyond the seam
    is_drawn[0] = False
    pieces = _pieces(labels, is_drawn, strip.top)
    boxes = find_objects(labels)
    parts = []
    for name in range(1, len(pixels)):
        rows, columns = boxes[name - 1]
        box = (columns.start, strip.top + rows.start, columns.stop, strip.top + rows.stop)
        parts.append(_Part(int(values[name]), int(pixels[name]), float(areas[name]), float(scores[name]), box, pieces.get(name, [])))
    return labels, parts


def _pieces(labels: Indices, is_drawn: NDArray[np.bool_], top: int) -> dict[int, list[BaseGeometry]]:
    """The outline of each label that is to be drawn, in pixels of the whole raster."""
    names: list[int] = []
    of_ring: list[int] = []  # the polygon of each ring
    lengths: list[int] = []  # the points of each ring
    points: list[tuple[float, float]] = []
    for outline, name in shapes(labels.astype(np.int32), mask=is_drawn[labels], connectivity=4, transform=Affine.translation(0, top)):
        of_ring += [len(names)] * len(outline["coordinates"])
        names.append(int(name))
        for ring in outline["coordinates"]:
            lengths.append(len(ring))
            points += ring
    if not names:
        return {}
    rings = shapely.linearrings(np.array(points), indices=np.repeat(np.arange(len(lengths)), lengths))  # all at once: there may be 100,000
    return {name: [polygon] for name, polygon in zip(names, shapely.polygons(rings, indices=of_ring), strict=True)}


def _groups(
    seam: tuple[Indices, NDArray[np.integer]] | None, labels: Indices, classes: NDArray[np.integer], waiting: int, parts: int
) -> NDArray[np.int32]:
    """Which polygons are one: a group number for each that waits at the seam and then for each of the new strip.

    labels, classes: [width], the first row of the new strip.
    """
    above = below = np.zeros(0, dtype=np.intp)
    if seam is not None:
        places, values = seam
        meets = (places >= 0) & (labels > 0) & (values == classes)
        above, below = places[meets], waiting + labels[meets] - 1
    size = waiting + parts
    links = coo_array((np.ones(len(above), dtype=np.int8), (above, below)), shape=(size, size))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int32)


def _merged(groups: NDArray[np.int32], parts: list[_Part]) -> dict[int, _Part]:
    merged: dict[int, _Part] = {}
    for group, part in zip(groups.tolist(), parts, strict=True):
        if group in merged:
            merged[group].absorb(part)
        else:
            merged[group] = part
    return merged


def _outlined(parts: Iterable[_Part], transform: Affine, min_hectares: float) -> Iterator[OutlinedArea]:
    kept = [part for part in parts if part.hectares >= min_hectares]
    whole = [part.pieces[0] if len(part.pieces) == 1 else shapely.union_all(part.pieces) for part in kept]
    for part, geometry in zip(kept, moved(whole, transform), strict=True):
        left, top, right, bottom = part.box
        window = (left, top, right - left, bottom - top)
        yield OutlinedArea(part.value, geometry, part.pixels, part.hectares, part.score_sum / part.pixels, window)
