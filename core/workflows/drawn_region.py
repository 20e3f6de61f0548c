"""A region that somebody drew, as a polygon of an image's own pixels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from shapely.affinity import affine_transform
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union
from shapely.validation import explain_validity

from core.areas.zones import read_zones
from core.errors import NotFound, TooLarge, UnreadableFile
from core.types import Image, Scene

_MOST_BYTES = 20_000_000
"""Of a file of polygons in pixels; one that a person drew has some kilobytes."""
_KINDS = "Give GeoJSON with polygons whose x are columns and whose y are rows of the image, from 0 at its upper left corner."


def drawn_polygon(path: Path, image: Image) -> BaseGeometry:
    """All polygons of a file as one, in pixels of the image: x columns, y rows, from 0 at the upper left corner.

    Of a scene with a coordinate system: what core.areas.zones reads, brought to its grid. Of all others: GeoJSON in pixels.
    Raises NotFound, TooLarge, NoGrid; UnreadableFile, too, for a feature in pixels that is no polygon or crosses itself.
    """
    if isinstance(image, Scene) and image.crs is not None:
        on_ground = unary_union([zone.geometry for zone in read_zones(path, image.crs)])
        to_pixels = ~image.transform
        found: BaseGeometry = affine_transform(on_ground, [to_pixels.a, to_pixels.b, to_pixels.d, to_pixels.e, to_pixels.c, to_pixels.f])
        return found
    return _of_pixels(path)


def _of_pixels(path: Path) -> BaseGeometry:
    try:
        if not path.is_file():
            raise NotFound(f"The file {path} does not exist.", _KINDS)
        if path.stat().st_size > _MOST_BYTES:
            raise TooLarge(f"{path.name} is larger than {_MOST_BYTES // 1_000_000} MB.", _KINDS)
        shapes = _shapes(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ShapelyError, RecursionError) as error:
        raise UnreadableFile(f"{path.name} cannot be read as polygons.", _KINDS) from error
    joined: BaseGeometry = unary_union([_area(each, f"Feature {number} of {path.name}") for number, each in enumerate(shapes, start=1)])
    return joined


def _shapes(text: str) -> list[BaseGeometry | None]:
    """Of each feature of a GeoJSON."""
    document: dict[str, Any] = json.loads(text)
    features = document.get("features") or [document if "geometry" in document else {"geometry": document}]
    return [None if feature["geometry"] is None else shape(feature["geometry"]) for feature in features]


def _area(geometry: BaseGeometry | None, name: str) -> BaseGeometry:
    """The same. Raises UnreadableFile for what has no area, or none that is clear: nothing that was drawn is left out unsaid."""
    if geometry is None or geometry.is_empty:
        raise UnreadableFile(f"{name} is empty.", _KINDS)
    if geometry.geom_type not in ("Polygon", "MultiPolygon"):
        raise UnreadableFile(f"{name} is no polygon but a {geometry.geom_type}.", _KINDS)
    if not geometry.is_valid:
        raise UnreadableFile(f"{name} crosses itself: {explain_validity(geometry)}.", "Draw it so that its sides do not cross.")
    return geometry
