"""The grid of maps: one a method, one shared opacity, a colour bar each, and under each what it is worth."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.explain.overlay import EvidenceSide, drawn_map
from core.render.heatmap import map_layer
from core.render.scene import png
from core.report.notices import say
from core.types import Explanation, ModelInput, Scene
from core.ui.explain.measured import how_measured
from core.ui.explain.page_state import ExplainState, Ready, map_task
from core.ui.state.progress import result_of
from core.ui.state.session import Session, Task
from core.ui.viewer import Click, Colours, Grid, Layer, Show, view
from core.ui.viewer.facts import map_colours
from core.ui.widgets.bars import gain_bars, quiet, removal_bars
from core.ui.widgets.faithfulness import HEATMAP, HEATMAP_OF_A_SCENE, bands_words, completeness_words, verdict_words, where_it_looked
from core.ui.widgets.words import method_words

MOST_BESIDE = 2
"""Maps in a row: each is then at least 320 pixels wide on a screen of 1440."""


def maps(session: Session, here: ExplainState, made: Ready) -> dict[str, Explanation]:
    """Draw the maps of the chosen methods; returns those that are there. A click on one picks the patch for all."""
    found: dict[str, Explanation] = {}
    tasks = {method: map_task(session, here, made, method) for method in here.methods}
    session.stop_others(here.explained, {(*here.key, method, here.target) for method in here.methods})
    at_work = _at_work(tasks)
    for first in range(0, len(here.methods), MOST_BESIDE):
        row = here.methods[first : first + MOST_BESIDE]
        for column, method in zip(st.columns(min(MOST_BESIDE, len(here.methods)), gap="medium"), row, strict=False):
            with column:
                st.markdown(f"##### {method_words(method)}")
                if tasks[method].job is not None and method not in at_work:
                    quiet("Queued.")
                    continue
                result = result_of(tasks[method], f"explain.map.{method}")
                if result is not None:
                    found[method] = result
                    _map(session, here, made, result)
    if found:
        gain = next(iter(found.values())).gain
        caution = HEATMAP_OF_A_SCENE if isinstance(here.image, Scene) else HEATMAP
        quiet(f"{bands_words(gain)} {caution}")
    return found


def _at_work(tasks: Mapping[str, Task[Explanation]]) -> list[str]:
    """The methods whose progress is worth drawing: those that have begun, else the one whose turn is next."""
    for task in tasks.values():
        task.settle()
    waiting = [method for method, task in tasks.items() if task.job is not None]
    return [method for method in waiting if tasks[method].job.total] or waiting[:1]  # type: ignore[union-attr]


def _map(session: Session, here: ExplainState, made: Ready, result: Explanation) -> None:
    event = view(_show(here, made, result), f"explain.view.{here.name}.{result.method}")
    if event.click:
        clicked = patch_at(made.given, made.grid, event.click)
        if clicked != here.clicked:
            here.clicked, here.before = clicked, None
            st.rerun()
    where_it_looked(result)
    gain_bars(result.gain)
    quiet(verdict_words(result.gain))
    quiet(say(result.worth))
    removal_bars(result.deletion, result.insertion)
    if result.completeness_error is not None:
        quiet(completeness_words(result.completeness_error))
    if not result.class_specific:
        quiet("The same map for every target: it follows attention, not evidence.")
    how_measured(session, here, made, result)


def _show(here: ExplainState, made: Ready, result: Explanation) -> Show:
    rows, columns = made.given.shown.shape[1:]
    box = (0.0, 0.0, float(columns), float(rows))
    picture, colours = map_and_bar(result, here.side)
    beside = min(MOST_BESIDE, len(here.methods))
    return Show(
        key=f"{here.key}.{result.method}",
        label=f"{method_words(result.method)} for {result.target.name}",
        columns=columns,
        rows=rows,
        layers=(
            Layer("input", input_picture(here, made.given), box, ground=True),
            Layer("map", picture, box, opacity=here.opacity / 100, smooth=result.tokens is None),
        ),
        grid=Grid(*made.grid, box, here.clicked),
        colours=colours,
        is_plain=True,
        height=f"clamp(170px, calc((100vw - 330px) * {0.62 / beside:.3f}), 62vh)",
    )


def map_and_bar(result: Explanation, side: EvidenceSide = EvidenceSide.BOTH) -> tuple[bytes, Colours]:
    """The map as a layer, transparent at its zero, and its colour bar. side: the evidence of a signed map that is drawn."""
    drawn = drawn_map(result, side)
    return map_layer(drawn), map_colours(drawn)


def input_picture(here: ExplainState, given: ModelInput) -> bytes:
    """What the network reads, as PNG."""
    key = ("input", here.key)
    if key not in here.drawn:
        here.drawn[key] = png(shown_pixels(given))
    return here.drawn[key]


def shown_pixels(given: ModelInput) -> NDArray[np.uint8]:
    """uint8 [rows, columns, 3]: the first three channels as red, green and blue, or the first as grey."""
    channels = given.shown[:3] if len(given.shown) >= 3 else given.shown[:1].repeat(3, axis=0)
    return np.asarray(np.rint(np.clip(np.moveaxis(channels, 0, 2), 0.0, 1.0) * 255), dtype=np.uint8)


def patch_at(given: ModelInput, grid: tuple[int, int], clicked: Click) -> tuple[int, int]:
    """(row, column) on the grid of tokens of a click on the input."""
    rows, columns = given.shown.shape[1:]
    row = min(grid[0] - 1, max(0, clicked.row * grid[0] // rows))
    return row, min(grid[1] - 1, max(0, clicked.column * grid[1] // columns))
