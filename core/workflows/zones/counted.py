"""What lies in each zone, counted on the rasters of a result; no model is asked again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj
import shapely
from rasterio.crs import CRS

from core.areas.pixels import SQUARE_METRES_A_HECTARE, row_hectares
from core.areas.zonal_counts import CountsByZone, ZonalCounts
from core.areas.zones import Zone
from core.change.evidence import NODATA
from core.change.transitions import NO_PAIR, pair_names, pairs_of
from core.export.geotiff import read_strips
from core.prepare.grid.align import way_between
from core.readers.scenes.raster import open_raster

WGS_84 = CRS.from_epsg(4326)
LEAST_PART = 1e-6
"""Less of a pixel than that is the rounding of an edge."""


@dataclass(frozen=True)
class ZonePart:
    """Ground in a zone: one class of a map (`before` alone), one pair of classes, or a state where no classes are known.

    pixels: those at the edge in parts. changed_hectares: how much of it counts as change; 0 on a map.
    """

    before: str
    after: str
    pixels: float
    hectares: float
    changed_hectares: float = 0.0


@dataclass(frozen=True)
class ZoneCount:
    """What lies in one zone. hectares: of the zone itself, on the ellipsoid. parts: what was seen of it, all of them with data."""

    zone: Zone
    hectares: float
    parts: tuple[ZonePart, ...]

    @property
    def seen(self) -> float:
        """Hectares with data."""
        return sum(part.hectares for part in self.parts)

    @property
    def changed(self) -> float:
        """Hectares that changed."""
        return sum(part.changed_hectares for part in self.parts)

    @property
    def seen_share(self) -> float:
        """Of the zone, the share with data, in [0, 1]."""
        return min(1.0, self.seen / self.hectares) if self.hectares else 0.0

    @property
    def changed_share(self) -> float | None:
        """Of the ground with data, the share that changed; None where there is none."""
        return self.changed / self.seen if self.seen else None

    def largest(self, *, is_after: bool = False) -> tuple[str | None, float]:
        """(the class of most of the ground before, or after; its share of the ground with data); (None, 0.0) where there is none."""
        sums: dict[str, float] = {}
        for part in self.parts:
            name = part.after if is_after else part.before
            sums[name] = sums.get(name, 0.0) + part.hectares
        largest = max(sums, key=lambda name: sums[name], default=None)
        return (largest, sums[largest] / self.seen) if largest is not None and self.seen else (None, 0.0)


def count_map(landcover: Path, labels: Sequence[str], zones: Sequence[Zone]) -> tuple[ZoneCount, ...]:
    """Classes of a land-cover raster by zone. zones: in the CRS of the raster. Raises UnreadableFile."""
    with open_raster(landcover) as raster:
        crs, transform, size = raster.crs, raster.transform, (raster.width, raster.height)
    hectares, by_zone = row_hectares(crs, transform, *size), CountsByZone(zones, len(labels), transform)
    for top, classes in read_strips(landcover):
        by_zone.add(top, classes, hectares(top, len(classes)))

    def parts(counts: ZonalCounts) -> tuple[ZonePart, ...]:
        told = zip(labels, counts.pixels.tolist(), counts.hectares.tolist(), strict=True)
        return tuple(ZonePart(label, "", pixels, area) for label, pixels, area in told)

    return _counts(zones, by_zone, crs, parts)


def count_change(
    change: Path, classes: tuple[Path, Path] | None, labels: Sequence[str], states: tuple[str, str], zones: Sequence[Zone]
) -> tuple[ZoneCount, ...]:
    """What changed, and from what to what where the land cover of both dates is known, by zone. Raises UnreadableFile.

    states: the words for what did not change and what did. zones: in the CRS of the rasters.
    """
    with open_raster(change) as raster:
        crs, transform, size = raster.crs, raster.transform, (raster.width, raster.height)
    pairs = len(labels) ** 2 if classes is not None else 1
    hectares, by_zone = row_hectares(crs, transform, *size), CountsByZone(zones, 2 * pairs, transform)
    for strips in zip(*(read_strips(path) for path in (change, *(classes or ()))), strict=True):
        (top, state), *known = strips
        pair = pairs_of(known[0][1], known[1][1], len(labels)) if known else np.where(state == NODATA, NO_PAIR, 0)
        counted = np.where((state == NODATA) | (pair == NO_PAIR), NO_PAIR, 2 * pair + state.astype(np.int32))
        by_zone.add(top, counted, hectares(top, len(state)))

    def parts(counts: ZonalCounts) -> tuple[ZonePart, ...]:
        pixels, areas = counts.pixels.reshape(-1, 2), counts.hectares.reshape(-1, 2)  # [pairs, unchanged and changed]
        if classes is None:
            told = zip(states, pixels[0].tolist(), areas[0].tolist(), strict=True)
            return tuple(ZonePart(state, "", count, area, area * (state == states[1])) for state, count, area in told)
        held = np.flatnonzero(pixels.sum(axis=1) >= LEAST_PART).tolist()
        return tuple(
            ZonePart(*pair_names(pair, labels), float(pixels[pair].sum()), float(areas[pair].sum()), float(areas[pair, 1])) for pair in held
        )

    return _counts(zones, by_zone, crs, parts)


def _counts(
    zones: Sequence[Zone], by_zone: CountsByZone, crs: CRS, parts: Callable[[ZonalCounts], tuple[ZonePart, ...]]
) -> tuple[ZoneCount, ...]:
    sizes = zone_hectares(zones, crs)
    return tuple(ZoneCount(zone, size, parts(counts)) for zone, size, counts in zip(zones, sizes, by_zone.each_counts, strict=True))


def zone_hectares(zones: Sequence[Zone], crs: CRS) -> tuple[float, ...]:
    """Areas on the ellipsoid of WGS 84, wherever pixels lie; 0.0 for a zone that has no place there."""
    way, ellipsoid = way_between(crs, WGS_84), pyproj.Geod(ellps="WGS84")
    sizes = []
    for zone in zones:
        on_earth = shapely.transform(zone.geometry, way.transform, interleaved=False)
        is_there = bool(np.isfinite(shapely.get_coordinates(on_earth)).all())
        area = abs(ellipsoid.geometry_area_perimeter(shapely.orient_polygons(on_earth))[0]) if is_there else 0.0
        sizes.append(area / SQUARE_METRES_A_HECTARE)
    return tuple(sizes)
