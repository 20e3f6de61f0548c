"""The Land cover tab: scores of a clicked place, areas by class, and which classes the map shows."""

from __future__ import annotations

import math
from pathlib import Path

import streamlit as st

from core.accuracy.intervals import Interval
from core.render.colours import class_colours, css
from core.report.accuracy import AssessedMap
from core.report.notices import say
from core.report.scene_map import map_report
from core.report.scenes import is_listed
from core.report.text import warnings_of
from core.types import LandCoverMap, Scene
from core.ui.earth.models import megapixels_read, unreadable_dates
from core.ui.earth.page_state import EarthState, PlaceScores, date_words
from core.ui.earth.work import is_quick, land_cover, map_if_new, place_scores, shown_scenes, start_map
from core.ui.state.errors import show_error
from core.ui.state.progress import result_of
from core.ui.state.session import Session
from core.ui.widgets.bars import Bar, bars, note, quiet
from core.ui.widgets.choices import apart
from core.ui.widgets.findings import probability_words
from core.ui.widgets.words import counted, hectares, label_words, share

METRES = ("metre", "meter", "m")
"""Names of the unit in which most projections count."""
DEGREES = ("degree", "degrees")
_MOST_LABELS = 4
"""Labels of a place that are listed; the others share what is left."""


def cover_tab(session: Session, here: EarthState) -> None:
    """The clicked place, then the map of one date."""
    if here.clicked:
        _place(session, here)
    number = _date(here)
    task = land_cover(session, here, number)
    if is_quick(here) and map_if_new(session, here, number):
        st.rerun()  # what is under way stands above the tabs
    unfit = unreadable_dates(here, number)
    if unfit:
        return show_error(unfit)
    if not task.title:
        return _offer(session, here, number)
    result = result_of(task, f"earth.map.{number}") if task.job is None else None
    return _result(here, result) if result else None


def _date(here: EarthState) -> int:
    """The number of the scene that is spoken of."""
    if here.after is None:
        return here.pair[0]
    return st.segmented_control(
        "Date", here.pair, default=here.pair[1], required=True, label_visibility="collapsed", key=f"earth.cover.{here.pair}",
        format_func=apart(here.pair, lambda number: date_words(here.groups[number].scene)),
    ) or here.pair[0]  # fmt: skip


def _offer(session: Session, here: EarthState, number: int) -> None:
    """Work that is not begun without being asked."""
    size = megapixels_read(here, number)
    quiet(f"Not mapped yet. There are {size:,.1f} million pixels to read; the scene is streamed and never held whole.")
    if st.button("Map this date", key=f"earth.map.{number}", type="primary"):
        start_map(session, here, number)
        st.rerun()


def _result(here: EarthState, result: LandCoverMap) -> None:
    report = map_report(result)
    if warnings_of(report):
        note("In place of a result" if report.withheld else "Before the result", " ".join(warnings_of(report)))
    if result.valid_pixels == 0:
        note("Nothing to map", "The scene holds no valid pixel.")
    elif report.withheld:
        quiet("What was computed all the same is on the map and in the files; it may mean nothing.")
        _legend(here, [area.label for area in result.areas if area.pixels])
    else:
        _areas(here, result, assessed_of(here, result.landcover))
    for assumption in result.assumptions:
        if assumption not in result.warnings:
            quiet(say(assumption))
    quiet(f"{result.model}, weights {result.weights}, {result.seconds:.1f} s.")


def assessed_of(here: EarthState, raster: Path) -> AssessedMap | None:
    """What a labelled sample says of a result, by one of its files; None where there is none."""
    task = here.samples.get(raster.parent.name)
    drawn = task.value if task is not None else None
    return drawn.assessed.result if drawn is not None and drawn.assessed is not None else None


def _estimated(assessed: AssessedMap) -> None:
    """Areas of the classes with their intervals: the pale band of a bar."""
    largest = max((area.high for area in assessed.areas), default=1.0)
    bars(
        Bar(label_words(label), area.value / largest, interval_words(area), span=(area.low / largest, area.high / largest))
        for label, area in zip(assessed.sample.labels, assessed.areas, strict=True)
    )
    quiet(f"Areas from {counted(len(assessed.reference), 'labelled point')}, with 95 % intervals; the tab Accuracy has the rest.")


