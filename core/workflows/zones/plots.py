"""Plots with a cut-off date: what lies there before it and after it, as GeoJSON (RFC 7946) with six decimals.

A plot is answered by two dates that lie on either side of its cut-off date. Where nearly all of it changed, or hardly any, that is its
state; what lies between is mixed and flagged, since neither word holds for the whole plot.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from rasterio.crs import CRS

from core.areas.zones import Zone
from core.errors import InputError, OutOfRange
from core.export.staging import whole_file
from core.prepare.grid.align import way_between
from core.types import Scene
from core.workflows.zones.counted import WGS_84, ZoneCount

PLOTS = "plots.geojson"
DECIMALS = 6
"""Of a degree: 11 cm on the ground."""
MIXED_FROM, MIXED_TO = 0.05, 0.95
"""Shares of a plot between which it is mixed; an edge of mixed pixels must not make a plot so."""
LEAST_SEEN = 0.5
"""Share of a plot with data below which nothing is said of it."""
UNCHANGED, CHANGED, MIXED, NOT_TOLD = "unchanged", "changed", "mixed", "not told"


@dataclass(frozen=True)
class Plot:
    """One zone as its cut-off date asks for it. reason: why its state is not told, "" where it is."""

    count: ZoneCount
    cutoff: date | None
    state: str
    reason: str = ""


def parse_cutoff(text: str) -> date:
    """Raises OutOfRange."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise OutOfRange("--cutoff", text, "a date such as 2020-12-31") from None


def check_cutoff(cutoff: date | None, zones: Sequence[Zone], before: Scene, after: Scene) -> None:
    """Before the work. Raises InputError for a cut-off date without plots, or between dates that are not known."""
    if cutoff is not None and not zones:
        raise InputError("--cutoff asks for plots, and none were given.", "Give them with --zones FILE.")
    if cutoff is None and not any(zone.cutoff for zone in zones):
        return
    for scene in (before, after):
        if scene.date is None:
            raise InputError(f"{scene.name} has no date, so nothing can be said of a cut-off date.", "Say it with --date YYYY-MM-DD.")


def zone_state(count: ZoneCount) -> tuple[str, str]:
    """(state of a zone between two dates, why none is told)."""
    share = count.changed_share
    if share is None or count.seen_share < LEAST_SEEN:
        return NOT_TOLD, "no data on most of it"
    return (UNCHANGED if share <= MIXED_FROM else CHANGED if share >= MIXED_TO else MIXED), ""


def plot_of(count: ZoneCount, before: Scene, after: Scene, cutoff: date | None) -> Plot:
    """cutoff: for plots without a date of their own."""
    day = count.zone.cutoff or cutoff
    if day is None:
        return Plot(count, None, NOT_TOLD, "no cut-off date")
    if before.date is None or after.date is None or not before.date <= day < after.date:
        return Plot(count, day, NOT_TOLD, "both dates lie on one side of the cut-off date")
    return Plot(count, day, *zone_state(count))


def write_plots(path: Path, plots: Sequence[Plot], before: Scene, after: Scene, crs: CRS) -> None:
    """One feature a plot, on WGS 84, outer rings anticlockwise. crs: of the zones' geometries."""
    way = way_between(crs, WGS_84)
    features = [_feature(plot, before, after, way) for plot in plots]
    with whole_file(path) as made:
        made.write_text(json.dumps({"type": "FeatureCollection", "features": features}, indent=1), encoding="utf-8")


def _feature(plot: Plot, before: Scene, after: Scene, way: Any) -> dict[str, Any]:
    count, is_told = plot.count, plot.state != NOT_TOLD
    shape = shapely.orient_polygons(shapely.transform(count.zone.geometry, way.transform, interleaved=False))
    rounded = shapely.transform(shape, lambda points: np.round(points, DECIMALS))
    return {
        "type": "Feature",
        "id": count.zone.id,
        "properties": {
            "id": count.zone.id,
            "name": count.zone.name,
            "cutoff": plot.cutoff.isoformat() if plot.cutoff else None,
            "date_before": before.when or None,
            "date_after": after.when or None,
            "state": plot.state,
            "is_mixed": plot.state == MIXED,
            "reason": plot.reason or None,
            "hectares": round(count.hectares, 4),
            "seen_share": round(count.seen_share, 4),
            "changed_hectares": round(count.changed, 4) if is_told else None,
            "changed_share": round(count.changed_share or 0.0, 4) if is_told else None,
            "class_before": _named(count, is_after=False) if is_told else None,
            "class_after": _named(count, is_after=True) if is_told else None,
        },
        "geometry": shapely.geometry.mapping(rounded),
    }


def _named(count: ZoneCount, *, is_after: bool) -> str | None:
    """The class of most of the plot, None where no classes are known."""
    return count.largest(is_after=is_after)[0] if any(part.after for part in count.parts) else None
