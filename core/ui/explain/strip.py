"""The strip under a map: its gain as a dot on a line among random maps, opponents and the other methods; its curves show on hover."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape

import streamlit as st

from core.explain.measure.opponents import CENTRE, EDGES, RANDOM_WEIGHTS
from core.types import Explanation, Gain
from core.ui.widgets.bars import OPPONENTS
from core.ui.widgets.curves import PlotLine, curves_picture
from core.ui.widgets.words import method_words

_LETTERS = {CENTRE: "C", EDGES: "E", RANDOM_WEIGHTS: "W"}
_MARGIN = 0.06
"""Of the line beyond the outermost marks."""
_NARROWEST = 0.2
"""Gain that the line spans at least, so that hundredths do not look like worlds."""
_BESIDE = 0.05
"""Share of the line below which two letters would lie on each other."""
_DELETION_COLOUR, _INSERTION_COLOUR = "#5b9bd5", "#ff8c1a"


@dataclass(frozen=True)
class Axis:
    """The ends of the line, the same for all maps of a page."""

    low: float
    high: float

    def place(self, gain: float) -> float:
        """Percent of the line."""
        return min(100.0, max(0.0, 100.0 * (gain - self.low) / (self.high - self.low)))


@dataclass(frozen=True)
class Marks:
    """What stands on one line. own: None for a control that is no map of a method. others: gain by method."""

    own: float
    gain: Gain | None = None
    others: Mapping[str, float] = field(default_factory=dict)


def axis_of(gains: Iterable[Gain], beside: Iterable[float] = ()) -> Axis:
    """A line that holds them all, and 0."""
    told = [0.0, *beside]
    for gain in gains:
        told += [gain.value, gain.random_low, gain.random_high, *(each for each in gain.opponents.values() if each is not None)]
    low, high = min(told), max(told)
    spare = max(_NARROWEST - (high - low), 0.0) / 2 + _MARGIN * max(high - low, _NARROWEST)
    return Axis(low - spare, high + spare)


def gain_strip(marks: Marks, axis: Axis, explanation: Explanation | None = None) -> None:
    """Draw one. explanation: of the map, once it is measured: its curves."""
    gain = marks.gain
    parts = [f'<i class="zero" style="left:{axis.place(0.0):.1f}%"></i>']
    if gain is not None:
        left, right = axis.place(gain.random_low), axis.place(gain.random_high)
        parts.append(f'<i class="band" style="left:{left:.1f}%;width:{max(0.6, right - left):.1f}%"></i>')
    parts += [f'<i class="other" style="left:{axis.place(each):.1f}%"></i>' for each in marks.others.values()]
    state = "supported" if gain is not None and gain.is_supported else "control" if gain is None else ""
    parts.append(f'<b class="own {state}" style="left:{axis.place(marks.own):.1f}%"></b>')
    letters = _letters(gain, axis) if gain is not None else ""
    curves = f'<div class="curves">{_curves(explanation)}</div>' if explanation is not None else ""
    words = escape(strip_words(marks))
    ends = f"<span>{axis.low:z.2f}</span><span>gain <b>{marks.own:z.2f}</b></span><span>{axis.high:z.2f}</span>"
    hover = ' tabindex="0"' if curves else ""
    st.html(
        f'<div class="gain"{hover} role="img" aria-label="{words}"><div class="line">{"".join(parts)}</div>{letters}'
        f'<div class="ends">{ends}</div>{curves}</div>'
    )


def strip_words(marks: Marks) -> str:
    """All of a strip, for those who do not see it."""
    told = [f"Gain {marks.own:z.2f}"]
    if marks.gain is not None:
        gain = marks.gain
        told.append(f"random maps {gain.random_low:z.2f} to {gain.random_high:z.2f}")
        told += [f"{OPPONENTS[name].lower()} {value:z.2f}" for name, value in gain.opponents.items() if value is not None]
    told += [f"{method_words(method)} {value:z.2f}" for method, value in marks.others.items()]
    return "; ".join(told)


def legend(random_maps: int) -> str:
    """What the marks are, said once for all strips, as HTML."""
    named = "".join(f"<span><em>{_LETTERS[name]}</em>{escape(OPPONENTS[name].lower())}</span>" for name in _LETTERS)
    return (
        '<div class="gain-legend"><span><b class="own"></b>this map</span><span><b class="own supported"></b>supported</span>'
        f'<span><i class="band"></i>{random_maps} random maps as smooth, middle 95 %</span>{named}'
        '<span><i class="other"></i>another method</span><span>Gain: insertion minus deletion (symmetric relevance gain); '
        "curves on hover</span></div>"
    )


def _letters(gain: Gain, axis: Axis) -> str:
    """Under the line, in a second or third row where they would touch."""
    placed = sorted((axis.place(value), name) for name, value in gain.opponents.items() if value is not None)
    rows: list[float] = []
    drawn = []
    for place, name in placed:
        row = next((row for row, last in enumerate(rows) if place - last >= 100 * _BESIDE), len(rows))
        rows[row : row + 1] = [place]
        drawn.append(f'<em style="left:{place:.1f}%;top:{row * 1.05:.2f}em">{_LETTERS[name]}</em>')
    return f'<div class="letters" style="height:{max(1, len(rows)) * 1.05:.2f}em">{"".join(drawn)}</div>'


def _curves(explanation: Explanation) -> str:
    deletion, insertion = explanation.deletion, explanation.insertion
    alt = (
        f"Probability while tokens are deleted: area {deletion.value:z.2f}, random maps {deletion.random_mean:z.2f}; "
        f"while they are inserted: {insertion.value:z.2f}, random maps {insertion.random_mean:z.2f}"
    )
    drawn = (
        PlotLine("random", deletion.random_curve, _DELETION_COLOUR, is_dashed=True),
        PlotLine("random", insertion.random_curve, _INSERTION_COLOUR, is_dashed=True),
        PlotLine("deletion", deletion.curve, _DELETION_COLOUR),
        PlotLine("insertion", insertion.curve, _INSERTION_COLOUR),
    )
    return curves_picture(drawn, "share of the tokens", alt)
