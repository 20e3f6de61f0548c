"""What was counted in zones, as files: zones.csv, a line for each zone and class; zones.gpkg, a polygon for each zone; plots.geojson."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import shapely
from rasterio.crs import CRS

from core.export.symbols import FillSymbol, layer_style
from core.export.tables import write_table
from core.export.vector import write_multipolygons, write_style
from core.workflows.zones.counted import ZoneCount
from core.workflows.zones.plots import PLOTS, zone_state

ZONES, ZONES_MAP, LAYER = "zones.csv", "zones.gpkg", "zones"
ZONE_FILES = (ZONES, ZONES_MAP, PLOTS)
"""What a result without zones leaves out."""
ZONE_SYMBOL = FillSymbol((20, 24, 28), alpha=0, width=0.6)
_OF_ZONE: dict[str, type] = {"id": int, "zone": str, "hectares": float, "seen_share": float}


def write_map_zones(folder: Path, counts: Sequence[ZoneCount], labels: Sequence[str], crs: CRS) -> None:
    """zones.csv and zones.gpkg of a land-cover map. share: of the ground with data in the zone."""
    rows = (
        (count.zone.id, count.zone.name, part.before, part.pixels, part.hectares, part.hectares / count.seen if count.seen else 0.0)
        for count in counts
        for part in count.parts
    )
    write_table(folder / ZONES, ("id", "zone", "class", "pixels", "hectares", "share"), rows)
    columns = {**_OF_ZONE, "class": str, "class_share": float, **{f"ha_{label}": float for label in labels}}
    features = ((count, (*count.largest(), *(part.hectares for part in count.parts))) for count in counts)
    _write(folder, features, columns, crs)


def write_change_zones(folder: Path, counts: Sequence[ZoneCount], labels: Sequence[str], crs: CRS) -> None:
    """zones.csv and zones.gpkg of two dates: pairs of classes of each zone, or what changed and what did not where none are known."""
    if labels:
        rows: Any = (
            (count.zone.id, count.zone.name, part.before, part.after, part.pixels, part.hectares, part.changed_hectares)
            for count in counts
            for part in count.parts
        )
        write_table(folder / ZONES, ("id", "zone", "from", "to", "pixels", "hectares", "changed_hectares"), rows)
    else:
        rows = ((count.zone.id, count.zone.name, part.before, part.pixels, part.hectares) for count in counts for part in count.parts)
        write_table(folder / ZONES, ("id", "zone", "state", "pixels", "hectares"), rows)
    columns = {**_OF_ZONE, "changed_hectares": float, "changed_share": float, "from": str, "to": str, "state": str}
    features = (
        (
            count,
            (
                count.changed,
                count.changed_share,
                *((count.largest()[0], count.largest(is_after=True)[0]) if labels else (None, None)),
                zone_state(count)[0],
            ),
        )
        for count in counts
    )
    _write(folder, features, columns, crs)


def _write(folder: Path, features: Any, columns: dict[str, type], crs: CRS) -> None:
    """features: (count, values of the columns behind those of every zone)."""
    rows = (
        (_many(count.zone.geometry), (count.zone.id, count.zone.name, count.hectares, count.seen_share, *values))
        for count, values in features
    )
    write_multipolygons(folder / ZONES_MAP, LAYER, rows, columns, crs)
    write_style(folder / ZONES_MAP, LAYER, layer_style(ZONE_SYMBOL))


def _many(geometry: Any) -> Any:
    return geometry if geometry.geom_type == "MultiPolygon" else shapely.multipolygons([geometry])
