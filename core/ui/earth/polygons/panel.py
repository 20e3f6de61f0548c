"""One polygon of change: before, after, and why it counts as changed: by the network that read it, or by the bands themselves."""

from __future__ import annotations

from html import escape

import streamlit as st

from core.change.band_means import BandMeans
from core.change.methods.index import INDEX
from core.change.methods.mad import MAD
from core.change.severity import severity_of
from core.explain.overlay import DrawnMap, drawn_map
from core.prepare.indices import INDICES
from core.render.change_polygon import before_and_after
from core.render.heatmap import over_input
from core.types import ChangeMap, ChangePolygon
from core.ui.earth.comparison import comparison, number_words
from core.ui.earth.cover_panel import pixel_words
from core.ui.earth.page_state import EarthState, Why, date_words, visit
from core.ui.earth.polygons.review import review_view
from core.ui.earth.polygons.taken_back import taken_back_view
from core.ui.earth.work import largest, middle, polygon_bands, polygon_explanation, polygon_taken_back
from core.ui.state.progress import result_of
from core.ui.state.session import Session
from core.ui.viewer.facts import map_colours
from core.ui.widgets.bars import facts, quiet
from core.ui.widgets.faithfulness import HEATMAP_OF_A_SCENE, belief
from core.ui.widgets.words import counted, hectares, label_words, method_words


def polygon_title(polygon: ChangePolygon) -> str:
    """ "Forest to residential"; where the classes of both dates are one, that it was there all along."""
    if polygon.before is None or polygon.after is None:
        return f"Polygon {polygon.id}"
    if polygon.before == polygon.after:
        return f"{label_words(polygon.before)} at both dates"
    return f"{label_words(polygon.before)} to {label_words(polygon.after).lower()}"


def polygon_words(polygon: ChangePolygon, result: ChangeMap) -> str:
    """Area, and score or probability; of a burn, how severe that is; and how much of it the measured shift cannot explain."""
    severity = f", {label_words(severity_of(polygon.probability)).lower()}" if result.severities else ""
    area = "a line: no area" if polygon.is_linear(result.linear) else hectares(polygon.hectares)
    trust = "" if polygon.confidence is None else f", confidence {polygon.confidence:.2f}"
    return f"{area}, {number_words(result, polygon.probability)}{severity}{trust}"


def polygon_view(session: Session, here: EarthState, result: ChangeMap, polygon: ChangePolygon) -> None:
    """Before, after and why, and the way to its neighbours in the list."""
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
    review_view(here, result, polygon, listed[place + 1] if place + 1 < len(listed) else None)
    assert here.after is not None
    for column, picture, scene in zip(st.columns(2, gap="small"), _pictures(here, polygon), (here.before, here.after), strict=True):
        column.image(picture, width="stretch", alt=f"Polygon {polygon.id} on {date_words(scene)}")
        with column:
            quiet(date_words(scene))
    if result.model:
        found = result_of(polygon_explanation(session, here, polygon), "earth.why") if polygon.after is not None else None
        if found is not None:
            _why(here, found, polygon)
    else:
        means = result_of(polygon_bands(session, here, result, polygon), "earth.why")
        if means is not None:
            _bands(here, result, means)
    if result.method != MAD:  # which compares whole scenes
        st.markdown("##### With the old pixels put back")
        undone = result_of(polygon_taken_back(session, here, result, polygon), "earth.taken-back")
        if undone is not None:
            taken_back_view(undone)


def _pictures(here: EarthState, polygon: ChangePolygon) -> tuple[bytes, bytes]:
    """The polygon at both dates; drawn once, not in every run of the page."""
    assert here.after is not None
    known = here.drawn.setdefault("polygons", {})
    key = (*comparison(here), polygon.id)
    if key not in known:
        known[key] = before_and_after(here.before, here.after, polygon)
    pictures: tuple[bytes, bytes] = known[key]
    return pictures


def _go_to(here: EarthState, polygon: ChangePolygon | None) -> None:
    visit(here, polygon.id if polygon else None)
    st.rerun()


def _bands(here: EarthState, result: ChangeMap, means: BandMeans) -> None:
    """No network is asked by these methods: what they compared is shown instead."""
    st.markdown("##### Why: the bands at both dates")
    rows = [(colour[:1].upper() + colour[1:], *pair) for colour, *pair in zip(means.colours, means.before, means.after, strict=True)]
    if result.method == INDEX:
        index = INDICES[str(result.parameters["index"])]
        rows.append((index.name.upper(), *(_index_of(index.name, values) for values in (means.before, means.after))))
    dates = "".join(f"<th>{escape(date_words(scene))}</th>" for scene in (here.before, here.after or here.before))
    head = f"<tr><th>Reflectance</th>{dates}</tr>"
    body = "".join(f"<tr><td>{name}</td><td>{before:.3f}</td><td>{after:.3f}</td></tr>" for name, before, after in rows)
    st.html(f'<table class="bands">{head}{body}</table>')
    last = f"{rows[-1][0]} is that of the means. " if result.method == INDEX else ""
    quiet(
        f"Means over {counted(means.pixels, 'changed pixel')} in the box of this polygon. {last}They say what differs, and not its cause."
    )


def _index_of(name: str, values: tuple[float, ...]) -> float:
    first, second = values
    return (first - second) / (first + second) if first + second > 0 else 0.0


def _why(here: EarthState, found: Why, polygon: ChangePolygon) -> None:
    explanation, drawn = found.explanation, drawn_map(found.explanation)
    st.markdown(f"##### Why {label_words(explanation.target.name).lower()}, on {date_words(here.after or here.before)}")
    left, right = st.columns([1, 1.2], gap="small")
    left.image(
        over_input(found.input.shown, drawn),
        width="stretch",
        alt=f"Saliency of {label_words(explanation.target.name)} over the window",
    )
    with left:
        _colour_bar(drawn)
    with right:
        size = f"{found.input.box[2]:.0f} x {found.input.box[3]:.0f} px"
        facts({"Method": method_words(explanation.method), "Window": size, "Middle": pixel_words(here, *middle(polygon.window))})
    belief(explanation, HEATMAP_OF_A_SCENE)


def _colour_bar(drawn: DrawnMap) -> None:
    colours = map_colours(drawn)
    stops = ", ".join(colours.stops)
    st.html(
        f'<div class="colourbar"><span>{colours.low}</span><i style="background:linear-gradient(to right, {stops})"></i>'
        f"<span>{colours.high}</span></div>"
    )
