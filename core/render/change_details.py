"""Pictures of the largest changes for a report: where they lie, and of each the two dates and the evidence between them."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from core.change.methods.index import INDEX
from core.render.change_polygon import around, before_and_after
from core.render.colours import CHANGE, CHANGED, table
from core.render.report_pictures import Captioned, Pixels
from core.render.report_scenes import FONT, INK, scene_picture
from core.render.scene import part, values_picture
from core.report.language import Language
from core.report.scene_change import LARGEST, number_of
from core.report.scenes import is_listed
from core.types import ChangeMap, ChangePolygon, Preprocess

DETAIL_SIDE = 320
"""Pixels of a picture of one polygon."""
NUMBER = 26
"""Height of a number on the locator, in pixels."""
OF_OPEN_END = ("embedding", INDEX)


def shown_polygons(result: ChangeMap) -> list[ChangePolygon]:
    """The largest ones, those that the report puts into words."""
    listed = (polygon for polygon in result.polygons if is_listed(polygon.hectares))
    return sorted(listed, key=lambda one: -one.hectares)[:LARGEST]


def change_details(result: ChangeMap, preprocess: Preprocess, language: Language) -> list[Captioned]:
    """(caption, uint8 [rows, columns, 3]): the locator, then before, after and evidence of each polygon. () where there is none.

    Raises MissingBands, UnreadableFile.
    """
    polygons = shown_polygons(result)
    if not polygons:
        return []
    words = language.words
    pictures: list[Captioned] = [(words["picture_locator"], _locator(result, scene_picture(result.before, preprocess), polygons))]
    evidence = words["picture_probability"] if result.is_calibrated else words["picture_evidence"].format(number=words[number_of(result)])
    for polygon in polygons:
        dates = before_and_after(result.before, result.after, polygon)
        for picture, scene in zip(dates, (result.before, result.after), strict=True):
            pictures.append((words["picture_polygon"].format(number=polygon.id, what=scene.called), _pixels(picture)))
        pictures.append((words["picture_polygon"].format(number=polygon.id, what=evidence), _evidence(result, polygon)))
    return pictures


def _locator(result: ChangeMap, pixels: Pixels, polygons: Sequence[ChangePolygon]) -> Pixels:
    """The first date with the polygons' boxes and numbers on it."""
    sheet = Pillow.fromarray(pixels)
    times = max(1, DETAIL_SIDE * 2 // max(sheet.size))
    sheet = sheet.resize((sheet.width * times, sheet.height * times), Pillow.Resampling.NEAREST)
    pen, font = ImageDraw.Draw(sheet), ImageFont.truetype(str(FONT), NUMBER - 8)
    across, down = sheet.width / result.before.width, sheet.height / result.before.height
    for polygon in reversed(polygons):  # the largest on top
        left, top, width, height = polygon.window
        box = (left * across - 3, top * down - 3, (left + width) * across + 3, (top + height) * down + 3)
        pen.rectangle(box, outline=INK, width=4)
        pen.rectangle(box, outline=CHANGED, width=2)
        name = str(polygon.id)
        wide = pen.textlength(name, font=font) + 10
        x = min(max(box[0], 0), sheet.width - wide)
        y = box[1] - NUMBER if box[1] >= NUMBER else box[3]
        pen.rectangle((x, y, x + wide, y + NUMBER), fill=CHANGED)
        pen.text((x + wide / 2, y + NUMBER / 2), name, fill=INK, font=font, anchor="mm")
    return np.asarray(sheet)


def _evidence(result: ChangeMap, polygon: ChangePolygon) -> Pixels:
    """The number by which pixels were told changed or not, around the polygon, in the colours of the map."""
    piece = part(result.before, around(polygon.window), DETAIL_SIDE)
    top = None if result.method in OF_OPEN_END else 1.0
    is_signed = result.parameters.get("direction") == "fall"
    picture = Pillow.open(io.BytesIO(values_picture(result.score, result.before, piece, table(CHANGE), top, is_signed=is_signed)))
    scale = max(1, DETAIL_SIDE // max(piece.shape))
    return np.asarray(picture.convert("RGB")).repeat(scale, axis=0).repeat(scale, axis=1)


def _pixels(png: bytes) -> Pixels:
    with Pillow.open(io.BytesIO(png)) as picture:
        return np.asarray(picture.convert("RGB"))
