"""What a model of CT found, as a list to click and as outlines on the slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from core.report.headline import place_words
from core.types import Box, Candidate, Mark
from core.ui.widgets.bars import quiet
from core.ui.widgets.findings import probability_words
from core.ui.widgets.words import counted, label_words
from core.workflows.ct_search import Ranking, Searched

OUTLINE_MM = 16.0
"""Side of the square about a candidate whose size was not measured."""
ROOM_MM = 2.0
"""Between a candidate and what encloses it, so that the line hides nothing."""
RANKING_SECONDS = 2.0
"""Between looks at what a search has found."""
MOST_RANKED = 5
"""Candidates that are told while the search goes on."""
MOST_SHOWN = 12
"""Candidates that are listed at once; those with lower scores are a click away."""


@dataclass(frozen=True)
class Visit:
    """A candidate that the viewer is sent to. number: a new one for each click. frame: from 0."""

    number: int
    box: Box
    frame: int


def candidate_boxes(searched: Searched | None, index: int) -> tuple[Box, ...]:
    """Outlines of the candidates that slice `index` (from 0) shows, in pixels of the image; none of a refused image."""
    if searched is None or searched.prediction.outside.is_outside:
        return ()
    found = searched.prediction.candidates or ()
    return tuple(outline(searched, mark) for one in found for mark in one.marks if mark.frame == index)


def outline(searched: Searched, mark: Mark) -> Box:
    """What encloses a mark with a little room; where its size was not measured, a square that is OUTLINE_MM wide.

    Of an image without spacing, as large as it would be at the model's.
    """
    across, down = searched.pixel_mm
    if mark.box is None:
        width, height = OUTLINE_MM / across, OUTLINE_MM / down
        return mark.column + 0.5 - width / 2, mark.row + 0.5 - height / 2, width, height
    left, top, width, height = mark.box
    return left - ROOM_MM / across, top - ROOM_MM / down, width + 2 * ROOM_MM / across, height + 2 * ROOM_MM / down


def slice_words(searched: Searched, index: int) -> str:
    """What was found in slice `index` (from 0); nothing of an image that the model does not know."""
    if searched.prediction.outside.is_outside:
        return ""
    if index not in searched.by_slice:
        return f"Slice {index + 1} was not searched: it shows no lung that holds air."
    return f"Slice {index + 1}: highest score of {label_words(searched.label).lower()} {searched.by_slice[index]:.2f}, no probability."


def candidate_list(searched: Searched, key: str, last: Visit | None) -> Visit | None:
    """A button for each candidate, by score. Returns where the viewer is to go, once after a click."""
    found = searched.prediction.candidates or ()
    if not found:
        quiet("No candidate was found.")
        return None
    st.markdown("##### Candidates")
    visit = _buttons(searched, found[:MOST_SHOWN], 0, key, last)
    if len(found) > MOST_SHOWN:
        with st.expander(f"{counted(len(found) - MOST_SHOWN, 'candidate')} with lower scores"):
            visit = _buttons(searched, found[MOST_SHOWN:], MOST_SHOWN, key, last) or visit
    quiet(
        "A score is that of the window about the place, lowered where the window points elsewhere; it is no probability. A click shows it."
    )
    return visit


@st.fragment(run_every=RANKING_SECONDS)
def found_so_far(rankings: Mapping[str, Ranking], model: str) -> None:
    """The first ranking of a series, under the bar of its search. rankings: by model."""
    for line in ranking_words(rankings.get(model)):
        quiet(line)


def ranking_words(ranking: Ranking | None) -> tuple[str, ...]:
    """What a search that is under way has found so far, in lines; none before its first look through the series."""
    if ranking is None:
        return ()
    head = f"So far, in {ranking.slices} of {ranking.total} slices"
    if not ranking.candidates:
        return (f"{head}, no candidate was found.",)
    return (f"{head}; better may come, and some may go:", *(candidate_words(one) for one in ranking.candidates[:MOST_RANKED]))


def _buttons(searched: Searched, found: Sequence[Candidate], first: int, key: str, last: Visit | None) -> Visit | None:
    for number, one in enumerate(found, start=first):
        if st.button(candidate_words(one), key=f"{key}.{number}", width="stretch"):
            mark = next(mark for mark in one.marks if mark.frame == one.frame)
            return Visit(last.number + 1 if last else 1, outline(searched, mark), one.frame)
    return None


def candidate_words(one: Candidate) -> str:
    """ "Slice 22, right side of the patient, upper zone of the lungs, 11 mm: score 0.93, malignancy 0.30"."""
    size = "" if one.size_mm is None else f", {one.size_mm:.0f} mm"
    ratings = "".join(f", {label_words(name).lower()} {probability_words(value)}" for name, value in one.ratings.items())
    return f"Slice {one.frame + 1}, {place_words(one)}{size}: score {one.score:.2f}{ratings}"
