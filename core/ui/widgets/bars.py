"""Numbers as bars, and facts as lists: a few lines of HTML whose every text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from core.types import Gain, RemovalScore


@dataclass(frozen=True)
class Bar:
    """One row. share: length in [0, 1]. colour: a CSS colour, "" for the quiet grey. mark: a word in a small frame behind the label."""

    label: str
    share: float
    value: str
    colour: str = ""
    is_chosen: bool = False
    mark: str = ""
    swatch: str = ""
    span: tuple[float, float] | None = None


def bars(rows: Iterable[Bar]) -> None:
    """Rows of label, bar and number."""
    st.html(f'<div class="bars">{"".join(_row(row) for row in rows)}</div>')


def _row(row: Bar) -> str:
    mark = f'<span class="mark">{escape(row.mark)}</span>' if row.mark else ""
    swatch = f'<span class="swatch" style="background:{escape(row.swatch)}"></span>' if row.swatch else ""
    colour = f";background:{escape(row.colour)}" if row.colour else ""
    chosen = " chosen" if row.is_chosen else ""
    span = ""
    if row.span:
        low, high = (min(1.0, max(0.0, end)) for end in row.span)
        span = f'<span class="span" style="left:{100 * low:.1f}%;width:{max(0.8, 100 * (high - low)):.1f}%"></span>'
    length = 100 * min(1.0, max(0.0, row.share))
    return (
        f'<span class="label">{swatch}{escape(row.label)}{mark}</span>'
        f'<span class="track"><span class="fill{chosen}" style="width:{length:.1f}%{colour}"></span>{span}</span>'
        f'<span class="value">{escape(row.value)}</span>'
    )


OPPONENTS = {"centre": "Centred prior", "edges": "Edges of the image", "random_weights": "Random weights"}


def gain_bars(gain: Gain) -> None:
    """The gain of a map beside random maps (the pale band is the middle 95 % of them) and its opponents, in one plot."""
    own = Bar("Gain", gain.value, f"{gain.value:z.2f}", is_chosen=gain.is_supported, span=(gain.random_low, gain.random_high))
    others = (Bar(OPPONENTS[name], value or 0.0, _plain(value)) for name, value in gain.opponents.items())
    bars((own, *others))


def removal_bars(deletion: RemovalScore, insertion: RemovalScore) -> None:
    """Deletion and insertion beside what random maps score: the pale band is the middle 95 % of them."""
    bars(
        Bar(name, score.value, f"{score.value:z.2f}", is_chosen=score.is_better, span=(score.random_low, score.random_high))
        for name, score in (("Deletion", deletion), ("Insertion", insertion))
    )


def _plain(value: float | None) -> str:
    return "none" if value is None else f"{value:z.2f}"


def facts(pairs: Mapping[str, str] | Sequence[tuple[str, str]]) -> None:
    """A list of names and values; empty values are left out."""
    items = pairs.items() if isinstance(pairs, Mapping) else pairs
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in items if value)
    st.html(f'<dl class="facts">{rows}</dl>')


def note(title: str, text: str) -> None:
    """Something that must not be overlooked."""
    st.html(f'<p class="note"><b>{escape(title)}</b>{escape(text)}</p>')


def quiet(text: str) -> None:
    """A line of small print."""
    st.html(f'<p class="quiet">{escape(text)}</p>')
