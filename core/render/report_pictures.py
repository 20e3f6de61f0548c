"""Pictures for the report of one image: the image, or the piece of it that was read, beside the map over it."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from core.explain.overlay import DrawnMap, drawn_map, enlarged, overlay_png
from core.prepare.windowing import render, with_overlays
from core.report.language import Language
from core.types import Explanation, FloatImage, Image, ModelInput, Picture, Scene, Study

LONGEST_SIDE = 1024
"""Pixels of a picture in a report; more would make files heavy, not sharper."""

Pixels = NDArray[np.uint8]
Captioned = tuple[str, Pixels]


def image_pictures(image: Image, given: ModelInput, explanation: Explanation | None, language: Language) -> list[Captioned]:
    """(caption, uint8 [rows, columns, 3]): the image, or the window of a scene or CT slice that was read, and the map over it."""
    if given.is_empty:
        return []
    pixels = _as_shown(image, given)
    pictures = [(language.words["picture_image"], pixels)]
    if explanation is not None:
        pictures.append((language.words["picture_overlay"], overlay(pixels, drawn_map(explanation))))
    return pictures


def overlay(pixels: Pixels, drawn: DrawnMap) -> Pixels:
    """The map over uint8 [rows, columns, 3] of the same ground; each of its pixels is enlarged as it is, without smoothing."""
    rows, columns = pixels.shape[:2]
    shown = np.moveaxis(pixels.astype(np.float32) / np.float32(255.0), 2, 0)  # [3, rows, columns]
    with Pillow.open(BytesIO(overlay_png(shown, enlarged(drawn, rows, columns)))) as picture:
        return np.asarray(picture.convert("RGB"))


def _as_shown(image: Image, given: ModelInput) -> Pixels:
    if _is_piece(image, given):
        return as_bytes(given.shown)
    if isinstance(image, Study):
        return _fitted(with_overlays(image, given.frame, render(image, given.frame)), image.pixel_aspect)
    assert isinstance(image, Picture)
    return _fitted(image.pixels)


def _is_piece(image: Image, given: ModelInput) -> bool:
    """Whether the model read a window of an image rather than all of it."""
    if isinstance(image, Scene):
        return True
    rows, columns = image.shape[1:] if isinstance(image, Study) else image.pixels.shape[:2]
    return bool(given.box[2] < columns or given.box[3] < rows)


def as_bytes(shown: FloatImage) -> Pixels:
    """float32 [channels, rows, columns] in [0, 1] -> uint8 [rows, columns, 3]; of several channels the first three count."""
    three = shown[:3] if len(shown) >= 3 else np.repeat(shown[:1], 3, axis=0)
    return np.asarray(np.rint(np.moveaxis(np.clip(three, 0.0, 1.0), 0, 2) * 255.0), dtype=np.uint8)


def _fitted(pixels: Pixels, aspect: float = 1.0) -> Pixels:
    """uint8 [rows, columns] or [rows, columns, 3] -> [rows, columns, 3] in square pixels, at most LONGEST_SIDE a side.

    aspect: height of a pixel by its width; the shorter side of a pixel is stretched, so that no row or column is lost.
    """
    picture = Pillow.fromarray(pixels).convert("RGB")
    if aspect != 1.0:
        width, height = picture.width * max(1.0, 1.0 / aspect), picture.height * max(1.0, aspect)
        reduction = max(1.0, max(width, height) / LONGEST_SIDE)
        square = (max(1, round(width / reduction)), max(1, round(height / reduction)))
        picture = picture.resize(square, Pillow.Resampling.LANCZOS)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Pillow.Resampling.LANCZOS)
    return np.asarray(picture)
