"""The brush: what is painted on the image is masked, and the probability moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import streamlit as st

from core.explain.probes.masking import Fill, strongest_tokens
from core.types import Explanation, Mask
from core.ui.explain.agreement import on_tokens
from core.ui.explain.page_state import ExplainState, Ready
from core.ui.explain.work import masked_task
from core.ui.state.progress import result_of
from core.ui.state.session import Session
from core.ui.widgets.bars import Bar, bars, quiet
from core.ui.widgets.choices import apart
from core.ui.widgets.findings import probability_words
from core.ui.widgets.words import label_words, method_words

_HANDS = {False: "Picks a patch", True: "Masks tokens"}
_FILLS = {Fill.MEAN: "Mean", Fill.BLUR: "Blur", Fill.DROPPED: "Token dropped"}
_MOST_LABELS = 4
STRONGEST_SHARE = 0.1
"""Of the tokens of a map, which a button masks."""


def choose_hand(here: ExplainState) -> None:
    """What a hand does on the image."""
    is_brushing = bool(
        st.segmented_control(
            "On the image a hand", list(_HANDS), default=here.is_brushing, required=True,
            format_func=apart(list(_HANDS), _HANDS.__getitem__), key=f"explain.hand.{here.name}",
            help="Drag to mask tokens, drag from a masked one to take them back; arrow keys and space do so too.",
        )
    )  # fmt: skip
    if is_brushing != here.is_brushing:
        here.is_brushing = is_brushing
        st.rerun()  # the image above was drawn for the other hand


def masked_answer(session: Session, here: ExplainState, made: Ready, measured: Mapping[str, Explanation]) -> None:
    """What the model says with and without the painted tokens. measured: maps whose strongest tokens a button masks."""
    if not here.is_brushing:
        return
    here.fill = st.segmented_control(
        "A masked token becomes", made.fills, default=here.fill if here.fill in made.fills else Fill.MEAN, required=True,
        format_func=apart(made.fills, _FILLS.__getitem__), key=f"explain.fill.{here.name}.{here.model}",
        help="The mean of what the network reads, a blur, or nothing at all where the network was trained to do without tokens.",
    )  # fmt: skip
    _buttons(here, made, measured)
    cells = here.painted
    total = made.grid[0] * made.grid[1]
    if not cells:
        quiet("Drag over the image to mask tokens.")
        return
    if len(cells) == total and here.fill is Fill.DROPPED:
        quiet("No token is left to read.")
        return
    found = result_of(masked_task(session, here, made, mask_of(cells, made.grid)), f"explain.masked.{here.name}")
    if found is None:
        return
    before, after = (replace(made.prediction, probabilities=each).named for each in found)
    order = sorted(before.labels, key=lambda label: -max(before.probability(label), after.probability(label)))[:_MOST_LABELS]
    bars(_moved(label, before.probability(label), after.probability(label), label == here.target) for label in order)
    word = "Probabilities" if made.is_calibrated else "Scores"
    quiet(f"{len(cells)} of {total} tokens masked. {word} before and after; the pale mark is before. One view, in fp32.")


def _moved(label: str, before: float, after: float, is_chosen: bool) -> Bar:
    words = f"{probability_words(before)} to {probability_words(after)}"
    return Bar(label_words(label), after, words, is_chosen=is_chosen, span=(before, before))


def mask_of(cells: tuple[int, ...], grid: tuple[int, int]) -> Mask:
    """bool [rows, columns]. cells: their numbers, row by row from 0."""
    mask = np.zeros(grid[0] * grid[1], dtype=bool)
    mask[[cell for cell in cells if cell < mask.size]] = True
    return mask.reshape(grid)


def _buttons(here: ExplainState, made: Ready, measured: Mapping[str, Explanation]) -> None:
    with st.container(horizontal=True):
        if st.button("Clear", key=f"explain.mask.clear.{here.name}", disabled=not here.painted):
            here.painted = ()
            st.rerun()
        for method, result in list(measured.items())[:2]:
            words = f"Strongest tenth of {method_words(method)}"
            if st.button(words, key=f"explain.mask.{here.name}.{method}"):
                strongest = strongest_tokens(on_tokens(result.saliency, made.grid), STRONGEST_SHARE)
                here.painted = tuple(map(int, np.flatnonzero(strongest)))
                st.rerun()
