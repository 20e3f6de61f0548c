"""The Change tab: how much, from what to what, where, and why a polygon counts as what it became."""

from __future__ import annotations

import streamlit as st

from core.render.change_polygon import before_and_after
from core.render.colours import class_colours, css
from core.render.heatmap import over_input
from core.report.notices import say
from core.report.scene_change import change_report
from core.report.text import warnings_of
from core.types import ChangeMap, ChangePolygon
from core.ui.earth.cover_panel import pixel_words
from core.ui.earth.page_state import EarthState, Why, date_words, visit
from core.ui.earth.work import (
    change_task,
    chosen_method,
    largest,
    megapixels_read,
    methods,
    middle,
    misfit,
    polygon_explanation,
    start_change,
    unreadable_dates,
)
from core.ui.state.errors import show_error
from core.ui.state.progress import result_of
from core.ui.state.session import Session
from core.ui.viewer.facts import saliency_colours
from core.ui.widgets.bars import facts, note, quiet
from core.ui.widgets.charts import transitions_chart, transitions_words
from core.ui.widgets.choices import apart
from core.ui.widgets.faithfulness import HEATMAP_OF_A_SCENE, belief
from core.ui.widgets.words import hectares, label_words, method_words, share

HELP = {
    "model": "Trained model: a network that was trained on pixels that changed.",
    "classes": "Post-classification comparison: the two class maps differ.",
    "embedding": "Embedding distance: what the model sees of the place differs.",
}
LISTED = 12
"""Polygons in the list; the GeoPackage holds all."""


def change_tab(session: Session, here: EarthState) -> None:
    """What differs between the two dates shown."""
    unfit = misfit(here) or next(filter(None, (unreadable_dates(here, number) for number in here.pair)), None)
    if here.after is None:
        quiet("One date is shown. Add another in the tab Scenes, or choose two under the map.")
    elif unfit:
        show_error(unfit)
    else:
        _compared(session, here)


def _compared(session: Session, here: EarthState) -> None:
    offered, current = methods(here), chosen_method(here)
    method = st.segmented_control(
        "Method", list(offered), default=current, required=True, format_func=apart(list(offered), offered.__getitem__),
        label_visibility="collapsed", key=f"earth.method.{len(offered)}", help=" ".join(HELP[name] for name in offered),
    )  # fmt: skip
    if method and method != current:
        here.method, here.polygon = method, None
        st.rerun()
    task = change_task(session, here)
    if not task.title:
        return _offer(session, here)
    result = result_of(task, "earth.change") if task.job is None else None
    return _result(session, here, result) if result else None


def _offer(session: Session, here: EarthState) -> None:
    size = sum(megapixels_read(here, number) for number in here.pair)
    quiet(f"Not compared yet. There are {size:,.1f} million pixels to read, both dates together.")
    if st.button("Compare these dates", key="earth.compare", type="primary"):
        start_change(session, here)
        st.rerun()


def _result(session: Session, here: EarthState, result: ChangeMap) -> None:
    report = change_report(result)
    if warnings_of(report):
        note("In place of a result" if report.withheld else "Before the result", " ".join(warnings_of(report)))
    between = f"{date_words(result.before)} to {date_words(result.after)}"
    if report.withheld:
        quiet(f"{between}: what was computed all the same is on the map and in the files; it may mean nothing.")
    elif result.changed_pixels:
        st.markdown(f"#### {hectares(result.changed_hectares)} changed")
        quiet(f"{between}, {share(result.changed_pixels / result.valid_pixels)} of what both dates show.")
        _changed(session, here, result)
    else:
        st.markdown("#### No change")
        quiet(f"{between}: none of the {result.valid_pixels:,} valid pixels that the dates share.")
    for assumption in result.assumptions:
        if assumption not in result.warnings:
            quiet(f"Assumed: {say(assumption)}")
    if not result.is_calibrated:
        quiet("The score of change is not calibrated.")
    quiet("Season, sun, haze, cloud and small shifts change images too.")


def _changed(session: Session, here: EarthState, result: ChangeMap) -> None:
    """The chosen polygon, else all of them: what is read stands beside the map, whatever the length of the list."""
    listed = largest(result)
    places = {polygon.id: place for place, polygon in enumerate(listed)}
    if here.polygon in places:
        return _patch(session, here, result, listed[places[here.polygon]])
    colours = dict(zip(result.labels, map(css, class_colours(result.labels)), strict=True))
    if any(each.before != each.after and each.pixels for each in result.transitions):
        st.plotly_chart(
            transitions_chart(result.transitions, colours), config={"displayModeBar": False}, key="earth.sankey",
            alt=transitions_words(result.transitions),
        )  # fmt: skip
    return _list(here, result, listed)


