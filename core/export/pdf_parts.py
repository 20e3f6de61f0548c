"""The drawn parts of the PDF: bars, the colour bar, and measurements against random maps."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Image

from core.export.pdf_style import ACCENT, FONT, INK, QUIET, TRACK

_LONGEST_SIDE = 1400
"""Pixels of an embedded picture: 300 dots an inch over 118 mm; more would only make the file heavy."""
_SMALLEST_SIDE = 600
"""Smaller pictures are enlarged without smoothing, so that viewers do not invent detail between pixels."""
BAR_STEPS = 64
"""Colours of the colour bar."""


def picture(pixels: NDArray[np.uint8], width: float, height: float) -> Image:
    """uint8 [rows, columns, 3] fitted into width x height points, its aspect kept."""
    rows, columns = pixels.shape[:2]
    scale = min(width / columns, height / rows)
    image = PillowImage.fromarray(pixels)
    longest = max(rows, columns)
    if longest > _LONGEST_SIDE:
        image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE), PillowImage.Resampling.LANCZOS)
    elif longest < _SMALLEST_SIDE:
        times = _SMALLEST_SIDE // longest
        image = image.resize((columns * times, rows * times), PillowImage.Resampling.NEAREST)
    stored = BytesIO()
    image.save(stored, "PNG")
    stored.seek(0)
    return Image(stored, width=columns * scale, height=rows * scale, hAlign="LEFT")


def _over_white(colours: NDArray[np.uint8]) -> list[tuple[float, float, float]]:
    """BAR_STEPS colours in [0, 1] between the stops, as they look on paper."""
    share = colours[:, 3:] / 255.0
    seen = share * colours[:, :3] / 255.0 + (1.0 - share)  # [stops, 3]
    places, stops = np.linspace(0.0, 1.0, BAR_STEPS), np.linspace(0.0, 1.0, len(seen))
    red, green, blue = (np.interp(places, stops, seen[:, channel]) for channel in range(3))
    return [(float(r), float(g), float(b)) for r, g, b in zip(red, green, blue, strict=True)]


class ColourBar(Flowable):  # type: ignore[misc]
    """The colours of a map from its lower to its upper end, with words at both. colours: uint8 [stops, 4], opacity last, over white."""

    def __init__(self, width: float, ends: tuple[str, str], colours: NDArray[np.uint8]) -> None:
        super().__init__()
        self.width, self.height = width, 4.2 * mm
        self.ends, self.colours = ends, _over_white(colours)

    def draw(self) -> None:
        canvas: Canvas = self.canv
        canvas.setFont(FONT, 7)
        canvas.setFillColor(QUIET)
        left = canvas.stringWidth(self.ends[0], FONT, 7) + 4
        right = self.width - canvas.stringWidth(self.ends[1], FONT, 7) - 4
        canvas.drawString(0, 1, self.ends[0])
        canvas.drawRightString(self.width, 1, self.ends[1])
        step = (right - left) / len(self.colours)
        for place, (red, green, blue) in enumerate(self.colours):
            canvas.setFillColor(Color(red, green, blue))
            canvas.rect(left + place * step, 0.6, step + 0.3, 2.2 * mm, stroke=0, fill=1)


class PdfBar(Flowable):  # type: ignore[misc]
    """A share in [0, 1] as a bar on its track."""

    def __init__(self, share: float, width: float, colour: HexColor = ACCENT) -> None:
        super().__init__()
        self.width, self.height = width, 2.6 * mm
        self.share, self.colour = min(max(share, 0.0), 1.0), colour

    def draw(self) -> None:
        canvas: Canvas = self.canv
        canvas.setFillColor(TRACK)
        canvas.rect(0, 0, self.width, self.height, stroke=0, fill=1)
        canvas.setFillColor(self.colour)
        canvas.rect(0, 0, self.width * self.share, self.height, stroke=0, fill=1)


class AgainstRandom(Flowable):  # type: ignore[misc]
    """A measurement on the axis from 0 to 1: a dot for the map, a band and a tick for what random maps score."""

    def __init__(self, title: str, value: float, band: tuple[float, float, float], words: Sequence[str], width: float) -> None:
        """band: (low, mean, high) of random maps. words: ("this map", "random maps")."""
        super().__init__()
        self.title, self.value, self.band, self.words = title, value, band, words
        self.width, self.height = width, 13 * mm

    def draw(self) -> None:
        canvas: Canvas = self.canv
        axis = 5.2 * mm
        low, mean, high = (self._at(number) for number in self.band)
        canvas.setFont(FONT, 8)
        canvas.setFillColor(INK)
        canvas.drawString(0, 10.2 * mm, self.title)
        canvas.setFillColor(TRACK)
        canvas.rect(0, axis, self.width, 2.6 * mm, stroke=0, fill=1)
        canvas.setFillColor(HexColor("#b9c2c5"))
        canvas.rect(low, axis, max(high - low, 0.8), 2.6 * mm, stroke=0, fill=1)
        canvas.setStrokeColor(QUIET)
        canvas.setLineWidth(0.9)
        canvas.line(mean, axis, mean, axis + 2.6 * mm)
        canvas.setFillColor(ACCENT)
        canvas.circle(self._at(self.value), axis + 1.3 * mm, 1.55 * mm, stroke=0, fill=1)
        self._legend(canvas, 1.0 * mm)

    def _at(self, number: float) -> float:
        return self.width * min(max(number, 0.0), 1.0)

    def _legend(self, canvas: Canvas, y: float) -> None:
        canvas.setFont(FONT, 6.8)
        canvas.setFillColor(ACCENT)
        canvas.circle(2, y + 2, 1.9, stroke=0, fill=1)
        canvas.setFillColor(QUIET)
        first = f"{self.words[0]} {self.value:.3f}"
        canvas.drawString(7, y, first)
        x = 7 + canvas.stringWidth(first, FONT, 6.8) + 10
        canvas.setFillColor(HexColor("#b9c2c5"))
        canvas.rect(x, y, 8, 4.4, stroke=0, fill=1)
        canvas.setFillColor(QUIET)
        canvas.drawString(x + 11, y, f"{self.words[1]} {self.band[1]:.3f} ({self.band[0]:.3f} to {self.band[2]:.3f})")
