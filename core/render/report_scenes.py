"""Pictures for the reports of maps and of change, the same for pages and command line: scenes, and what was found above its legend."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from rasterio.enums import Resampling

from core.prepare.domains import image_domain
from core.prepare.grid.bands import read_reduced, rendering, resolve_bands
from core.readers import open_raster
from core.render.report_pictures import LONGEST_SIDE, Captioned, Pixels, as_bytes
from core.report.language import Language
from core.settings import PROJECT
from core.types import ChangeMap, FloatImage, LandCoverMap, Mask, Preprocess, Scene

FONT = PROJECT / "assets" / "fonts" / "DejaVuSansCondensed.ttf"
LETTERS = 18
"""Height of the letters of a legend, in pixels."""
LINE, COLUMN = 28, 256
"""Pixels of an entry of a legend."""
PAPER, INK = (255, 255, 255), (30, 34, 38)

NATURAL = ("red", "green", "blue")
SHADED = 0.02
"""Share of the pixels that is left black, and white, in a picture without a scale of its own."""


def map_pictures(result: LandCoverMap, preprocess: Preprocess, language: Language) -> list[Captioned]:
    """(caption, uint8 [rows, columns, 3]): the scene as the model sees it, and its classes. Raises MissingBands, UnreadableFile."""
    labels = [language.labels.get(label, label) for label in result.labels]
    return [
        (language.words["picture_scene"], scene_picture(result.scene, preprocess)),
        (language.words["picture_classes"], classes_above_legend(result.landcover, labels)),
    ]


def change_pictures(result: ChangeMap, preprocess: Preprocess, language: Language) -> list[Captioned]:
    """(caption, uint8 [rows, columns, 3]): both dates as the model sees them, and what changed. Raises MissingBands, UnreadableFile."""
    states = [language.words[state] for state in ("unchanged", "changed")]
    return [
        (language.words["picture_before"], scene_picture(result.before, preprocess)),
        (language.words["picture_after"], scene_picture(result.after, preprocess)),
        (language.words["picture_change"], classes_above_legend(result.change, states)),
        *_severity_picture(result, language),
    ]


def _severity_picture(result: ChangeMap, language: Language) -> list[Captioned]:
    if result.severity is None:
        return []
    labels = [language.labels.get(area.label, area.label) for area in result.severities]
    return [(language.words["picture_severity"], classes_above_legend(result.severity, labels))]


def scene_picture(scene: Scene, preprocess: Preprocess) -> Pixels:
    """A scene with a coordinate system as the model sees it, small: uint8 [rows, columns, 3]. White where there are no data.

    A change model sees more bands than can be shown: red, green and blue are, or the first band that is there, from dark to bright.
    No more is held than is shown. Raises MissingBands, UnreadableFile.
    """
    bands, _ = resolve_bands(scene, _shown_channels(scene, preprocess), preprocess.reflectance_top)
    width, height = _small(scene.width, scene.height)
    reflectance, valid = read_reduced(scene, bands, (height, width))
    is_rendered = image_domain(preprocess.domain).makes_maps
    shown = as_bytes(rendering(reflectance, preprocess) if is_rendered else _stretched(reflectance, valid))
    shown[~valid] = PAPER
    return shown


def _shown_channels(scene: Scene, preprocess: Preprocess) -> tuple[str, ...]:
    if image_domain(preprocess.domain).makes_maps:
        return preprocess.channels
    colours = [band.common_name for band in scene.bands]
    if all(colour in colours for colour in NATURAL):
        return NATURAL
    return tuple(channel for channel in preprocess.channels if channel in colours)[:1]


def _stretched(reflectance: FloatImage, valid: Mask) -> FloatImage:
    """[0, 1] from the darkest to the brightest pixels, but for the outermost two in a hundred on either side."""
    if not valid.any():
        return np.zeros_like(reflectance)
    low, high = np.quantile(reflectance[:, valid], (SHADED, 1.0 - SHADED))
    return np.asarray((reflectance - low) / max(high - low, 1e-6), dtype=np.float32)


def classes_above_legend(path: Path, labels: Sequence[str]) -> Pixels:
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
