"""Pictures for reports: an image in its place beside the map over it, a scene beside the classes that were found in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from rasterio.enums import Resampling
from rasterio.transform import Affine

from core.explain.overlay import overlay_png
from core.prepare.grid.bands import read_window, rendering, resolve_bands
from core.prepare.windowing import render
from core.readers import open_raster
from core.report.language import Language
from core.settings import PROJECT
from core.types import Domain, Explanation, FloatImage, Image, Mask, ModelInput, Picture, Preprocess, Scene, Study

LONGEST_SIDE = 1024
"""Pixels of a picture in a report; more would make files heavy, not sharper."""
FONT = PROJECT / "assets" / "fonts" / "DejaVuSansCondensed.ttf"
LETTERS = 18
"""Height of the letters of a legend, in pixels."""
LINE, COLUMN = 28, 256
"""Pixels of an entry of a legend."""
PAPER, INK = (255, 255, 255), (30, 34, 38)

NATURAL = ("red", "green", "blue")
SHADED = 0.02
"""Share of the pixels that is left black, and white, in a picture without a scale of its own."""

Pixels = NDArray[np.uint8]
Captioned = tuple[str, Pixels]


def image_pictures(image: Image, given: ModelInput, explanation: Explanation | None, language: Language) -> list[Captioned]:
    """(caption, uint8 [rows, columns, 3]): the image, or the window of a scene or CT slice that was read, and the map over it."""
    if given.is_empty:
        return []
    pixels = _as_shown(image, given)
    pictures = [(language.words["picture_image"], pixels)]
    if explanation is not None:
        pictures.append((language.words["picture_overlay"], overlay(pixels, explanation.saliency)))
    return pictures


def overlay(pixels: Pixels, saliency: FloatImage) -> Pixels:
    """The map over uint8 [rows, columns, 3]; each of its pixels is enlarged as it is, without smoothing.

    saliency: float32 [rows, columns] in [0, 1], of any size that covers the same ground.
    """
    rows, columns = pixels.shape[:2]
    enlarged = np.asarray(Pillow.fromarray(saliency.astype(np.float32)).resize((columns, rows), Pillow.Resampling.NEAREST))
    shown = np.moveaxis(pixels.astype(np.float32) / np.float32(255.0), 2, 0)  # [3, rows, columns]
    with Pillow.open(BytesIO(overlay_png(shown, enlarged))) as picture:
        return np.asarray(picture.convert("RGB"))


def scene_picture(scene: Scene, preprocess: Preprocess) -> Pixels:
    """A scene with a coordinate system as the model sees it, small: uint8 [rows, columns, 3]. White where there are no data.

    A change model sees more bands than can be shown: red, green and blue are, or the first band that is there, from dark to bright.
    Read on a grid of its own with larger pixels, so that no more is held than is shown. Raises MissingBands, UnreadableFile.
    """
    bands, _ = resolve_bands(scene, _shown_channels(scene, preprocess), preprocess.reflectance_top)
    width, height = _small(scene.width, scene.height)
    coarser = Affine.scale(scene.width / width, scene.height / height)
    small = replace(scene, width=width, height=height, transform=scene.transform @ coarser)
    reflectance, valid = read_window(small, bands, (0, 0, width, height))
    shown = _as_bytes(_stretched(reflectance, valid) if preprocess.domain is Domain.CHANGE else rendering(reflectance, preprocess))
    shown[~valid] = PAPER
    return shown


def _shown_channels(scene: Scene, preprocess: Preprocess) -> tuple[str, ...]:
    if preprocess.domain is not Domain.CHANGE:
        return preprocess.channels
    colours = [band.colour for band in scene.bands]
    if all(colour in colours for colour in NATURAL):
        return NATURAL
    return tuple(channel for channel in preprocess.channels if channel in colours)[:1]


def _stretched(reflectance: FloatImage, valid: Mask) -> FloatImage:
    """[0, 1] from the darkest to the brightest pixels, but for the outermost two in a hundred on either side."""
    if not valid.any():
        return np.zeros_like(reflectance)
    low, high = np.quantile(reflectance[:, valid], (SHADED, 1.0 - SHADED))
    return np.asarray((reflectance - low) / max(high - low, 1e-6), dtype=np.float32)


def classes_picture(path: Path, labels: Sequence[str]) -> Pixels:
    """A class raster with a colour table, small, above a legend of the classes that occur: uint8 [rows, columns, 3].

    labels: of the values 0, 1, ... in words. Raises UnreadableFile.
    """
    with open_raster(path) as raster:
        width, height = _small(raster.width, raster.height)
        values = raster.read(1, out_shape=(height, width), resampling=Resampling.nearest)
        table = raster.colormap(1)
    colours = np.full((256, 3), PAPER, dtype=np.uint8)
    for value in range(len(labels)):
        colours[value] = table[value][:3]
    held = [value for value in range(len(labels)) if (values == value).any()]
    return _above(colours[values], [(labels[value], colours[value]) for value in held])


def _as_shown(image: Image, given: ModelInput) -> Pixels:
    if _is_piece(image, given):
        return _as_bytes(given.shown)
    if isinstance(image, Study):
        return _fitted(render(image, given.frame))
    assert isinstance(image, Picture)
    return _fitted(image.pixels)


def _is_piece(image: Image, given: ModelInput) -> bool:
    """Whether the model read a window of an image rather than all of it."""
    if isinstance(image, Scene):
        return True
    rows, columns = image.shape[1:] if isinstance(image, Study) else image.pixels.shape[:2]
    return bool(given.box[2] < columns or given.box[3] < rows)


def _as_bytes(shown: FloatImage) -> Pixels:
    """float32 [channels, rows, columns] in [0, 1] -> uint8 [rows, columns, 3]; of several channels the first three count."""
    three = shown[:3] if len(shown) >= 3 else np.repeat(shown[:1], 3, axis=0)
    return np.asarray(np.rint(np.moveaxis(np.clip(three, 0.0, 1.0), 0, 2) * 255.0), dtype=np.uint8)


def _fitted(pixels: Pixels) -> Pixels:
    """uint8 [rows, columns] or [rows, columns, 3] -> [rows, columns, 3], at most LONGEST_SIDE a side."""
    picture = Pillow.fromarray(pixels).convert("RGB")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Pillow.Resampling.LANCZOS)
    return np.asarray(picture)


def _small(width: int, height: int) -> tuple[int, int]:
    reduction = max(1.0, max(width, height) / LONGEST_SIDE)
    return max(1, round(width / reduction)), max(1, round(height / reduction))


def _above(pixels: Pixels, legend: Sequence[tuple[str, Pixels]]) -> Pixels:
    """A picture, enlarged where it is small so that a legend fits below it, and the legend."""
    times = max(1, LONGEST_SIDE // max(pixels.shape[:2]))
    pixels = pixels.repeat(times, axis=0).repeat(times, axis=1)
    rows, columns = pixels.shape[:2]
    beside = max(1, columns // COLUMN)
    sheet = Pillow.new("RGB", (max(columns, COLUMN), rows + LINE * -(-len(legend) // beside)), PAPER)
    sheet.paste(Pillow.fromarray(pixels), (0, 0))
    draw, font = ImageDraw.Draw(sheet), ImageFont.truetype(str(FONT), LETTERS)
    for place, (label, colour) in enumerate(legend):
        left, top = place % beside * COLUMN, rows + place // beside * LINE + (LINE - LETTERS) // 2
        draw.rectangle((left, top, left + LETTERS, top + LETTERS), fill=tuple(int(part) for part in colour))
        draw.text((left + LETTERS + 8, top), label, fill=INK, font=font, anchor="lt")
    return np.asarray(sheet)
