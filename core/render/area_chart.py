"""Areas by date as a chart: a line for each class or index, dates at their true distance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from core.export.styles import Colour
from core.render.report_pictures import Pixels
from core.render.report_scenes import FONT, INK, PAPER

CHART_WIDTH, CHART_HEIGHT = 1400, 620
_LEFT, _RIGHT, _TOP, _BOTTOM = 130, 260, 30, 70
_GRID, _GREY = (222, 226, 228), (96, 104, 108)
_LETTERS = 20
ROUND_STEPS = (1.0, 1.2, 1.6, 2.0, 2.4, 2.8, 3.2, 4.0, 4.8, 6.0, 8.0, 10.0)
"""Upper ends of an axis, times a power of ten: four equal parts of each are round."""
_MARKS = 5
"""Lines across, zero included."""
_NAMES = 24
"""Pixels between two names at the right, at least."""


def area_chart(days: Sequence[date], called: Sequence[str], lines: Mapping[str, Sequence[float]], colours: Mapping[str, Colour]) -> Pixels:
    """uint8 [rows, columns, 3]. called: what each day is called, a year where no more is known. lines: hectares on each day, by name."""
    sheet = Pillow.new("RGB", (CHART_WIDTH, CHART_HEIGHT), PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.truetype(str(FONT), _LETTERS)
    highest = max((max(values) for values in lines.values()), default=1.0) or 1.0
    top = nice_top(highest)
    span = max((days[-1] - days[0]).days, 1)
    across = [_LEFT + (day - days[0]).days / span * (CHART_WIDTH - _LEFT - _RIGHT) for day in days]
    floor, ceiling = CHART_HEIGHT - _BOTTOM, _TOP

    def at(value: float) -> float:
        return floor - value / top * (floor - ceiling)

    for mark in np.linspace(0.0, top, _MARKS):
        pen.line((_LEFT, at(mark), CHART_WIDTH - _RIGHT, at(mark)), fill=_GRID)
        pen.text((_LEFT - 10, at(mark)), f"{mark:,.6g}", fill=_GREY, font=font, anchor="rm")
    pen.text((_LEFT - 10, 6), "ha", fill=_GREY, font=font, anchor="rt")
    last = -1e9
    for x, name in zip(across, called, strict=True):
        pen.line((x, floor, x, floor + 6), fill=_GREY)
        if x - last >= 120:
            pen.text((x, floor + 12), name, fill=_GREY, font=font, anchor="mt")
            last = x
    ends = sorted(((at(values[-1]), name) for name, values in lines.items()))
    placed = -1e9
    for y, name in ends:
        points = [(x, at(value)) for x, value in zip(across, lines[name], strict=True)]
        pen.line(points, fill=colours[name], width=4, joint="curve")
        for x, height in points:
            pen.ellipse((x - 4, height - 4, x + 4, height + 4), fill=colours[name])
        placed = max(y, placed + _NAMES)
        pen.line((across[-1] + 6, y, across[-1] + 20, placed), fill=colours[name])
        pen.text((across[-1] + 24, placed), name, fill=INK, font=font, anchor="lm")
    return np.asarray(sheet)


def nice_top(highest: float) -> float:
    """The upper end of an axis: a round number that four steps divide well."""
    power = 10.0 ** np.floor(np.log10(highest))
    return float(next(step * power for step in ROUND_STEPS if step * power >= highest))
