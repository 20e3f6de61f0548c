"""Curves as a small picture: SVG inside an image, since Streamlit's HTML holds no SVG of its own."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_INK, _QUIET, _LINE = "#dfe4e6", "#8b979d", "#2a3135"
_FONT = "font-family='sans-serif' font-size='11'"
_WIDTH, _HEIGHT = 300, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 30, 92, 8, 30


@dataclass(frozen=True)
class PlotLine:
    """y in [0, 1] at even steps of x from 0 to 1. name: written at its end. is_dashed: of what it is compared with."""

    name: str
    y: NDArray[np.float32]
    colour: str
    is_dashed: bool = False


def curves_picture(curves: Sequence[PlotLine], x_title: str, alt: str) -> str:
    """HTML of one plot, <img>. alt: the plot in words."""
    wide, high = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    parts = [
        f"<text x='{_LEFT - 5}' y='{_TOP + 8}' {_FONT} fill='{_QUIET}' text-anchor='end'>1</text>",
        f"<text x='{_LEFT - 5}' y='{_TOP + high}' {_FONT} fill='{_QUIET}' text-anchor='end'>0</text>",
        f"<path d='M{_LEFT} {_TOP}V{_TOP + high}H{_LEFT + wide}' fill='none' stroke='{_LINE}'/>",
        f"<text x='{_LEFT + wide / 2}' y='{_HEIGHT - 8}' {_FONT} fill='{_QUIET}' text-anchor='middle'>{escape(x_title)}</text>",
    ]
    for curve, place in zip(curves, _apart([_TOP + high * (1.0 - float(each.y[-1])) for each in curves]), strict=True):
        points = " ".join(
            f"{_LEFT + wide * share:.1f},{_TOP + high * (1.0 - float(value)):.1f}"
            for share, value in zip(np.linspace(0.0, 1.0, len(curve.y)), curve.y, strict=True)
        )
        dashes = " stroke-dasharray='3 3'" if curve.is_dashed else ""
        parts.append(f"<polyline points='{points}' fill='none' stroke='{curve.colour}' stroke-width='1.8'{dashes}/>")
        parts.append(f"<text x='{_LEFT + wide + 6}' y='{place + 4:.1f}' {_FONT} fill='{curve.colour}'>{escape(curve.name)}</text>")
    svg = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {_HEIGHT}'>{''.join(parts)}</svg>"
    return _as_image(svg, alt)


def dots_picture(values: NDArray[np.float64], x_title: str, y_title: str, alt: str, chosen: tuple[int, int] | None = None) -> str:
    """HTML of one plot, <img>: a dot for each of values [groups, members], groups from left to right. chosen: the dot that is large."""
    wide, high = _WIDTH - _LEFT - 12, _HEIGHT - 22 - _BOTTOM
    top, most = 22, float(values.max()) or 1.0
    parts = [
        f"<text x='{_LEFT - 5}' y='{top + 5}' {_FONT} fill='{_QUIET}' text-anchor='end'>{most:.2g}</text>",
        f"<text x='{_LEFT - 5}' y='{top + high}' {_FONT} fill='{_QUIET}' text-anchor='end'>0</text>",
        f"<text x='{_LEFT - 24}' y='11' {_FONT} fill='{_QUIET}'>{escape(y_title)}</text>",
        f"<path d='M{_LEFT} {top}V{top + high}H{_LEFT + wide}' fill='none' stroke='{_LINE}'/>",
        f"<text x='{_LEFT + wide / 2}' y='{_HEIGHT - 4}' {_FONT} fill='{_QUIET}' text-anchor='middle'>{escape(x_title)}</text>",
    ]
    groups = len(values)
    for group in range(groups):
        x = _LEFT + wide * (group + 0.5) / groups
        parts.append(f"<text x='{x:.1f}' y='{top + high + 13}' {_FONT} fill='{_QUIET}' text-anchor='middle'>{group + 1}</text>")
        for member, value in enumerate(values[group]):
            is_chosen = (group, member) == chosen
            size, colour = (5, "#5fc3b4") if is_chosen else (3, "#b4bec3")
            parts.append(f"<circle cx='{x:.1f}' cy='{top + high * (1.0 - float(value) / most):.1f}' r='{size}' fill='{colour}'/>")
    svg = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {_HEIGHT}'>{''.join(parts)}</svg>"
    return _as_image(svg, alt)


def _as_image(svg: str, alt: str) -> str:
    coded = base64.b64encode(svg.encode()).decode()
    return f'<img src="data:image/svg+xml;base64,{coded}" alt="{escape(alt)}" width="{_WIDTH}" height="{_HEIGHT}">'


def _apart(places: Sequence[float], gap: float = 13.0) -> list[float]:
    """The same heights, moved down where two would lie on each other, and all up again where the last would fall out."""
    order = sorted(range(len(places)), key=places.__getitem__)
    found = list(places)
    for before, after in pairwise(order):
        found[after] = max(found[after], found[before] + gap)
    beyond = max(0.0, max(found, default=0.0) - (_HEIGHT - _BOTTOM + 4))
    return [each - beyond for each in found]
