"""What may be turned in methods and measurements, behind one fold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.explain.knobs import Knob, KnobKind, method_knobs
from core.ui.explain.page_state import ExplainState, Ready
from core.ui.widgets.choices import apart
from core.ui.widgets.words import method_words

_COLUMNS = 3
_AUTOMATIC = "automatic"
_HIGHEST = 1_000_000


def knobs(here: ExplainState, made: Ready, methods: Sequence[str]) -> None:
    """The fields of the chosen methods; what differs from its default is kept, and decides on the maps."""
    offered = method_knobs(methods, made.preprocess)
    turned = [knob.name for knob in offered if knob.name in here.knobs]
    with st.expander("Settings of methods and measurements" + (f" ({len(turned)} changed)" if turned else "")):
        columns = st.columns(_COLUMNS)
        for place, knob in enumerate(offered):
            value = _field(columns[place % _COLUMNS], knob, here)
            if value == knob.default:
                here.knobs.pop(knob.name, None)
            else:
                here.knobs[knob.name] = value
        if here.knobs and st.button("All as they were", key=f"explain.knobs.reset.{here.name}"):
            here.knobs.clear()
            here.resets += 1
            st.rerun()


def _field(column: DeltaGenerator, knob: Knob, here: ExplainState) -> Any:
    key = f"explain.knob.{here.name}.{here.resets}.{knob.name}"
    label, held = knob.name.replace("_", " ").capitalize(), here.knobs.get(knob.name, knob.default)
    told = f"{knob.meaning.capitalize()}. Of: {', '.join(map(method_words, knob.methods))}."
    if knob.kind is KnobKind.CHOICE:
        return column.selectbox(label, knob.choices, knob.choices.index(held), key=key, format_func=apart(knob.choices), help=told)
    if knob.kind is KnobKind.SHARE:
        return column.number_input(label, 0.0, 1.0, held, 0.05, key=key, help=told, placeholder=_AUTOMATIC)
    if knob.kind is KnobKind.WHOLE:
        return column.number_input(label, knob.lowest, _HIGHEST, held, 1, key=key, help=told, placeholder=_AUTOMATIC)
    high, wide = column.columns(2)
    sides = [
        part.number_input(
            f"{label}, {side}", 1, _HIGHEST, held[at] if held else None, 1, key=f"{key}.{side}", help=told, placeholder=_AUTOMATIC
        )
        for at, (part, side) in enumerate(((high, "rows"), (wide, "columns")))
    ]
    return (sides[0], sides[1]) if all(sides) else None
