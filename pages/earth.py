"""Earth: the map two thirds, one third what is known about the place; the dates below the map."""

from __future__ import annotations

import streamlit as st

from core.ui.earth import page_state as earth
from core.ui.earth import work as earth_work
from core.ui.earth.change_panel import change_tab
from core.ui.earth.cover_panel import cover_tab
from core.ui.earth.intake import empty_state
from core.ui.earth.map import TABS_KEY, map_view, pick_place, view_key
from core.ui.earth.models import land_cover_models
from core.ui.earth.page_state import EarthState
from core.ui.earth.report_panel import export_tab, report_tab
from core.ui.earth.scenes_panel import scenes_tab
from core.ui.state.errors import guarded
from core.ui.state.progress import is_under_way, result_of
from core.ui.state.session import session
from core.ui.viewer import view, viewer_event
from core.ui.widgets.bars import note, quiet
from core.ui.widgets.choices import apart
from core.ui.widgets.close import close_button
from core.ui.widgets.intake import asked_samples
from core.ui.widgets.words import counted

TABS = ("Scenes", "Land cover", "Change", "Report", "Export")
GROWS_SECONDS = 1.0  # how often a map that is under way is drawn anew
HERE = session()


def picture(room: EarthState) -> None:
    """The map; it runs alone when the view changes, and while a map is under way; the page runs with it when a place is clicked."""
    with guarded():
        ground = result_of(earth_work.ground(HERE, room), "earth.ground")
        if ground is None:
            return
        before = viewer_event("earth.map", view_key(room))
        room.viewport, room.seen = before.viewport or room.viewport, before.seen
        event = view(map_view(HERE, room, ground, room.viewport), "earth.map")
        if event.click:
            pick_place(HERE, room, event.click)
            st.rerun(scope="app")


def timeline(room: EarthState) -> None:
    """The dates that are open; both ends on one date show that date alone."""
    if len(room.groups) < 2:
        return
    before, after = st.select_slider(
        "Dates shown", range(len(room.groups)), value=room.pair, key=f"earth.dates.{room.added}", label_visibility="collapsed",
        format_func=apart(range(len(room.groups)), lambda number: earth.date_words(room.groups[number].scene)),
    )  # fmt: skip
    if (before, after) != room.pair:
        earth.choose(room, (before, after))
        st.rerun()


def head(room: EarthState) -> None:
    """How many scenes, with which model, and the button that lets go of them."""
    name, close = st.columns([3, 1], vertical_alignment="center")
    known = land_cover_models()
    if len(known) > 1:
        room.model = name.selectbox(
            "Model", list(known), list(known).index(room.model) if room.model in known else 0, key="earth.model",
            format_func=apart(list(known), lambda name: known[name].title), label_visibility="collapsed",
        )  # fmt: skip
    else:
        name.text(f"{counted(len(room.groups), 'scene')}, {next((one.title for one in known.values()), 'no model')}")
    close_button(close, HERE, earth.PAGE, room, "Forget these scenes; uploads and results are deleted here.")
    if room.refused:
        quiet(f"{counted(len(room.refused), 'file')} not opened; the tab Scenes says why.")


def panel(room: EarthState) -> None:
    """Tabs beside the map; only the open one is drawn."""
    head(room)
    for name, task in earth_work.running(room):
        is_under_way(task, f"earth.{name}")
    if room.tab:
        st.session_state[TABS_KEY], room.tab = room.tab, ""
    scenes, cover, change, report, export = st.tabs(TABS, key=TABS_KEY, on_change="rerun")
    if scenes.open:
        with scenes:
            scenes_tab(HERE, room)
    for tab, draw in ((cover, cover_tab), (change, change_tab), (report, report_tab), (export, export_tab)):
        if not tab.open:
            continue
        with tab:
            if room.model or draw is not cover_tab:
                draw(HERE, room)
            else:
                note("No model of land cover", "No model on this machine reads satellite scenes. `sightline train` makes one.")


asked = asked_samples("geotiff")
if asked:
    earth.PAGE.close(HERE)
    earth.PAGE.open(HERE, asked)
is_arriving = is_under_way(earth.PAGE.arrival(HERE), "earth.opening")
open_room = earth.PAGE.state(HERE)
if open_room is not None:
    open_room.model = open_room.model or next(iter(land_cover_models()), "")
    earth_work.settle(open_room)
    earth_work.stop_switched_off(HERE, open_room)
    earth_work.start_what_is_quick(HERE, open_room)
    left, right = st.columns([2, 1], gap="medium")
    with right, st.container(key="panel"), guarded():
        panel(open_room)
    with left:
        is_growing = any(earth_work.running(open_room))
        with st.container(key="earth-picture"):
            st.fragment(picture, run_every=GROWS_SECONDS if is_growing else None)(open_room)
        timeline(open_room)
elif not is_arriving:
    wanted = empty_state(HERE)
    if wanted:
        earth.PAGE.open(HERE, wanted)
        st.rerun()
