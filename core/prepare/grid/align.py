"""Two dates on one grid: whether they show one place, and the grid on which they are compared.

A scene is brought to another grid by saying so: its pixels stay on disk as they are, and are warped when a window is read
(core/prepare/grid/bands.py).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyproj
import shapely
from pyproj.exceptions import CRSError, ProjError
from rasterio.crs import CRS
from shapely.affinity import affine_transform

from core.errors import NoGrid, NoOverlap
from core.prepare.grid.ground import refuse_off_earth
from core.readers.scenes.footprint import in_words
from core.types import Box, Scene, notice

SAME_PLACE_PIXELS = 0.01
"""Grids whose corners agree within this share of a pixel are one grid."""
_PIECES_A_SIDE = 32  # the edges are curves in another projection


def overlap_or_refuse(before: Scene, after: Scene) -> None:
    """Nothing where two scenes share ground.

    Raises NoGrid where one of them has no coordinate system, or none that leads to the other's; NoOverlap, with both footprints, where they
    show different places.
    """
    for scene in (before, after):
        refuse_off_earth(scene)
    if not _share_ground(before, after):
        raise NoOverlap(before.name, in_words(before.footprint), after.name, in_words(after.footprint))


def is_on_grid_of(scene: Scene, reference: Scene) -> bool:
    """Whether the pixels of two scenes lie on one another."""
    if (scene.width, scene.height) != (reference.width, reference.height) or scene.crs != reference.crs:
        return False
    to_pixels, size = ~reference.transform, (scene.width, scene.height)
    for corner in ((0, 0), (size[0], 0), (0, size[1])):
        column, row = to_pixels @ (scene.transform @ corner)
        if max(abs(column - corner[0]), abs(row - corner[1])) > SAME_PLACE_PIXELS:
            return False
    return True


def on_grid_of(scene: Scene, reference: Scene) -> Scene:
    """The scene as it is read on the reference's grid, which is said; the scene itself where it lies there already."""
    if is_on_grid_of(scene, reference):
        return scene
    if scene.crs != reference.crs:
        told = notice("scene.resampled-from-other-crs", name=scene.name, reference=reference.name)
    else:
        told = notice("scene.resampled-from-other-pixels", name=scene.name, reference=reference.name)
    return replace(
        scene,
        width=reference.width,
        height=reference.height,
        crs=reference.crs,
        transform=reference.transform,
        footprint=reference.footprint,
        assumptions=(*scene.assumptions, told),
    )


def way_between(here: CRS, there: CRS) -> pyproj.Transformer:
    """From coordinates of one system to those of another, x before y. Raises CRSError or ProjError of pyproj where no way is known."""
    return pyproj.Transformer.from_crs(pyproj.CRS.from_wkt(here.to_wkt()), pyproj.CRS.from_wkt(there.to_wkt()), always_xy=True)


def _share_ground(before: Scene, after: Scene) -> bool:
    if before.footprint is not None and after.footprint is not None:
        if not _boxes_meet(before.footprint, after.footprint):
            return False
        if before.crs != after.crs and (_crosses_antimeridian(before.footprint) or _crosses_antimeridian(after.footprint)):
            return True  # the outlines could lie a turn of the Earth apart
    here, there = _outline(before, before), _outline(after, before)
    return there is None or shapely.intersection(here, there).area > 0


def _outline(scene: Scene, reference: Scene) -> shapely.Polygon | None:
    """The edge of a scene in the reference's CRS; None where a part of it has no place there. Raises NoGrid where no way leads there."""
    edge = _edge(scene)
    if scene.crs == reference.crs or scene.crs is None or reference.crs is None:
        return edge
    try:
        moved = shapely.transform(edge, way_between(scene.crs, reference.crs).transform, interleaved=False)
    except (CRSError, ProjError):
        raise NoGrid(
            f"No way is known from the coordinate system of {scene.name} to that of {reference.name}.", "Bring both to one system first."
        ) from None
    return moved if np.isfinite(shapely.get_coordinates(moved)).all() and moved.is_valid else None


def _edge(scene: Scene) -> shapely.Polygon:
    """The outline of a scene in its own CRS, with points between the corners."""
    t = scene.transform
    frame = shapely.segmentize(shapely.box(0, 0, scene.width, scene.height), max(scene.width, scene.height) / _PIECES_A_SIDE)
    return affine_transform(frame, [t.a, t.b, t.d, t.e, t.c, t.f])


def _boxes_meet(first: Box, second: Box) -> bool:
    """Whether two (west, south, east, north) share more than an edge; west > east where one crosses the antimeridian."""
    if min(first[3], second[3]) <= max(first[1], second[1]):
        return False
    return any(min(a[1], b[1]) > max(a[0], b[0]) for a in _longitudes(first) for b in _longitudes(second))


def _longitudes(box: Box) -> tuple[tuple[float, float], ...]:
    return ((box[0], 180.0), (-180.0, box[2])) if _crosses_antimeridian(box) else ((box[0], box[2]),)


def _crosses_antimeridian(box: Box) -> bool:
    return box[0] > box[2]
