"""The Accuracy tab: draw a sample of a map, have it labelled by one or two raters, and read areas with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from html import escape

import streamlit as st

from core.accuracy.intervals import Interval
from core.report.accuracy import RATES
from core.types import ChangeMap
from core.ui.earth.assessment import RATERS, Assessment, assess_here, draw_assessment, take_labels
from core.ui.earth.page_state import EarthState
from core.ui.earth.report_panel import Result, chosen_result, results
from core.ui.earth.work import dates_of_result
from core.ui.shell.private_streamlit import forget_upload
from core.ui.state.errors import guarded
from core.ui.state.progress import result_of
from core.ui.state.session import Session
from core.ui.widgets.bars import facts, note, quiet
from core.ui.widgets.choices import apart
from core.ui.widgets.words import counted, hectares, label_words
from core.workflows.accuracy.assess import Assessed
from core.workflows.accuracy.result import BY_BUFFER, BY_CHANGE, BY_CLASSES
from core.workflows.accuracy.sample import USUAL_INTERVAL, SampleWish

STRATA_OF_MAP = {BY_CLASSES: "Classes of the map"}
STRATA_OF_CHANGE = {
    BY_CHANGE: "Change and no change",
    BY_BUFFER: "Change and a buffer around it",
    BY_CLASSES: "Classes of the first date",
}
LEAST_POINTS_WORTH = 30
"""Labelled points of a stratum below which its interval is very wide."""
UPLOAD_MB = 20


def accuracy_tab(session: Session, here: EarthState) -> None:
    """The sample of one result."""
    result = chosen_result(results(session, here), "earth.accuracy.of")
    if result is None:
        return
    task = session.task(here.samples, result.key)
    if not task.title or task.was_stopped:
        _offer(session, here, result)
        return
    drawn = result_of(task, f"earth.sample.{result.key}")
    if drawn is not None:
        _sample(here, result, drawn)


def _offer(session: Session, here: EarthState, result: Result) -> None:
    quiet("Areas are mapped, no interval. Points drawn at random and labelled by eye give areas and accuracy with 95 % intervals.")
    made = result.made
    if isinstance(made, Assessed):
        return
    words = dict(STRATA_OF_CHANGE if isinstance(made, ChangeMap) else STRATA_OF_MAP)
    if isinstance(made, ChangeMap) and made.landcover_before is None:
        del words[BY_CLASSES]
    ways = tuple(words)
    by = ways[0]
    if len(ways) > 1:
        by = st.selectbox("Strata", ways, format_func=apart(ways, words.__getitem__), key=f"earth.strata.{result.key}")
    width = st.number_input(
        "Overall accuracy within ± per cent", 1.0, 20.0, 100 * USUAL_INTERVAL, 0.5, format="%.1f", key=f"earth.interval.{result.key}"
    )
    seed = int(st.number_input("Seed", 0, 10**6, 0, 1, key=f"earth.seed.{result.key}", help="The same seed draws the same points."))
    quiet(f"Strata: {words[by].lower()}. Rare ones get at least 50 points.")
    if st.button("Draw the sample", key=f"earth.draw.{result.key}", type="primary"):
        grid, scenes = dates_of_result(made)
        wish = SampleWish(interval=width / 100, strata_by=by, seed=seed)
        draw = partial(draw_assessment, result.folder, grid, scenes, wish)
        session.task(here.samples, result.key).start("Drawing a sample", lambda progress: draw(), "rows")
        st.rerun()


def _sample(here: EarthState, result: Result, drawn: Assessment) -> None:
    total, strata = len(drawn.sample.points), len(drawn.sample.strata)
    st.markdown(f"#### {counted(total, 'point')} in {strata:,} {'stratum' if strata == 1 else 'strata'}")
    drawn.rater = st.segmented_control(
        "Rater", (0, 1), default=drawn.rater, required=True, format_func=apart((0, 1), RATERS.__getitem__), label_visibility="collapsed",
        key=f"earth.rater.{result.key}",
    ) or 0  # fmt: skip
    drawn.names[drawn.rater] = st.text_input(
        "Name", drawn.names[drawn.rater], key=f"earth.rater.name.{result.key}.{drawn.rater}", placeholder="Name, stored with the labels"
    )
    facts({name: f"{len(said):,} of {total:,} labelled" for name, said in zip(RATERS, drawn.said, strict=True)})
    is_begun = bool(drawn.labels)
    if st.button("Go on labelling" if is_begun else "Label the points", key=f"earth.label.{result.key}", type="primary", width="stretch"):
        here.labelling = result.key
        st.rerun()
    with st.expander("Labels from elsewhere", key=f"earth.labels.{result.key}"):
        _uploads(drawn, result.key)
    _estimates(drawn, result)


def _uploads(drawn: Assessment, key: str) -> None:
    """Points labelled in a GIS or a table come in by id."""
    quiet("The points are under Export as GeoPackage and CSV. Fill the column label; strata and classes are not in them.")
    taken = st.session_state.setdefault(f"earth.labels.taken.{key}", 0)
    upload = st.file_uploader(
        f"CSV or GeoPackage of the {RATERS[drawn.rater].lower()}", key=f"earth.labels.file.{key}.{taken}", max_upload_size=UPLOAD_MB
    )
    if upload is None:
        return
    try:
        with guarded():
            count = take_labels(drawn, upload.name, bytes(upload.getbuffer()))
            st.session_state[f"earth.labels.taken.{key}"] = taken + 1
            st.session_state[f"earth.labels.said.{key}"] = count
            st.rerun()
    finally:
        forget_upload(upload)


def _estimates(drawn: Assessment, result: Result) -> None:
    missing = drawn.unlabelled_strata()
    if missing:
        return quiet(f"Areas follow when each stratum has labels. Without any: {', '.join(map(label_words, missing))}.")
    told = None if drawn.assessed is None else len(drawn.assessed.result.reference)
    counts = len(set(drawn.said[0]) | set(drawn.said[1]))
    label = "Compute areas and accuracy" if told is None else "Compute anew"
    if st.button(label, key=f"earth.assess.{result.key}"):
        with guarded():
            assess_here(drawn)
            st.rerun()
    if drawn.assessed is not None:
        if told != counts:
            quiet(f"Computed from {counted(told or 0, 'point')}; {counts:,} are labelled now.")
        _result(drawn.assessed)
    return None


def _result(assessed: Assessed) -> None:
    told = assessed.result
    overall = told.accuracy.overall
    st.markdown(f"#### {100 * overall.value:.1f} % overall accuracy")
    quiet(f"95 % interval {100 * overall.low:.1f} to {100 * overall.high:.1f} %, from {counted(len(told.reference), 'point')}.")
    few = [stratum.name for stratum, points in zip(told.sample.strata, _labelled(assessed), strict=True) if points < LEAST_POINTS_WORTH]
    if few:
        note("Few points", f"Fewer than {LEAST_POINTS_WORTH} labelled points in {', '.join(map(label_words, few))}: wide intervals.")
    rows = [
        (label_words(label), f"{area.value:,.1f}\n{area.low:,.1f} to {area.high:,.1f}", f"{mapped:,.1f}")
        for label, area, mapped in zip(told.sample.labels, told.areas, told.mapped_hectares, strict=True)
    ]
    quiet("Below each estimate, its 95 % interval.")
    _table(("Class", "Area, ha", "Mapped, ha"), rows)
    rates = [(label_words(each.label), *(_rate(getattr(each, rate)) for rate in RATES)) for each in told.accuracy.classes]
    _table(("Class", "User's, %", "Producer's, %", "F1, %"), rates)
    with st.expander("Error matrix", key="earth.matrix"):
        names = [label_words(label) for label in told.sample.labels]
        counted_rows = [(name, *map(str, row)) for name, row in zip(names, told.accuracy.counts.tolist(), strict=True)]
        quiet("Points: rows as mapped, columns on the ground.")
        _table(("Mapped as", *names), counted_rows)
    if told.agreement is not None:
        raw, kappa = told.agreement.raw, told.agreement.kappa
        words = f", Cohen's kappa {kappa.value:.2f} ({kappa.low:.2f} to {kappa.high:.2f})" if kappa else ""
        quiet(f"Both raters agree on {100 * raw.value:.1f} % of {counted(told.agreement.points, 'point')}{words}. Else the first counts.")
    quiet(f"{hectares(told.hectares)} in all. The intervals are of the error of sampling, not of the raters.")


def _labelled(assessed: Assessed) -> list[int]:
    return [int(points) for points in assessed.result.sample.counts(assessed.result.reference).sum(axis=(1, 2))]


def _rate(interval: Interval | None) -> str:
    if interval is None:
        return "not known"
    return f"{100 * interval.value:.0f}\n{100 * interval.low:.0f} to {100 * interval.high:.0f}"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """A second line of a cell is quiet."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>" for row in rows)
    st.html(f'<div class="estimates"><table class="bands"><tr>{top}</tr>{body}</table></div>')


def _cell(text: str) -> str:
    first, _, second = text.partition("\n")
    return escape(first) + (f"<small>{escape(second)}</small>" if second else "")
