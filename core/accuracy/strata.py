"""Strata of a map: parts of its area that are sampled each by itself, and a random sample of each, drawn strip by strip.

A point is a pixel, drawn with a chance that goes with the ground it covers: where the pixels of a grid differ in area, as in degrees, the
plain share of a stratum's points is then the share of its area, as the estimators take it. Where all pixels are alike this is simple random
sampling within strata.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.transform import Affine
from scipy.ndimage import distance_transform_edt

from core.accuracy.sample import SamplePlace
from core.areas.pixels import Hectares, moved
from core.areas.zones import Zone

NOWHERE = -1
"""The stratum, and the class, of a pixel without data."""
BUFFER_PIXELS = 3
"""How far from change the ground is a stratum of its own: there change is missed most often (Olofsson et al. 2020, "Mitigating the effects
of omission errors on area and area change estimates", Remote Sensing of Environment 236, 111492)."""
Strata = NDArray[np.int32]


@dataclass(frozen=True)
class StrataStrip:
    """Rows of a map. strata, mapped: int32 [rows, width], stratum and class on the map of each pixel, NOWHERE for both without data."""

    top: int
    strata: Strata
    mapped: Strata


def buffered(states: NDArray[np.uint8], distance: int, above: int, rows: int) -> Strata:
    """Strata of change: 0 changed, 1 within `distance` pixels of change, 2 unchanged elsewhere, NOWHERE for no data.

    states: uint8 [above + rows + below, width], 1 changed, 0 not, else no data; with `distance` rows above and below those that are told,
    or as many as the raster has. above: how many come before them.
    """
    is_changed = states == 1
    strata = np.where(is_changed, 0, 2).astype(np.int32)
    if is_changed.any():  # without any, the transform measures to nowhere
        strata[~is_changed & (distance_transform_edt(~is_changed) <= distance)] = 1
    strata[states > 1] = NOWHERE
    return strata[above : above + rows]


class ZonesOnGrid:
    """Zones in the pixels of a raster; a pixel is in the first zone that holds its centre."""

    def __init__(self, zones: Sequence[Zone], transform: Affine) -> None:
        self._shapes = moved([zone.geometry for zone in zones], ~transform)

    def rows(self, top: int, rows: int, width: int) -> Strata:
        """int32 [rows, width]: the number of the zone, and that of zones in all where there is none."""
        last = len(self._shapes)
        drawn = [(shape, last - 1 - place) for place, shape in enumerate(reversed(self._shapes))]  # what is drawn last lies on top
        place = Affine.translation(0, top)
        return np.asarray(rasterize(drawn, (rows, width), fill=last, transform=place, dtype="int32"), dtype=np.int32)


@dataclass(frozen=True)
class StrataCounts:
    """pixels: int64 [strata]. hectares: float64 [strata, classes on the map]."""

    pixels: NDArray[np.int64]
    hectares: NDArray[np.float64]


def count_strata(strips: Iterable[StrataStrip], hectares: Hectares, strata: int, classes: int) -> StrataCounts:
    """Pixels of each stratum, and its hectares by class."""
    pixels, areas = np.zeros(strata, dtype=np.int64), np.zeros(strata * classes, dtype=np.float64)
    for strip in strips:
        held = strip.strata != NOWHERE
        of = strip.strata[held]
        pixels += np.bincount(of, minlength=strata)
        area = hectares(strip.top, len(strip.strata))[held]
        areas += np.bincount(of * classes + strip.mapped[held], weights=area, minlength=strata * classes)
    return StrataCounts(pixels, areas.reshape(strata, classes))


def draw_places(strips: Iterable[StrataStrip], hectares: Hectares, wanted: Sequence[int], seed: int) -> tuple[SamplePlace, ...]:
    """Random pixels of each stratum without replacement, in random order; the same for the same seed, however the strips are cut.

    wanted: points of each stratum. Each pixel gets an exponential number divided by its area, and the smallest of a stratum are taken
    (Efraimidis and Spirakis 2006, "Weighted random sampling with a reservoir", Information Processing Letters 97, 181-185).
    """
    kept: list[NDArray[np.float64]] = [np.empty((0, 4)) for _ in wanted]  # of each stratum: number, row, column, class on the map
    limits = np.array([np.inf if points else -np.inf for points in wanted] + [-np.inf])  # the last: of NOWHERE, as index -1
    for strip in strips:
        rows, width = strip.strata.shape
        numbers = np.stack([np.random.default_rng([seed, row]).standard_exponential(width) for row in range(strip.top, strip.top + rows)])
        with np.errstate(divide="ignore"):
            numbers = numbers / hectares(strip.top, rows)  # infinite for a pixel that has no area
        down, across = np.nonzero(numbers < limits[strip.strata])
        found = np.column_stack([numbers[down, across], down + strip.top, across, strip.mapped[down, across]])
        of = strip.strata[down, across]
        for stratum in np.unique(of):
            both = np.concatenate([kept[stratum], found[of == stratum]])
            kept[stratum] = both[np.argsort(both[:, 0], kind="stable")][: wanted[stratum]]
            if len(kept[stratum]) == wanted[stratum]:
                limits[stratum] = kept[stratum][-1, 0]
    places = [
        SamplePlace(stratum, int(mapped), int(column), int(row)) for stratum, held in enumerate(kept) for _, row, column, mapped in held
    ]
    order = np.random.default_rng(seed).permutation(len(places))
    return tuple(places[place] for place in order)
