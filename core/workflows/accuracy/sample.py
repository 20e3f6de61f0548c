"""A sample of a finished map: how many points, in which strata, and where."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj

from core.accuracy.allocation import allocated, points_needed
from core.accuracy.sample import ReferenceSample, SamplePlace, SamplePoint, Stratum
from core.accuracy.strata import StrataCounts, count_strata, draw_places
from core.areas.pixels import places, row_hectares
from core.errors import InputError, OutOfRange
from core.workflows.accuracy.result import MappedFolder, StrataOfMap, strata_of

USUAL_INTERVAL = 0.05
"""Half width of the interval of overall accuracy where nobody says otherwise."""
KEY_LETTERS = 6


@dataclass(frozen=True)
class SampleWish:
    """What is asked for. interval: half width of the 95 % interval of overall accuracy, a share; points: how many; at most one of them.

    strata_by, zones, buffer_pixels: as of strata_of. seed: the same one draws the same points.
    """

    interval: float | None = None
    points: int | None = None
    strata_by: str = ""
    zones: Path | None = None
    buffer_pixels: int | None = None
    seed: int = 0


def make_sample(found: MappedFolder, wish: SampleWish) -> ReferenceSample:
    """Draw the points of a sample; strata without a pixel are left out.

    Raises InputError where both a size and an interval are given, or the map holds nothing; OutOfRange; what strata_of raises.
    """
    if wish.interval is not None and wish.points is not None:
        raise InputError("Both --interval and --points are given.", "The points follow from the interval: give one of them.")
    if wish.seed < 0:
        raise OutOfRange("--seed", wish.seed, "0 or more")
    strata = strata_of(found, wish.strata_by, wish.zones, wish.buffer_pixels)
    hectares = row_hectares(found.crs, found.transform, found.width, found.height)
    counts = count_strata(strata.rows(), hectares, len(strata.names), len(found.labels))
    held = np.flatnonzero(counts.pixels > 0)
    if not len(held):
        raise InputError(f"{found.raster} holds no valid pixel.", "There is nothing to sample in it.")
    areas, pixels = counts.hectares.sum(axis=1)[held].tolist(), counts.pixels[held].tolist()
    total = wish.points
    if total is None:
        total = points_needed(USUAL_INTERVAL if wish.interval is None else wish.interval, areas, pixels)
        total = max(total, len(held))
    given = np.zeros(len(strata.names), dtype=np.int64)
    given[held] = allocated(total, areas, pixels)
    drawn = draw_places(strata.rows(), hectares, given.tolist(), wish.seed)
    key = _key(found, strata, drawn, wish.seed)
    new_place = {int(old): new for new, old in enumerate(held)}
    kept = tuple(SamplePlace(new_place[place.stratum], place.mapped, place.column, place.row) for place in drawn)
    return ReferenceSample(key, found.labels, strata.by, wish.seed, _strata(strata, counts, held.tolist()), _points(found, kept, key))


def _strata(strata: StrataOfMap, counts: StrataCounts, held: Sequence[int]) -> tuple[Stratum, ...]:
    return tuple(Stratum(strata.names[place], int(counts.pixels[place]), tuple(map(float, counts.hectares[place]))) for place in held)


def _key(found: MappedFolder, strata: StrataOfMap, drawn: Sequence[SamplePlace], seed: int) -> str:
    """Another map, other strata or other points have another key, so that labels cannot be taken for those of another sample."""
    told = repr((found.digest, strata.by, strata.names, drawn, seed))
    return hashlib.sha256(told.encode()).hexdigest()[:KEY_LETTERS]


def _points(found: MappedFolder, drawn: Sequence[SamplePlace], key: str) -> tuple[SamplePoint, ...]:
    middles = [np.array([value + 0.5 for value in axis]) for axis in zip(*((place.column, place.row) for place in drawn), strict=True)]
    x, y = places(found.transform, middles[0], middles[1])
    to_degrees = pyproj.Transformer.from_crs(pyproj.CRS.from_wkt(found.crs.to_wkt()), "OGC:CRS84", always_xy=True)
    longitude, latitude = to_degrees.transform(x, y)
    digits = max(4, math.ceil(math.log10(len(drawn) + 1)))
    return tuple(
        SamplePoint(f"{key}-{number:0{digits}}", place, float(x[number - 1]), float(y[number - 1]), float(east), float(north))
        for number, (place, east, north) in enumerate(zip(drawn, longitude, latitude, strict=True), start=1)
    )
