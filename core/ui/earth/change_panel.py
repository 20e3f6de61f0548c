"""The Change tab: by which method, how much, from what to what, and where."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.change.methods.bands import OTSU
from core.change.severity import SEVERITIES, UNBURNED
from core.render.colours import class_colours, css
from core.report.notices import say
from core.report.scene_change import change_report
from core.report.scenes import is_listed
from core.report.text import warnings_of
from core.types import ChangeMap, ChangePolygon
from core.ui.earth.comparison import (
    THRESHOLD_STEPS,
    WAYS,
    choose_goal,
    choose_threshold,
    chosen_goal,
    chosen_index,
    chosen_method,
    chosen_threshold,
    comparison,
    goals,
    indices,
    method_help,
    methods,
    misfit,
    not_offered,
    threshold_words,
    usual_threshold,
)
from core.ui.earth.cover_panel import assessed_of, interval_words
from core.ui.earth.models import megapixels_read, unreadable_dates
from core.ui.earth.page_state import EarthState, date_words, visit
from core.ui.earth.polygons.panel import polygon_title, polygon_view, polygon_words
from core.ui.earth.polygons.review import review_words, reviewed_words
from core.ui.earth.work import change_task, largest, start_change
from core.ui.state.errors import show_error
from core.ui.state.progress import result_of
from core.ui.state.session import Session
from core.ui.widgets.bars import Bar, bars, note, quiet
from core.ui.widgets.charts import transitions_chart, transitions_words
from core.ui.widgets.choices import apart
from core.ui.widgets.words import hectares, label_words, share
from core.workflows.change_files import STATES

OWN = "own"
"""A threshold that is neither the usual one nor Otsu's."""
LISTED = 12
"""Polygons in the list; the GeoPackage holds all."""


def change_tab(session: Session, here: EarthState) -> None:
    """What differs between the two dates shown."""
    unfit = misfit(here)
    if here.after is None:
        return quiet("One date is shown. Add another in the tab Scenes, or choose two under the map.")
    if unfit is not None:
        return show_error(unfit)
    if not methods(here):
        return _nothing_offered(here)
    return _compared(session, here)


def _nothing_offered(here: EarthState) -> None:
    unread = next(filter(None, (unreadable_dates(here, number) for number in here.pair)), None)
    if unread is not None:
        show_error(unread)
    _not_offered(here)


def _not_offered(here: EarthState) -> None:
    """Ways that these dates do not allow, those of one reason together."""
    reasons: dict[str, list[str]] = {}
    for name, reason in not_offered(here).items():
        reasons.setdefault(reason, []).append(WAYS[name])
    for reason, names in reasons.items():
        quiet(f"Not offered for these dates: {', '.join(names)}: {reason}")


def _compared(session: Session, here: EarthState) -> None:
    _choose_goal(here)
    with st.expander("How", key="earth.how"):
        _how(here)
    task = change_task(session, here)
    if not task.title:
        return _offer(session, here)
    result = result_of(task, "earth.change") if task.job is None else None
    return _result(session, here, result) if result else None


def _choose_goal(here: EarthState) -> None:
    """What is looked for; a way that was picked under "How" and finds none of these leaves all unchosen."""
    current = chosen_goal(here)
    offered = goals(here)
    quiet("What are you looking for?")
    goal = st.pills(
        "What are you looking for?", list(offered), default=current or None, format_func=apart(list(offered), offered.__getitem__),
        label_visibility="collapsed", key=f"earth.goal.{current}.{'.'.join(offered)}",
    )  # fmt: skip
    if goal and goal != current:
        choose_goal(here, goal)
        here.polygon = None
        st.rerun()


def _how(here: EarthState) -> None:
    """The way by its name, its index and threshold, what its number means, and which ways these dates do not allow."""
    _choose_method(here)
    if indices(here) and chosen_index(here):
        _choose_index(here)
    usual = usual_threshold(here)
    if usual is not None:
        _choose_threshold(here, usual)
    quiet(method_help(here))
    _not_offered(here)


def _choose_method(here: EarthState) -> None:
    current = chosen_method(here)
    method = _one_of("Method", methods(here), current)
    if method and method != current:
        here.method, here.polygon = method, None
        st.rerun()


def _choose_index(here: EarthState) -> None:
    current = chosen_index(here)
    index = _one_of("Index", indices(here), current)
    if index and index != current:
        here.index, here.polygon = index, None
        st.rerun()


