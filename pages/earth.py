"""Earth: the map two thirds, one third what is known about the place; the dates below the map."""

from __future__ import annotations

import streamlit as st

from core.ui.earth import page_state as earth
from core.ui.earth import work as earth_work
from core.ui.earth.accuracy_panel import accuracy_tab
from core.ui.earth.change_panel import change_tab
from core.ui.earth.cover_panel import cover_tab
from core.ui.earth.intake import empty_state
from core.ui.earth.labelling_panel import labelled_now, labelling
from core.ui.earth.map import TABS_KEY, map_view, pick_place, view_key
from core.ui.earth.models import land_cover_models
from core.ui.earth.page_state import EarthState
from core.ui.earth.report_panel import export_tab, report_tab
from core.ui.earth.scenes_panel import scenes_tab
from core.ui.earth.strip import question_strip
from core.ui.earth.zones.panel import zones_tab
from core.ui.state.errors import guarded
from core.ui.state.progress import is_under_way, result_of
from core.ui.state.session import session
from core.ui.viewer import view, viewer_event
from core.ui.widgets.bars import note, quiet
from core.ui.widgets.choices import apart
from core.ui.widgets.close import close_button
from core.ui.widgets.intake import asked_samples
from core.ui.widgets.words import counted

TABS = ("Scenes", "Land cover", "Change", "Zones", "Accuracy", "Report", "Export")
GROWS_SECONDS = 1.0  # how often a map that is under way is drawn anew
HERE = session()


def picture(state: EarthState) -> None:
    """The map; it runs alone when the view changes, and while a map is under way; the page runs with it when a place is clicked."""
    with guarded():
        ground = result_of(earth_work.ground(HERE, state), "earth.ground")
        if ground is None:
            return
        before = viewer_event("earth.map", view_key(state))
        state.viewport, state.seen = before.viewport or state.viewport, before.seen
        event = view(map_view(HERE, state, ground, state.viewport), "earth.map")
        if event.click:
            pick_place(HERE, state, event.click)
            st.rerun(scope="app")


def timeline(state: EarthState) -> None:
    """The dates that are open; both ends on one date show that date alone."""
    if len(state.groups) < 2:
        return
    before, after = st.select_slider(
        "Dates shown", range(len(state.groups)), value=state.pair, key=f"earth.dates.{state.added}", label_visibility="collapsed",
        format_func=apart(range(len(state.groups)), lambda number: earth.date_words(state.groups[number].scene)),
    )  # fmt: skip
    if (before, after) != state.pair:
        earth.choose(state, (before, after))
        st.rerun()


def head(state: EarthState) -> None:
    """How many scenes, with which model, and the button that lets go of them."""
    name, close = st.columns([3, 1], vertical_alignment="center")
    known = land_cover_models()
    if len(known) > 1:
        state.model = name.selectbox(
            "Model", list(known), list(known).index(state.model) if state.model in known else 0, key="earth.model",
            format_func=apart(list(known), lambda name: known[name].title), label_visibility="collapsed",
        )  # fmt: skip
    else:
        name.text(f"{counted(len(state.groups), 'scene')}, {next((one.title for one in known.values()), 'no model')}")
    close_button(close, HERE, earth.PAGE, state, "Close these scenes; uploads and results are deleted from this machine.")
    if state.refused:
        quiet(f"{counted(len(state.refused), 'file')} not opened; the tab Scenes says why.")


def panel(state: EarthState) -> None:
    """Tabs beside the map; only the open one is drawn."""
    head(state)
    for name, task in earth_work.running(state):
        is_under_way(task, f"earth.{name}")
    wanted = state.tab or (state.last_tab if TABS_KEY not in st.session_state else "")  # a reload comes back to where it was
    if wanted:
        st.session_state[TABS_KEY], state.tab = wanted, ""
    scenes, cover, change, zones, accuracy, report, export = st.tabs(TABS, key=TABS_KEY, on_change="rerun")
    state.last_tab = str(st.session_state.get(TABS_KEY) or "")
    if scenes.open:
        with scenes:
            scenes_tab(HERE, state)
    drawn = (
        (cover, cover_tab), (change, change_tab), (zones, zones_tab), (accuracy, accuracy_tab), (report, report_tab), (export, export_tab),
    )  # fmt: skip
    for tab, draw in drawn:
        if not tab.open:
            continue
        with tab:
            if state.model or draw is not cover_tab:
                draw(HERE, state)
            else:
                note("No model of land cover", "No model on this machine reads satellite scenes. `sightline train` makes one.")


def beside(state: EarthState) -> None:
    """The map, the dates below it, and what has to be asked."""
    is_growing = any(earth_work.running(state))
    with st.container(key="earth-picture"):
        st.fragment(picture, run_every=GROWS_SECONDS if is_growing else None)(state)
    timeline(state)
    with guarded():
        question_strip(HERE, state)


asked = asked_samples("geotiff")
if asked:
    earth.PAGE.close(HERE)
    earth.PAGE.open(HERE, asked)
is_arriving = is_under_way(earth.PAGE.arrival(HERE), "earth.opening")
opened = earth.PAGE.state(HERE)
if opened is not None:
    opened.model = opened.model or next(iter(land_cover_models()), "")
    earth_work.settle(opened)
    earth_work.stop_switched_off(HERE, opened)
    earth_work.start_what_is_quick(HERE, opened)
    labelled = labelled_now(opened)
    if labelled is not None:
        st.empty()  # where the map stands else: Streamlit clears what takes the place of a fragment that ran alone
        with st.container(key="earth-labelling"):
            st.fragment(labelling)(opened, labelled)
    else:
        left, right = st.columns([2, 1], gap="medium")
        with right, st.container(key="panel"), guarded():
            panel(opened)
        with left:
            beside(opened)
elif not is_arriving:
    wanted = empty_state(HERE)
    if wanted:
        earth.PAGE.open(HERE, wanted)
        st.rerun()
