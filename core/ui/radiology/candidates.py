"""What a model of CT found, as a list to click and as outlines on the slices."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.types import Box, Candidate
from core.ui.widgets.bars import quiet
from core.ui.widgets.findings import probability_words
from core.workflows.ct_search import Searched

OUTLINE_MM = 16.0
"""Side of the square about a candidate."""


@dataclass(frozen=True)
class Visit:
    """A candidate that the viewer is sent to. number: a new one for each click. frame: from 0."""

    number: int
    box: Box
    frame: int


def candidate_boxes(searched: Searched | None, index: int) -> tuple[Box, ...]:
    """Squares about the candidates of slice `index` (from 0), in pixels of the image."""
    if searched is None:
        return ()
    return tuple(outline(searched, one) for one in searched.prediction.candidates or () if one.frame == index)


def outline(searched: Searched, candidate: Candidate) -> Box:
    """The square about a candidate; of an image without spacing, as large as it would be at the model's."""
    width, height = (OUTLINE_MM / side for side in searched.pixel_mm)
    return candidate.column + 0.5 - width / 2, candidate.row + 0.5 - height / 2, width, height


def slice_words(searched: Searched, index: int) -> str:
    """What was found in slice `index` (from 0)."""
    if index not in searched.by_slice:
        return f"Slice {index + 1} was not searched: it shows no lung that holds air."
    return f"Slice {index + 1}: {probability_words(searched.by_slice[index])} for {searched.label} in its best window."


def candidate_list(searched: Searched, key: str, last: Visit | None) -> Visit | None:
    """A button for each candidate, by slice. Returns where the viewer is to go, once after a click."""
    found = sorted(searched.prediction.candidates or (), key=lambda one: (one.frame, -one.score))
    if not found:
        quiet("No candidate was found.")
        return None
    st.markdown("##### Candidates")
    for number, one in enumerate(found):
        words = f"Slice {one.frame + 1}, column {one.column:.0f}, row {one.row:.0f}: score {one.score:.2f}"
        if st.button(words, key=f"{key}.{number}", width="stretch"):
            return Visit(last.number + 1 if last else 1, outline(searched, one), one.frame)
    quiet("A score is the probability of the window about the place, lowered where the window points elsewhere. A click shows the place.")
    return None
