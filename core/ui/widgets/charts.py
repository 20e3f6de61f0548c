"""Plotly charts in the manner of the house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from core.types import Transition
from core.ui.widgets.words import hectares, label_words

_INK = "#dfe4e6"


def transitions_chart(transitions: Sequence[Transition], colours: Mapping[str, str]) -> go.Figure:
    """A Sankey of what became what, unchanged land left out: it would hide the rest. colours: CSS colour by label."""
    changed = [each for each in transitions if each.before != each.after and each.pixels > 0]
    sources = list(dict.fromkeys(each.before for each in changed))
    targets = list(dict.fromkeys(each.after for each in changed))
    place = {("before", label): index for index, label in enumerate(sources)}
    place |= {("after", label): index + len(sources) for index, label in enumerate(targets)}
    nodes = [*sources, *targets]
    figure = go.Figure(
        go.Sankey(
            arrangement="snap",
            node={
                "label": [label_words(label) for label in nodes],
                "color": [colours.get(label, "#8d96a0") for label in nodes],
                "thickness": 14,
                "pad": 16,
                "line": {"width": 0},
                "hovertemplate": "%{label}: %{value:,.1f} ha<extra></extra>",
            },
            link={
                "source": [place["before", each.before] for each in changed],
                "target": [place["after", each.after] for each in changed],
                "value": [each.hectares for each in changed],
                "color": [_pale(colours.get(each.before, "#8d96a0")) for each in changed],
                "hovertemplate": "%{source.label} to %{target.label}: %{value:,.1f} ha<extra></extra>",
            },
            textfont={"color": _INK, "size": 13},
        )
    )
    height = max(220, 46 * max(len(sources), len(targets)) + 40)
    figure.update_layout(height=height, margin={"l": 4, "r": 4, "t": 8, "b": 8}, font={"color": _INK})
    return figure


def transitions_words(transitions: Sequence[Transition]) -> str:
    """The chart in words, for readers who do not see it."""
    changed = sorted((each for each in transitions if each.before != each.after), key=lambda each: -each.hectares)
    said = [f"{label_words(each.before)} to {label_words(each.after)}, {hectares(each.hectares)}" for each in changed[:8]]
    return "Transitions between classes: " + ("; ".join(said) if said else "none") + "."


def _pale(colour: str) -> str:
    """A hex colour at 45 % opacity."""
    red, green, blue = (int(colour[index : index + 2], 16) for index in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.45)"