def _choose_threshold(here: EarthState, usual: float) -> None:
    current = chosen_threshold(here)
    way = current if current in ("", OTSU) else OWN
    of = chosen_index(here) or chosen_method(here)
    chosen = _one_of("Threshold", {"": f"From {usual:g} on", OTSU: "Otsu's threshold", OWN: "Own threshold"}, way, of)
    wanted = current if chosen == way else f"{usual:g}" if chosen == OWN else chosen or ""
    if wanted not in ("", OTSU):
        step, most = THRESHOLD_STEPS[chosen_method(here)]
        key = f"earth.threshold.own.{of}"
        given = st.number_input("Changed from this number on", 0.0, most, float(wanted), step, format="%.4f", key=key)
        wanted = f"{given:g}"
    if wanted != current:
        choose_threshold(here, wanted)
        here.polygon = None
        st.rerun()


def _one_of(name: str, offered: Mapping[str, str], current: str, of: str = "") -> str | None:
    """The one of these that is chosen, by its key. offered: what each is called. of: what it is chosen for, where that changes."""
    return st.pills(
        name, list(offered), default=current, required=True, format_func=apart(list(offered), offered.__getitem__),
        label_visibility="collapsed", key=f"earth.{name.lower()}.{of}{'.'.join(offered)}",
    )  # fmt: skip


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
        quiet(f"{between}, {share(result.changed_pixels / result.valid_pixels)} of what both dates show. Mapped, no interval.")
        _estimated_change(here, result)
        _severities(result)
        _changed(session, here, result)
    else:
        st.markdown("#### No change")
        quiet(f"{between}: none of the {result.valid_pixels:,} valid pixels that the dates share.")
    for assumption in result.assumptions:
        if assumption not in result.warnings:
            quiet(say(assumption))
    if threshold_words(result):
        quiet(threshold_words(result))
    if not result.is_calibrated:
        quiet("The score of change is not calibrated.")
    if any(polygon.confidence is not None for polygon in result.polygons):
        pixels = float(result.parameters.get("shift_pixels", 0.0))
        quiet(f"Confidence: how much of a polygon the measured shift between the dates ({pixels:.1f} px) cannot explain. No probability.")
    quiet("Season, sun, haze, cloud and small shifts change images too.")


def _estimated_change(here: EarthState, result: ChangeMap) -> None:
    """The area of change by a labelled sample, where there is one."""
    assessed = assessed_of(here, result.change)
    if assessed is not None:
        area = assessed.areas[assessed.sample.labels.index(STATES[1])]
        st.markdown(f"##### {interval_words(area)} by the labelled sample")
        quiet("In brackets the 95 % interval; the tab Accuracy has the rest.")


def _severities(result: ChangeMap) -> None:
    """The areas of burn severity, whose colours are those of the layer Severity."""
    found = [area for area in reversed(result.severities) if area.label != UNBURNED and is_listed(area.hectares)]
    largest_share = max((area.share for area in found), default=1.0)
    colours = dict(zip(SEVERITIES, map(css, class_colours(SEVERITIES)), strict=True))
    bars(
        Bar(label_words(area.label), area.share / largest_share, hectares(area.hectares), colours[area.label], swatch=colours[area.label])
        for area in found
    )
    if found:
        quiet("Burn severity by dNBR, after Key and Benson 2006; it was not checked on the ground.")


def _changed(session: Session, here: EarthState, result: ChangeMap) -> None:
    """The chosen polygon, else all of them: what is read stands beside the map, whatever the length of the list."""
    listed = largest(result)
    places = {polygon.id: place for place, polygon in enumerate(listed)}
    if here.polygon in places:
        return polygon_view(session, here, result, listed[places[here.polygon]])
    colours = dict(zip(result.labels, map(css, class_colours(result.labels)), strict=True))
    if any(each.before != each.after and each.pixels for each in result.became):
        st.plotly_chart(
            transitions_chart(result.became, colours), config={"displayModeBar": False}, key="earth.sankey",
            alt=transitions_words(result.became),
        )  # fmt: skip
    return _list(here, result, [polygon for polygon in listed if is_listed(polygon.hectares)])


def _list(here: EarthState, result: ChangeMap, listed: list[ChangePolygon]) -> None:
    st.markdown("##### Largest polygons")
    shown = {polygon.id: polygon for polygon in listed[:LISTED]}
    captions = [polygon_words(polygon, result) + review_words(here, result, polygon) for polygon in shown.values()]
    chosen = st.radio(
        "Largest polygons", list(shown), index=None, format_func=apart(list(shown), lambda number: polygon_title(shown[number])),
        captions=captions, key=f"earth.polygons.{comparison(here)}", label_visibility="collapsed",
    )  # fmt: skip
    if len(result.polygons) > len(shown):
        quiet(f"The {len(shown)} largest polygons are listed; the file changes.gpkg holds all of them.")
    quiet("Choose one, here or on the map: it is shown before, after, and why, and a key accepts or rejects it.")
    if reviewed_words(here, result):
        quiet(reviewed_words(here, result))
    if chosen is not None:
        visit(here, chosen)
        st.rerun()
