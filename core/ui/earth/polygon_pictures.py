"""Small pictures of the Earth page: a patch at both dates, what the model looked at, and those of a report."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from core.explain.overlay import overlay_png
from core.prepare.grid.align import on_grid_of
from core.render.colours import CHANGED, class_colours
from core.render.scene import NOTHING, Piece, part, png, read_classes, read_marks, true_colour, whole
from core.types import ChangeMap, ChangePolygon, LandCoverMap
from core.ui.earth.ground import stretches_of
from core.ui.earth.page_state import Room, Why, date_words
from core.ui.earth.work import method_of

SIDE = 320
"""Pixels of a picture's longer side."""
ROOM_AROUND = 2.0
"""A picture shows so many times the patch, so that its surroundings are seen."""
LEAST = 48
"""Pixels of the scene across that a picture shows at least: a patch of four pixels alone is no picture."""
OUTLINE = 2
REPORT_SIDE = 900
"""Pixels of a report's picture."""
OVER = 0.75
"""Opacity of classes and change over the ground in a report."""

Pictures = list[tuple[str, NDArray[np.uint8]]]


def before_and_after(here: Room, polygon: ChangePolygon) -> tuple[bytes, bytes]:
    """The patch and its surroundings at both dates, its box outlined, as PNG."""
    assert here.after is not None
    key = (here.pair, method_of(here), polygon.id)
    known = here.drawn.setdefault("patches", {})
    if key not in known:
        piece = part(here.before, around(polygon.window), SIDE)
        scenes, stretches = (here.before, on_grid_of(here.after, here.before)), stretches_of(here.before, here.after)
        known[key] = tuple(
            _outlined(true_colour(scene, stretch=stretch, grid=here.before, piece=piece), piece, polygon)
            for scene, stretch in zip(scenes, stretches, strict=True)
        )
    pictures: tuple[bytes, bytes] = known[key]
    return pictures


def around(window: tuple[int, int, int, int]) -> tuple[float, float, float, float]:
    """A square around a window (left, top, width, height), with room."""
    left, top, width, height = window
    side = max(ROOM_AROUND * width, ROOM_AROUND * height, LEAST)
    return left + width / 2 - side / 2, top + height / 2 - side / 2, side, side


def _outlined(pixels: NDArray[np.uint8], piece: Piece, polygon: ChangePolygon) -> bytes:
    """Enlarged without smoothing to SIDE, with the patch's box in the colour of change."""
    scale = max(1, SIDE // max(piece.shape))
    enlarged = pixels.repeat(scale, axis=0).repeat(scale, axis=1)
    factor = scale / piece.reduction
    left, top = ((polygon.window[axis] - piece.box[axis]) * factor for axis in (0, 1))
    right, bottom = left + polygon.window[2] * factor, top + polygon.window[3] * factor
    rows, columns = enlarged.shape[:2]
    x = np.clip(np.rint([left, right]).astype(int), 0, columns)
    y = np.clip(np.rint([top, bottom]).astype(int), 0, rows)
    for row in (y[0], y[1] - OUTLINE):
        enlarged[max(0, row) : max(0, row) + OUTLINE, x[0] : x[1]] = CHANGED
    for column in (x[0], x[1] - OUTLINE):
        enlarged[y[0] : y[1], max(0, column) : max(0, column) + OUTLINE] = CHANGED
    return png(enlarged)


def saliency_picture(found: Why) -> bytes:
    """The explained window under its map, enlarged without smoothing, which would invent detail."""
    picture = PillowImage.open(io.BytesIO(overlay_png(found.input.shown, found.explanation.saliency)))
    scale = max(1, SIDE // max(picture.size))
    return png(np.asarray(picture).repeat(scale, axis=0).repeat(scale, axis=1))


def report_pictures(made: LandCoverMap | ChangeMap) -> Pictures:
    """What a report shows of a result: (caption, uint8 [rows, columns, 3])."""
    if isinstance(made, LandCoverMap):
        piece = whole(made.scene, REPORT_SIDE)
        ground = true_colour(made.scene, piece=piece)
        return [(date_words(made.scene), ground), ("Land cover", _classes_over(ground, made, piece))]
    before, after = made.before, on_grid_of(made.after, made.before)
    piece, stretches = whole(before, REPORT_SIDE), stretches_of(made.before, made.after)
    shown = zip((before, after), stretches, strict=True)
    dates = [true_colour(scene, stretch=stretch, grid=before, piece=piece) for scene, stretch in shown]
    changed = read_marks(made.change, before, piece)
    marked = _over(dates[1], np.where(changed[..., np.newaxis], np.array(CHANGED, dtype=np.uint8), dates[1]))
    return [(date_words(before), dates[0]), (date_words(made.after), dates[1]), ("Changed", marked)]


def _classes_over(ground: NDArray[np.uint8], made: LandCoverMap, piece: Piece) -> NDArray[np.uint8]:
    classes = read_classes(made.landcover, made.scene, piece)
    table = np.zeros((256, 3), dtype=np.uint8)
    table[: len(made.labels)] = class_colours(made.labels)
    return _over(ground, np.where((classes != NOTHING)[..., np.newaxis], table[classes], ground))


def _over(ground: NDArray[np.uint8], above: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(np.rint((1 - OVER) * ground + OVER * above), dtype=np.uint8)
