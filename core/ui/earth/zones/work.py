"""What the Zones tab starts: reading zones on the grid in view, and counting a result in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from rasterio.crs import CRS

from core.areas.zones import Zone, read_zones
from core.jobs import JobProgress
from core.readers import open_raster
from core.render.outlines import outlines_picture
from core.render.scene import Piece
from core.types import Box, ChangeMap, LandCoverMap, Scene
from core.ui.earth.page_state import EarthState
from core.ui.earth.report_panel import Result
from core.ui.state.session import Session, Task
from core.workflows.change_files import AFTER, BEFORE, CHANGE, STATES
from core.workflows.zones.counted import ZoneCount, count_change, count_map
from core.workflows.zones.files import write_change_zones, write_map_zones
from core.workflows.zones.plots import PLOTS, Plot, check_cutoff, plot_of, write_plots


@dataclass(frozen=True)
class ZoneTable:
    """What was counted in zones, in their order. plots: () where no cut-off date asks for them."""

    counts: tuple[ZoneCount, ...]
    plots: tuple[Plot, ...] = ()


def zones_in_view(here: EarthState) -> tuple[Zone, ...]:
    """The zones in the coordinate system of the first date; () without zones, and for a scene without one. Raises what read_zones does."""
    crs = here.before.crs
    if here.zones is None or crs is None:
        return ()
    known: dict[object, tuple[Zone, ...]] = here.drawn.setdefault("zones", {})
    key = (here.zones, crs.to_wkt())
    if key not in known:
        known[key] = read_zones(here.zones, crs)
    return known[key]


def outlines(here: EarthState, piece: Piece) -> bytes | None:
    """Their outlines over a part of the first date's grid, as PNG."""
    zones = zones_in_view(here)
    if not zones:
        return None
    known: dict[object, bytes] = here.drawn.setdefault("outlines", {})
    key = (here.zones, here.pair[0], piece, here.zone)
    if key not in known:
        known.clear()
        known[key] = outlines_picture(zones, here.before, piece, chosen=here.zone)
    return known[key]


def zone_box(zone: Zone, scene: Scene) -> Box:
    """(left, top, width, height) around a zone, in pixels of a scene in whose CRS it is."""
    west, south, east, north = zone.geometry.bounds
    corners = [~scene.transform @ corner for corner in ((west, south), (west, north), (east, south), (east, north))]
    columns, rows = [corner[0] for corner in corners], [corner[1] for corner in corners]
    return min(columns), min(rows), max(columns) - min(columns), max(rows) - min(rows)


def zone_table(session: Session, here: EarthState, result: Result, cutoff: date | None) -> Task[ZoneTable]:
    """What lies in each zone of a result; zones.csv, zones.gpkg and plots.geojson appear beside its files."""
    assert here.zones is not None and isinstance(result.made, (LandCoverMap, ChangeMap))
    key = (result.key, here.zones, cutoff)
    task: Task[ZoneTable] = session.task(here.zone_tables, key)
    session.stop_others(here.zone_tables, {key})
    task.ensure("Counting in zones", partial(_counted, result.made, here.zones, cutoff), "zones")
    return task


def _counted(made: LandCoverMap | ChangeMap, path: Path, cutoff: date | None, progress: JobProgress) -> ZoneTable:
    raster = made.landcover if isinstance(made, LandCoverMap) else made.change
    with open_raster(raster) as opened:
        crs: CRS = opened.crs
    zones, folder = read_zones(path, crs), raster.parent
    if isinstance(made, LandCoverMap):
        counts = count_map(raster, made.labels, zones)
        write_map_zones(folder, counts, made.labels, crs)
        progress.update(len(zones), len(zones))
        return ZoneTable(counts)
    check_cutoff(cutoff, zones, made.before, made.after)
    counts = count_change(folder / CHANGE, (folder / BEFORE, folder / AFTER) if made.labels else None, made.labels, STATES, zones)
    write_change_zones(folder, counts, made.labels, crs)
    progress.update(len(zones), len(zones))
    if cutoff is None and not any(zone.cutoff for zone in zones):
        (folder / PLOTS).unlink(missing_ok=True)
        return ZoneTable(counts)
    plots = tuple(plot_of(count, made.before, made.after, cutoff) for count in counts)
    write_plots(folder / PLOTS, plots, made.before, made.after, crs)
    return ZoneTable(counts, plots)
