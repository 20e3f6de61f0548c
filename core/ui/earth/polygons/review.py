"""What a reviewer says of polygons of change: accepted, rejected, unsure, or another class; kept in changes.gpkg.

A verdict is given by somebody who has seen the map's own answer, so it never counts as a label of an accuracy sample.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from core.types import ChangeMap, ChangePolygon
from core.ui.earth.page_state import EarthState, visit
from core.ui.state.errors import guarded
from core.ui.widgets.bars import quiet
from core.ui.widgets.choices import apart
from core.ui.widgets.words import counted, label_words
from core.workflows.change_files import write_verdicts

KINDS = {"accepted": ("Accept", "a"), "rejected": ("Reject", "x"), "unsure": ("Unsure", "u")}
"""The word on the button, and its key."""
RELABELLED = "relabelled: "
"""What stands before the class in the column of a polygon that is of another class."""


def review_view(here: EarthState, result: ChangeMap, polygon: ChangePolygon, following: ChangePolygon | None) -> None:
    """One key says what a polygon is, and the next one comes. following: the next by area."""
    given = here.verdicts_of(result.change).get(polygon.id, "")
    with st.container(horizontal=True, vertical_alignment="bottom", key="earth-review"):
        for kind, (word, key) in KINDS.items():
            st.button(
                word, key=f"earth.review.{kind}", shortcut=key, type="primary" if given == kind else "secondary",
                on_click=_say, args=(here, result, polygon, kind, following),
            )  # fmt: skip
    if result.labels:
        _relabel(here, result, polygon, given)
    told = reviewed_words(here, result)
    if told:
        quiet(told)


def reviewed_words(here: EarthState, result: ChangeMap) -> str:
    """ "3 polygons reviewed: 2 accepted, 1 rejected."; "" where nobody said anything."""
    said = here.verdicts_of(result.change)
    kinds = Counter(RELABELLED.rstrip(": ") if verdict.startswith(RELABELLED) else verdict for verdict in said.values())
    told = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())
    return f"{counted(len(said), 'polygon')} reviewed: {told}. They stand in changes.gpkg, column verdict." if said else ""


def review_words(here: EarthState, result: ChangeMap, polygon: ChangePolygon) -> str:
    """What was said of a polygon, behind a comma; "" where nothing was."""
    verdict = here.verdicts_of(result.change).get(polygon.id, "")
    return f", {_words(verdict, result.labels)}" if verdict else ""


def _words(verdict: str, labels: Sequence[str]) -> str:
    label = verdict.removeprefix(RELABELLED)
    return f"{RELABELLED}{label_words(label).lower()}" if label in labels else verdict


def _relabel(here: EarthState, result: ChangeMap, polygon: ChangePolygon, given: str) -> None:
    """Another class for what the polygon became."""
    current = given.removeprefix(RELABELLED) if given.startswith(RELABELLED) else None
    labels = list(result.labels)
    chosen = st.selectbox(
        "Became something else", labels, labels.index(current) if current in labels else None, format_func=apart(labels, label_words),
        key=f"earth.relabel.{polygon.id}.{given}", placeholder="Choose its class",
    )  # fmt: skip
    if chosen and chosen != current:
        _say(here, result, polygon, RELABELLED + chosen, None)
        st.rerun()


def _say(here: EarthState, result: ChangeMap, polygon: ChangePolygon, verdict: str, following: ChangePolygon | None) -> None:
    """Keep a verdict; said once more it is taken back, and the page stays."""
    said = here.verdicts_of(result.change)
    with guarded():
        if said.get(polygon.id) == verdict:
            write_verdicts(result.polygons_file, {polygon.id: None})
            del said[polygon.id]
            return
        write_verdicts(result.polygons_file, {polygon.id: verdict})
        said[polygon.id] = verdict
        if following is not None:
            visit(here, following.id)
