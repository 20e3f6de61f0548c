"""Outlines of zones over a part of a scene: a light line in a dark one, so that it is seen on any ground."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import numpy as np
import shapely
from PIL import Image as PillowImage
from PIL import ImageDraw
from rasterio.transform import Affine

from core.areas.pixels import moved
from core.areas.zones import Zone
from core.render.scene import Piece
from core.types import Scene

LINE, HALO, CHOSEN = (255, 255, 255, 255), (0, 0, 0, 170), (255, 210, 77, 255)
WIDTH = 2
"""Pixels of the picture."""
MOST_FINER = 8
"""A picture of few pixels is drawn in so many times more, so that lines stay thin when it is enlarged."""
SHARP_SIDE = 1600


def outlines_picture(zones: Sequence[Zone], scene: Scene, piece: Piece, chosen: int | None = None) -> bytes:
    """PNG of a piece of a scene's grid. zones: in the CRS of the scene. chosen: id of one that stands out."""
    rows, columns = piece.shape
    finer = max(1, min(SHARP_SIDE // max(rows, columns), MOST_FINER))
    left, top, width, height = piece.box
    to_picture = Affine.scale(columns * finer / width, rows * finer / height) @ Affine.translation(-left, -top) @ ~scene.transform
    picture = PillowImage.new("RGBA", (columns * finer, rows * finer), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    shapes = [(zone.id == chosen, shape) for zone, shape in zip(zones, moved([zone.geometry for zone in zones], to_picture), strict=True)]
    for colour, more in ((HALO, 2), (LINE, 0)):
        for is_chosen, shape in sorted(shapes, key=lambda each: each[0]):
            for ring in _rings(shape):
                pen.line(ring, fill=CHOSEN if is_chosen and colour is LINE else colour, width=WIDTH + more + is_chosen, joint="curve")
    held = io.BytesIO()
    picture.save(held, "PNG", compress_level=1)
    return held.getvalue()


def _rings(shape: shapely.Geometry) -> Iterator[list[tuple[float, float]]]:
    """Every ring of a shape that has a place on the picture."""
    for polygon in shapely.get_parts(shape):
        for ring in (polygon.exterior, *polygon.interiors):
            points = shapely.get_coordinates(ring)
            if np.isfinite(points).all():
                yield [(float(x), float(y)) for x, y in points]
