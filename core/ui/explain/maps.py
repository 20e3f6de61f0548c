"""The grid of maps: one a method, drawn as soon as it is there; its measurement refines below it on a line that all maps share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic

import streamlit as st

from core.explain.overlay import DrawnMap, EvidenceSide, drawn_map
from core.explain.probes.controls import Control
from core.render.heatmap import map_layer
from core.types import Explanation, FoundMap, Gain
from core.ui.explain.exports import map_exports
from core.ui.explain.measured import how_measured
from core.ui.explain.page_state import Early, ExplainState, Ready
from core.ui.explain.pictures import fitted_height, input_picture, patch_at
from core.ui.explain.strip import Axis, Marks, axis_of, gain_strip, legend
from core.ui.explain.work import chosen_methods, controls_task, early_of, map_task
from core.ui.state.errors import guarded
from core.ui.state.progress import BLINK_SECONDS, POLL_SECONDS, progress_share, result_of
from core.ui.state.session import Session, Task
from core.ui.viewer import Click, Colours, Grid, Layer, Show, view
from core.ui.viewer.facts import map_colours
from core.ui.widgets.bars import quiet
from core.ui.widgets.faithfulness import beside_note, verdict_words
from core.ui.widgets.words import label_words, method_words

CONTROL_WORDS = {
    "noise": "Noise, as smooth as the first map",
    "centre": "A blob in the middle",
    "edges": "Edges of the image",
    "random_weights": "{method} on random weights",
}
_TALLEST_CONTROL = "30vh"

Tasks = Mapping[str, Task[Explanation]]
Stage = tuple[str, int]
"""What is drawn of a map: nothing, the map, so many random maps of its measurement, or all."""


def maps(session: Session, here: ExplainState, made: Ready) -> dict[str, Explanation]:
    """Draw the maps of the chosen methods; returns those whose measurement is done. A click on one picks the patch for all."""
    methods = chosen_methods(here, made)
    tasks = {method: map_task(session, here, made, method) for method in methods}
    session.stop_others(here.explained, {(*here.question, method) for method in methods})
    _wait_for_the_first(here, tasks)
    stages = {method: _stage(task, early_of(here, method)) for method, task in tasks.items()}
    done = {method: task.value for method, task in tasks.items() if task.value is not None}
    gains = {method: gain for method in methods if (gain := _gain(here, tasks[method], method)) is not None}
    beside = _controls(session, here, made, methods, done)
    controls = beside.value or () if beside is not None else ()
    axis = axis_of(gains.values(), (control.gain for control in controls))
    if any(task.job is not None for task in (*tasks.values(), beside) if task is not None):
        _watch(here, tasks, stages, beside)
    with st.container(key=f"explain-maps-{here.name}"):
        for method in methods:
            with st.container(key=f"explain-card-{here.name}-{method}"), guarded():
                _card(session, here, made, tasks[method], gains, axis, method)
    if gains:
        st.html(legend(max(gain.random_maps for gain in gains.values())))
    if controls:
        _draw_controls(here, made, controls, axis)
    return done


def _wait_for_the_first(here: ExplainState, tasks: Tasks) -> None:
    """A moment, so that the first map comes with its page rather than with the next look at it."""
    begun = [early_of(here, method) for method, task in tasks.items() if task.job is not None and not task.is_announced]
    for task in tasks.values():
        task.is_announced = True
    ends = monotonic() + BLINK_SECONDS
    while begun and not any(early.is_there.is_set() for early in begun) and monotonic() < ends:
        begun[0].is_there.wait(BLINK_SECONDS / 10)
    for task in tasks.values():
        task.settle()


def _stage(task: Task[Explanation], early: Early) -> Stage:
    if task.job is None or task.job.is_done:
        return "done", 0
    if early.gain is not None:
        return "measuring", early.gain.random_maps
    return ("found", 0) if early.found is not None else ("waiting", 0)


def _gain(here: ExplainState, task: Task[Explanation], method: str) -> Gain | None:
    return task.value.gain if task.value is not None else early_of(here, method).gain if task.job is not None else None


@st.fragment(run_every=POLL_SECONDS)
def _watch(here: ExplainState, tasks: Tasks, stages: Mapping[str, Stage], beside: Task[tuple[Control, ...]] | None) -> None:
    """One line for all the work, with a button that stops it; the page runs anew whenever a map, a measurement or a control is there."""
    with guarded():
        if beside is not None and beside.job is not None and beside.job.is_done:
            st.rerun(scope="app")
        if any(_stage(task, early_of(here, method)) != stages[method] for method, task in tasks.items()):
            st.rerun(scope="app")
        jobs = [task.job for task in tasks.values() if task.job is not None]
        if not jobs:
            return
        there = sum(early_of(here, method).found is not None or task.value is not None for method, task in tasks.items())
        measured = sum(task.value is not None for task in tasks.values())
        share = (len(tasks) - len(jobs) + sum(map(progress_share, jobs))) / len(tasks)
        with st.container(horizontal=True, vertical_alignment="center", key=f"explain-progress-{here.name}"):
            st.progress(share, text=f"{there} of {len(tasks)} maps, {measured} measured")
            if st.button("Cancel", key=f"explain.cancel.{here.name}"):
                for job in jobs:
                    job.cancel()


def _card(
    session: Session, here: ExplainState, made: Ready, task: Task[Explanation], gains: Mapping[str, Gain], axis: Axis, method: str
) -> None:
    found = task.value or (early_of(here, method).found if task.job is not None else None)
    same = "" if found is None or found.class_specific else '<span class="mark">same for every target</span>'
    st.html(f'<h5 class="card-title">{method_words(method)}{same}</h5>')
    if task.job is None and task.value is None:
        result_of(task, f"explain.map.{here.name}.{method}")
    if found is None:
        if task.job is not None:
            quiet("Under way.")
        return
    _map(here, made, found)
    result, gain = task.value, gains.get(method)
    if gain is not None:
        others = {name: other.value for name, other in gains.items() if name != method}
        gain_strip(Marks(gain.value, gain, others), axis, result)
    if result is None:
        quiet("Being measured." if gain is None else f"Being measured; so far among {gain.random_maps} random maps.")
        return
    st.html(f'<p class="verdict">{verdict_words(result.gain)}</p>')
    beside_note(result)
    how_measured(session, here, made, result)
    map_exports(here, made, result)


def _map(here: ExplainState, made: Ready, found: FoundMap) -> None:
    drawn = drawn_map(found, here.side)
    label = f"{method_words(found.method)} for {target_words(here)}"
    event = view(
        map_show(here, made, drawn, label, f"{here.key}.{found.method}", is_smooth=found.tokens is None),
        f"explain.view.{here.name}.{found.method}",
    )
    if event.click:
        pick(here, made, event.click)


def target_words(here: ExplainState) -> str:
    """ "Pneumonia", "Pneumonia rather than normal"."""
    return label_words(here.target) + (f" rather than {label_words(here.against).lower()}" if here.against else "")


def pick(here: ExplainState, made: Ready, click: Click) -> None:
    """A patch was clicked; another click on it lets go of it."""
    clicked = patch_at(made.given, made.grid, click)
    here.clicked, here.before = (None if clicked == here.clicked else clicked), None
    here.cell = None
    st.rerun()


def map_show(
    here: ExplainState, made: Ready, drawn: DrawnMap, label: str, key: str, *, is_smooth: bool, tallest: str = "62vh", is_bare: bool = False
) -> Show:
    """A map over what the network reads. is_bare: without a colour bar."""
    rows, columns = made.given.shown.shape[1:]
    box = (0.0, 0.0, float(columns), float(rows))
    return Show(
        key=key,
        label=label,
        columns=columns,
        rows=rows,
        layers=(
            Layer("input", input_picture(here, made.given), box, ground=True),
            Layer("map", map_layer(drawn), box, opacity=here.opacity / 100, smooth=is_smooth),
        ),
        grid=Grid(*made.grid, box, here.clicked),
        colours=None if is_bare else map_colours(drawn),
        is_plain=True,
        height=fitted_height(rows, columns, tallest),
    )


def map_and_bar(result: FoundMap, side: EvidenceSide = EvidenceSide.BOTH) -> tuple[bytes, Colours]:
    """The map as a layer, transparent at its zero, and its colour bar. side: the evidence of a signed map that is drawn."""
    drawn = drawn_map(result, side)
    return map_layer(drawn), map_colours(drawn)


def _controls(
    session: Session, here: ExplainState, made: Ready, methods: Sequence[str], done: Mapping[str, Explanation]
) -> Task[tuple[Control, ...]] | None:
    """Of the first method that is measured, which begins before the others; none before."""
    first = next((done[method] for method in methods if method in done), None)
    if first is None:
        return None
    task = controls_task(session, here, made, first)
    task.settle()
    return task


def _draw_controls(here: ExplainState, made: Ready, controls: Sequence[Control], axis: Axis) -> None:
    st.html('<h5 class="card-title">Controls: what nothing looks like</h5>')
    quiet("None of these saw what the network learnt. A map that does no better than they do shows nothing of it.")
    with st.container(key=f"explain-controls-{here.name}"):
        for control in controls:
            with st.container(key=f"explain-control-{here.name}-{control.name}"):
                words = CONTROL_WORDS[control.name].format(method=method_words(control.method))
                show = map_show(
                    here, made, control.drawn, f"Control: {words}", f"{here.key}.control.{control.name}",
                    is_smooth=False, tallest=_TALLEST_CONTROL, is_bare=True,
                )  # fmt: skip
                event = view(show, f"explain.control.{here.name}.{control.name}")
                quiet(words)
                gain_strip(Marks(control.gain), axis)
                if event.click:
                    pick(here, made, event.click)
