"""The Zones tab: load polygons, see them on the map, and read what lies in each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import streamlit as st

from core.errors import SightlineError
from core.types import ChangeMap
from core.ui.earth.page_state import EarthState
from core.ui.earth.report_panel import Result, chosen_result, results
from core.ui.earth.zones.work import ZoneTable, zone_table, zones_in_view
from core.ui.state.errors import guarded, show_error, words_of
from core.ui.state.progress import result_of
from core.ui.state.session import Session
from core.ui.state.uploads import OpenFolder
from core.ui.widgets.bars import facts, quiet
from core.ui.widgets.words import counted, hectares, label_words
from core.workflows.zones.counted import ZoneCount
from core.workflows.zones.plots import MIXED, zone_state

ZONES_MB = 200
MOST_LISTED = 8
"""Classes of a zone that are listed; zones.csv has all."""


def zones_tab(session: Session, here: EarthState) -> None:
    """The zones that are loaded, and what lies in them."""
    if here.zones is None:
        _load(session, here)
        return
    with guarded():
        _loaded(session, here, here.zones.name)


def _loaded(session: Session, here: EarthState, name: str) -> None:
    zones = zones_in_view(here)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(name)
        if st.button("Remove", key="earth.zones.remove"):
            here.zones = here.zone = None
            st.rerun()
    if not zones:
        return quiet("The scene has no coordinate system: zones cannot be laid over it.")
    result = chosen_result(results(session, here), "earth.zones.of")
    if result is None:
        return quiet(f"{counted(len(zones), 'zone')}, outlined on the map.")
    table = result_of(zone_table(session, here, result, _cutoff(result)), "earth.zones.count")
    return _table(here, result, table) if table is not None else None


def _cutoff(result: Result) -> date | None:
    """The cut-off date of plots, asked for where two dates were compared."""
    if not isinstance(result.made, ChangeMap):
        return None
    return st.date_input(
        "Cut-off date of plots", value=None, format="YYYY-MM-DD", min_value="1950-01-01", key="earth.zones.cutoff",
        help="Says of each zone whether it changed between a date up to this day and one after it; mixed ones are flagged.",
    )  # fmt: skip


def _load(session: Session, here: EarthState) -> None:
    quiet("Polygons of your own: fields, plots, districts. What lies in each of them is counted, pixels at their edge in parts.")
    if "earth.zones.failed" in st.session_state:
        show_error(st.session_state["earth.zones.failed"])
    taken = st.session_state.setdefault("earth.zones.taken", 0)
    upload = st.file_uploader("GeoPackage, GeoJSON, or a Shapefile as zip", key=f"earth.zones.file.{taken}", max_upload_size=ZONES_MB)
    if upload is None:
        return
    st.session_state["earth.zones.taken"] = taken + 1  # the next uploader is another one, and empty
    st.session_state.pop("earth.zones.failed", None)
    folder = OpenFolder(session.browser)
    here.folders.append(folder)
    (here.zones,) = folder.keep([upload])
    here.zone = None
    try:
        zones_in_view(here)
    except SightlineError as error:  # it is told, and another file may be given
        st.session_state["earth.zones.failed"], here.zones = words_of(error), None
    st.rerun()


def _table(here: EarthState, result: Result, table: ZoneTable) -> None:
    is_change = isinstance(result.made, ChangeMap)
    seen = sum(count.seen for count in table.counts)
    changed = sum(count.changed for count in table.counts)
    st.markdown(f"#### {f'{hectares(changed)} changed' if is_change else hectares(seen)} in {counted(len(table.counts), 'zone')}")
    quiet("Mapped, no interval. Zones that overlap count their common ground each.")
    rows = [_change_row(table, place) if is_change else _map_row(count) for place, count in enumerate(table.counts)]
    picked = st.dataframe(
        rows, hide_index=True, width="stretch", on_select="rerun", selection_mode="single-row", key=f"earth.zones.table.{result.key}",
        column_config={"Changed": st.column_config.NumberColumn(format="%.1f %%"), "Seen": st.column_config.NumberColumn(format="%.0f %%"),
                       "ha": st.column_config.NumberColumn(format="%.2f"), "Changed ha": st.column_config.NumberColumn(format="%.2f"),
                       "Share": st.column_config.NumberColumn(format="%.0f %%")},
    )  # fmt: skip
    chosen = _chosen(picked.selection.rows, table)
    if (chosen.zone.id if chosen else None) != here.zone:
        here.zone, here.visits = (chosen.zone.id if chosen else None), here.visits + 1
        st.rerun()
    if chosen is not None:
        _zone(chosen, _state(table, table.counts.index(chosen)) if is_change else None)
    mixed = sum(plot.state == MIXED for plot in table.plots)
    if mixed:
        quiet(f"{counted(mixed, 'plot')} mixed: a part changed and a part did not, so that neither word holds for all of it.")
    quiet("zones.csv, zones.gpkg" + (" and plots.geojson" if table.plots else "") + " are under Export.")


def _chosen(rows: Sequence[int], table: ZoneTable) -> ZoneCount | None:
    return table.counts[rows[0]] if rows and rows[0] < len(table.counts) else None


def _map_row(count: ZoneCount) -> dict[str, Any]:
    label, part = count.largest()
    return {
        "Zone": count.zone.name, "ha": count.hectares, "Seen": 100 * count.seen_share,
        "Mostly": label_words(label) if label else "no data", "Share": 100 * part,
    }  # fmt: skip


def _change_row(table: ZoneTable, place: int) -> dict[str, Any]:
    count, share = table.counts[place], table.counts[place].changed_share
    return {
        "Zone": count.zone.name, "State": _state(table, place)[0], "Changed": None if share is None else 100 * share,
        "Changed ha": count.changed, "ha": count.hectares,
    }  # fmt: skip


def _state(table: ZoneTable, place: int) -> tuple[str, str]:
    """(state of a zone, why none is told): by its cut-off date where there is one."""
    if not table.plots:
        return zone_state(table.counts[place])
    return table.plots[place].state, table.plots[place].reason


def _zone(count: ZoneCount, state: tuple[str, str] | None) -> None:
    """What lies in the zone that was chosen, the most first. state: of two dates, and why none is told."""
    st.markdown("##### " + count.zone.name.replace("#", "\\#"))
    parts = sorted((part for part in count.parts if part.hectares > 0), key=lambda part: -part.hectares)
    named = {(f"{label_words(part.before)} to {label_words(part.after).lower()}" if part.after else label_words(part.before)): part
             for part in parts}  # fmt: skip
    told = [("Area", f"{count.hectares:,.2f} ha, of which {100 * count.seen_share:.0f} % has data")]
    told += [(name, f"{part.hectares:,.2f} ha") for name, part in list(named.items())[:MOST_LISTED]]
    if state is not None:
        told += [("Changed", f"{count.changed:,.2f} ha"), ("State", ": ".join(filter(None, state)))]
    facts(told)
