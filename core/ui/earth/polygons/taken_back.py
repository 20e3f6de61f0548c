"""A polygon of change with the old pixels put back: whether its change vanishes, and which part and band of it make the change."""

from __future__ import annotations

import streamlit as st

from core.render.change_polygon import effects_picture
from core.types import TakenBack
from core.ui.widgets.bars import facts, note, quiet
from core.ui.widgets.words import share


def taken_back_view(found: TakenBack) -> None:
    """The numbers, the verdict that they carry, and the cells of the polygon by what they bring."""
    left, right = st.columns([1, 1.9], gap="small")
    with right:
        facts(
            {
                "Change gone": share(found.undone),
                "Put elsewhere, left": "no unchanged ground beside" if found.kept is None else share(found.kept),
                "Half ranked first": "one cell" if found.first is None else _of_fall(found.first),
                "Other half": "" if found.second is None else _of_fall(found.second),
                **{f"{colour[:1].upper()}{colour[1:]} alone": _of_fall(part) for colour, part in found.bands},
            }
        )
    left.image(effects_picture(found.cells), width="stretch", alt="Cells of the polygon by what they alone bring")
    if found.is_proved:
        st.markdown("Proved: the change lies in these pixels. It vanishes with them, and other ground leaves it.")
    elif found.is_gone:
        note("Not proved", "The change vanishes with these pixels, but the other tests above do not hold.")
    else:
        note("Not proved", "The change stays without these pixels: what surrounds them takes part in the answer.")
    quiet("Shares of the fall of the mean score when all old pixels are put back; those of single bands need not sum to 100 %.")


def _of_fall(part: float) -> str:
    return f"{100 * part:.0f} %"
