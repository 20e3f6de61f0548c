"""Labelling of sample points by keys: a chip of each date, the classes with their keys, and no word of what the map says.

The map and its tabs are away meanwhile, since they would show the class of the point.
"""

from __future__ import annotations

import streamlit as st

from core.render.sample_chip import sample_chips
from core.ui.earth.assessment import RATERS, Assessment, give_label, go_on, go_to, show_point
from core.ui.earth.page_state import EarthState, date_words
from core.ui.state.errors import guarded
from core.ui.widgets.bars import quiet
from core.ui.widgets.choices import apart
from core.ui.widgets.words import label_words

KEYS = "1234567890"
ACROSS = (32, 64, 128)
"""Pixels of the scene that a chip may show."""


def labelled_now(here: EarthState) -> Assessment | None:
    """The sample whose points are being labelled; None where none is."""
    task = here.samples.get(here.labelling) if here.labelling else None
    return task.value if task is not None else None


def labelling(here: EarthState, drawn: Assessment) -> None:
    """Both columns; it runs alone when a key is pressed, and the page runs with it when the rater stops."""
    left, right = st.columns([2, 1], gap="medium")
    with right, st.container(key="panel"), guarded():
        _keys(here, drawn)
    with left, guarded():
        _chips(drawn)


def _chips(drawn: Assessment) -> None:
    """A picture of each date, the pixel outlined in the middle."""
    place = show_point(drawn).place
    pictures = sample_chips(drawn.grid, drawn.scenes, place.column, place.row, drawn.across)
    for column, picture, scene in zip(st.columns(len(pictures), gap="small"), pictures, drawn.scenes, strict=True):
        column.text(date_words(scene))
        column.image(picture, width="stretch", alt=f"Surroundings of the point on {date_words(scene)}, its pixel outlined")
    quiet(f"{drawn.point.latitude:.5f}, {drawn.point.longitude:.5f} (latitude, longitude). The outlined pixel is the point.")


def _keys(here: EarthState, drawn: Assessment) -> None:
    """The classes, each with its key, and the way to other points."""
    said, total = len(drawn.labels), len(drawn.sample.points)
    st.markdown(f"#### Point {drawn.at + 1:,} of {total:,}")
    st.progress(said / total, text=f"{RATERS[drawn.rater]}: {said:,} of {total:,} labelled")
    quiet("What is at the outlined pixel? What the map says of it is not shown.")
    given = drawn.labels.get(drawn.point.id)
    for place, label in enumerate(drawn.sample.labels):
        key = KEYS[place] if place < len(KEYS) else None
        is_given = given is not None and given.label == label
        st.button(
            label_words(label), key=f"earth.say.{place}", shortcut=key, width="stretch", type="primary" if is_given else "secondary",
            on_click=_give, args=(drawn, label),
        )  # fmt: skip
    with st.container(horizontal=True):
        st.button("Back", key="earth.say.back", shortcut="Left", on_click=go_to, args=(drawn, -1))
        st.button("Next", key="earth.say.next", shortcut="Right", on_click=go_to, args=(drawn, 1))
        st.button("Next without a label", key="earth.say.on", shortcut="n", on_click=go_on, args=(drawn,))
    drawn.across = st.segmented_control(
        "Pixels across", ACROSS, default=drawn.across, required=True, format_func=apart(ACROSS, lambda size: f"{size} px"),
        key="earth.say.across",
    ) or drawn.across  # fmt: skip
    if st.button("Stop labelling", key="earth.say.stop", width="stretch", shortcut="Escape"):
        here.labelling, here.tab = "", "Accuracy"
        st.rerun()
    quiet("Labels are kept as they are given, with the image and the seconds a point took.")


def _give(drawn: Assessment, label: str) -> None:
    with guarded():
        give_label(drawn, label)