def interval_words(area: Interval) -> str:
    """ "416.0 ha (385.2 to 454.9)": an area and its interval."""
    return f"{hectares(area.value)} ({area.low:,.1f} to {area.high:,.1f})"


def _areas(here: EarthState, result: LandCoverMap, assessed: AssessedMap | None) -> None:
    if assessed is not None:
        _estimated(assessed)
    st.markdown(f"#### {hectares(sum(area.hectares for area in result.areas))} mapped")
    colours = dict(zip(result.labels, map(css, class_colours(result.labels)), strict=True))
    found = sorted((area for area in result.areas if is_listed(area.hectares)), key=lambda area: -area.hectares)
    largest = max((area.share for area in found), default=1.0)
    words = {
        area.label: "a line: no area" if area.label in result.linear else f"{hectares(area.hectares)}, {share(area.share)}"
        for area in found
    }  # fmt: skip
    bars(
        Bar(label_words(area.label), area.share / largest, words[area.label], colours[area.label], swatch=colours[area.label])
        for area in found
    )
    _legend(here, [area.label for area in found])
    if result.unstable is not None:
        quiet(f"On {share(result.unstable_share)} of it another cut of the scene may name another class: the layer Unstable of the map.")
    quiet(f"Mean confidence {result.mean_confidence:.2f}: a score of single tokens, not a probability.")
    quiet("Areas are mapped, no interval: they are counted from classified pixels, on the ellipsoid.")


def _legend(here: EarthState, labels: list[str]) -> None:
    """Which classes are drawn; at first all."""
    drawn = st.pills(
        "Drawn on the map", labels, selection_mode="multi", default=[label for label in labels if label not in here.hidden],
        format_func=apart(labels, label_words), key=f"earth.legend.{'.'.join(labels)}",
    )  # fmt: skip
    hidden = frozenset(labels) - frozenset(drawn)
    if hidden != here.hidden & frozenset(labels):
        here.hidden = (here.hidden - frozenset(labels)) | hidden
        st.rerun()


def _place(session: Session, here: EarthState) -> None:
    column, row = here.clicked or (0, 0)
    head, close = st.columns([5, 1], vertical_alignment="center")
    head.markdown("##### At this place")
    if close.button("Clear", key="earth.place.clear", type="tertiary"):
        here.clicked = None
        st.rerun()
    quiet(f"{pixel_words(here, column, row)}. Scores of the token there, from a window around it; the map averages overlapping windows.")
    for number, scene in shown_scenes(here):
        scores = result_of(place_scores(session, here, number, scene), f"earth.place.{number}")
        if scores is not None:
            _scores(scores, date_words(scene))
    st.divider()


def _scores(place: PlaceScores, title: str) -> None:
    prediction = place.prediction
    st.html(f'<p class="card-title">{title}</p>')
    if prediction.outside.is_outside:
        note("Outside what this model knows", say(prediction.outside.reason))
    scores = place.scores or (tuple(map(float, prediction.probabilities)) if prediction.probabilities is not None else ())
    colours = class_colours(prediction.labels)
    order = sorted(range(len(scores)), key=lambda index: -scores[index])
    bars(
        Bar(label_words(prediction.labels[index]), scores[index], probability_words(scores[index]), css(colours[index]),
            swatch=css(colours[index]))
        for index in order[:_MOST_LABELS]
    )  # fmt: skip


def pixel_words(here: EarthState, column: int, row: int) -> str:
    """Where a pixel lies, in the coordinates of the scene."""
    scene = here.before
    if scene.crs is None:
        return f"Pixel {column}, {row}"
    x, y = scene.transform @ (column + 0.5, row + 0.5)
    if not scene.crs.is_geographic:
        unit = " m" if ground_unit(scene) else ""
        return f"{x:,.0f}{unit} E, {y:,.0f}{unit} N"
    degrees = math.degrees(scene.crs.units_factor[1])  # grads are units of a CRS, too
    return f"{abs(y * degrees):.5f}° {'N' if y >= 0 else 'S'}, {abs(x * degrees):.5f}° {'E' if x >= 0 else 'W'}"


def ground_unit(scene: Scene) -> str:
    """The unit of a scene's coordinates: "°", "m", "" for any other and where there are none."""
    if scene.crs is None:
        return ""
    if scene.crs.is_geographic:
        return "°" if scene.crs.units_factor[0].lower() in DEGREES else ""
    return "m" if scene.crs.linear_units.lower() in METRES else ""