def _list(here: EarthState, result: ChangeMap, listed: list[ChangePolygon]) -> None:
    st.markdown("##### Largest polygons")
    shown = {polygon.id: polygon for polygon in listed[:LISTED]}
    chosen = st.radio(
        "Largest polygons", list(shown), index=None, format_func=apart(list(shown), lambda number: polygon_title(shown[number])),
        captions=[polygon_words(polygon, result) for polygon in shown.values()], key=f"earth.polygons.{here.pair}.{chosen_method(here)}",
        label_visibility="collapsed",
    )  # fmt: skip
    if len(listed) > LISTED:
        quiet(f"{len(listed):,} polygons in all; the file changes.gpkg holds them.")
    quiet("Choose one, here or on the map: it is shown before, after, and why.")
    if chosen is not None:
        visit(here, chosen)
        st.rerun()


def polygon_title(polygon: ChangePolygon) -> str:
    """ "Forest to residential"; where the classes of both dates are one, that it was there all along."""
    if polygon.before is None or polygon.after is None:
        return f"Polygon {polygon.id}"
    if polygon.before == polygon.after:
        return f"{label_words(polygon.before)} at both dates"
    return f"{label_words(polygon.before)} to {label_words(polygon.after).lower()}"


def polygon_words(polygon: ChangePolygon, result: ChangeMap) -> str:
    """Area, and score or probability."""
    return f"{hectares(polygon.hectares)}, {'probability' if result.is_calibrated else 'score'} {polygon.probability:.2f}"


def _patch(session: Session, here: EarthState, result: ChangeMap, polygon: ChangePolygon) -> None:
    """One polygon: before, after and why, and the way to its neighbours in the list."""
    listed = largest(result)
    place = listed.index(polygon)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("All polygons", key="earth.polygon.all"):
            _go_to(here, None)
        if st.button("Previous", key="earth.polygon.previous", disabled=place == 0):
            _go_to(here, listed[place - 1])
        if st.button("Next", key="earth.polygon.next", disabled=place == len(listed) - 1):
            _go_to(here, listed[place + 1])
    st.markdown(f"##### {polygon_title(polygon)}")
    quiet(f"{polygon_words(polygon, result)}; number {place + 1:,} of {len(listed):,} by area.")
    assert here.after is not None
    for column, picture, scene in zip(st.columns(2, gap="small"), _pictures(here, polygon), (here.before, here.after), strict=True):
        column.image(picture, width="stretch", alt=f"Polygon {polygon.id} on {date_words(scene)}")
        with column:
            quiet(date_words(scene))
    found = result_of(polygon_explanation(session, here, polygon), "earth.why")
    if found is not None:
        _why(here, found, polygon)


def _pictures(here: EarthState, polygon: ChangePolygon) -> tuple[bytes, bytes]:
    """The polygon at both dates; drawn once, not in every run of the page."""
    assert here.after is not None
    known = here.drawn.setdefault("polygons", {})
    key = (here.pair, chosen_method(here), polygon.id)
    if key not in known:
        known[key] = before_and_after(here.before, here.after, polygon)
    pictures: tuple[bytes, bytes] = known[key]
    return pictures


def _go_to(here: EarthState, polygon: ChangePolygon | None) -> None:
    visit(here, polygon.id if polygon else None)
    st.rerun()


def _why(here: EarthState, found: Why, polygon: ChangePolygon) -> None:
    explanation = found.explanation
    st.markdown(f"##### Why {label_words(explanation.target.name).lower()}, on {date_words(here.after or here.before)}")
    left, right = st.columns([1, 1.2], gap="small")
    left.image(
        over_input(found.input.shown, found.explanation.saliency),
        width="stretch",
        alt=f"Saliency of {label_words(explanation.target.name)} over the window",
    )
    with left:
        _colour_bar()
    with right:
        size = f"{found.input.box[2]:.0f} x {found.input.box[3]:.0f} px"
        facts({"Method": method_words(explanation.method), "Window": size, "Middle": pixel_words(here, *middle(polygon.window))})
    belief(explanation, HEATMAP_OF_A_SCENE)


def _colour_bar() -> None:
    colours = saliency_colours()
    stops = ", ".join(colours.stops)
    st.html(
        f'<div class="colourbar"><span>{colours.low}</span><i style="background:linear-gradient(to right, {stops})"></i>'
        f"<span>{colours.high}</span></div>"
    )
