"""The files of two dates: rasters that are decided strip by strip, and what is counted and outlined on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS
from shapely.geometry.base import BaseGeometry

from core.areas.pixels import Hectares, moved, row_hectares
from core.areas.polygons import ClassStrip, OutlinedArea, polygons_of
from core.areas.zonal_counts import ZonalCounts
from core.areas.zones import Zone
from core.change.evidence import NODATA, Evidence, is_changed
from core.change.severity import severity_of
from core.change.shift import shift_confidence
from core.change.transitions import NO_PAIR, pair_counts, pair_names, pairs_of, transitions_of
from core.export.geotiff import StripWriter, read_strips, warp_raster
from core.export.staging import staged
from core.export.tables import write_table
from core.export.vector import Feature, set_values, write_polygons
from core.prepare.grid.align import way_between
from core.readers.scenes.raster import open_raster
from core.render.colours import class_colours
from core.types import UNNAMED_DATE, ChangePolygon, Scene, TakenBack, Transition
from core.workflows.zones.clip import clip_rasters
from core.workflows.zones.counted import ZoneCount, count_change
from core.workflows.zones.files import ZONE_FILES

CHANGE, BEFORE, AFTER = "change.tif", "landcover_before.tif", "landcover_after.tif"
SCORE, PROBABILITY = "change_score.tif", "change_probability.tif"
TRANSITIONS, CHANGES, LAYER = "transitions.csv", "changes.gpkg", "changes"
OPTIONAL_FILES = (SCORE, PROBABILITY, BEFORE, AFTER, "landcover_*.qml", "landcover_*.aux.xml", TRANSITIONS, *ZONE_FILES)
"""What not every comparison writes; that of an earlier one must not stay beside the files of the next."""
MOST_POLYGONS = 1000
"""Polygons that are kept in memory, the largest ones; the file has all of them."""
TAKEN_BACK, VERDICT, CONFIDENCE = "taken_back", "verdict", "confidence"
STATES, STATE_COLOURS = ("unchanged", "changed"), ((38, 43, 51), (230, 159, 0))
COLUMNS = {
    "id": int,
    "hectares": float,
    "from": str,
    "to": str,
    "score": float,
    "date_before": str,
    "date_after": str,
    CONFIDENCE: float,
    TAKEN_BACK: float,
    VERDICT: str,
}


@dataclass(frozen=True)
class ChangeKind:
    """What kind of answer a folder holds.

    labels: of the land cover of both dates; () where no classes are known. is_calibrated: whether the score is a probability.
    is_of_burns: whether it is dNBR, so that polygons have a class of severity.
    """

    labels: tuple[str, ...] = ()
    is_calibrated: bool = False
    is_of_burns: bool = False

    @property
    def score(self) -> str:
        """The raster of scores."""
        return PROBABILITY if self.is_calibrated else SCORE

    @property
    def rasters(self) -> tuple[str, ...]:
        """All rasters."""
        return (CHANGE, self.score, *((BEFORE, AFTER) if self.labels else ()))

    @property
    def columns(self) -> dict[str, type]:
        """The columns of changes.gpkg."""
        columns = {"probability" if self.is_calibrated and name == "score" else name: kind for name, kind in COLUMNS.items()}
        return {**columns, "severity": str} if self.is_of_burns else columns


@dataclass(frozen=True)
class Findings:
    """What was counted on the rasters of two dates.

    transitions: the cross-table of both land covers. became: the same, of the pixels that changed alone.
    outlined_hectares: of the polygons that are written. polygons: the largest polygons, largest first.
    """

    transitions: tuple[Transition, ...]
    became: tuple[Transition, ...]
    polygons: tuple[ChangePolygon, ...]
    changed_pixels: int
    valid_pixels: int
    changed_hectares: float
    outlined_hectares: float


def write_rasters(
    strips: Iterable[tuple[int, Evidence]],
    scene: Scene,
    kind: ChangeKind,
    folder: Path,
    threshold: float,
    by_class: bool,
    step: Callable[[], None],
) -> None:
    """The rasters, on the grid of `scene`. The land cover of either date is that of its own map, whatever counts as change.

    strips: (first row, evidence) from top to bottom. by_class: a pixel has changed only if its class did. step: called after each strip;
    what it raises ends the work.
    """
    grid: dict[str, Any] = {"width": scene.width, "height": scene.height, "crs": scene.crs, "transform": scene.transform}
    values: dict[str, Any] = {**grid, "dtype": "float32", "nodata": float("nan")}
    bytes_: dict[str, Any] = {**grid, "dtype": "uint8", "nodata": NODATA}
    score = "probability of change" if kind.is_calibrated else "score of change"
    with ExitStack() as stack:
        opened = [
            stack.enter_context(StripWriter(folder / CHANGE, **bytes_, **_legend(CHANGE, kind), description="change")),
            stack.enter_context(StripWriter(folder / kind.score, **values, description=score)),
        ]
        for name, words in ((BEFORE, "land cover before"), (AFTER, "land cover after")) if kind.labels else ():
            opened.append(stack.enter_context(StripWriter(folder / name, **bytes_, **_legend(name, kind), description=words)))
        for top, strip in strips:
            found = is_changed(strip.score, threshold, *((strip.before, strip.after) if by_class else ()))
            planes: tuple[NDArray[Any], ...] = (
                np.where(np.isnan(strip.score), NODATA, found).astype(np.uint8),
                strip.score,
                strip.before,
                strip.after,
            )
            for writer, plane in zip(opened, planes, strict=False):
                writer.write(top, plane)
            step()


def bring_to(folder: Path, crs: CRS, kind: ChangeKind) -> None:
    """The rasters of a folder in another CRS, in place of themselves."""
    with staged(folder) as warped:
        for name in kind.rasters:
            warp_raster(folder / name, warped / name, crs, **_legend(name, kind))


def clip_to(folder: Path, zones: Sequence[Zone], kind: ChangeKind) -> None:
    """The rasters of a folder cut to zones, in place of themselves. Raises InputError where no zone lies on them."""
    clip_rasters(folder, {name: _legend(name, kind) for name in kind.rasters}, zones)


def count_zones(folder: Path, zones: Sequence[Zone], kind: ChangeKind) -> tuple[ZoneCount, ...]:
    """What the rasters of a folder hold in each zone. zones: in their CRS."""
    classes = (folder / BEFORE, folder / AFTER) if kind.labels else None
    return count_change(folder / CHANGE, classes, kind.labels, STATES, zones)


def measure(folder: Path, before: Scene, after: Scene, kind: ChangeKind, min_hectares: float, shift: float | None = None) -> Findings:
    """Write changes.gpkg, and transitions.csv where classes are known, from the rasters of a folder.

    before: the scene whose grid they had. min_hectares: smaller polygons are left out of changes.gpkg. A polygon is of one pair of classes;
    polygons are numbered by size, from 1. shift: pixels by which the dates lie off each other, None where that is not known.
    """
    with open_raster(folder / CHANGE) as raster:
        crs, transform, size = raster.crs, raster.transform, (raster.width, raster.height)
    hectares = row_hectares(crs, transform, *size)
    labels = kind.labels
    counts = _Counts(pair_counts(labels), pair_counts(labels), ZonalCounts(len(STATES)))
    to_pixels = ~transform
    is_on_grid = (crs, transform) == (before.crs, before.transform)

    def outlined(strips: Iterator[_Rows]) -> Iterator[OutlinedArea]:
        changes = (ClassStrip(rows.top, np.where(rows.state == 1, rows.pairs, NO_PAIR), rows.score) for rows in strips)
        return polygons_of(changes, transform, hectares, nodata=NO_PAIR, min_hectares=min_hectares)

    # Twice over the rasters: once to count and to learn the order of sizes, once to write, so that no more than one polygon is held.
    sizes = np.array([polygon.hectares for polygon in outlined(_counted(_rows(folder, kind), hectares, counts))])
    number = np.empty(len(sizes), dtype=np.int64)
    number[np.argsort(-sizes, kind="stable")] = np.arange(1, len(sizes) + 1)
    largest: dict[int, ChangePolygon] = {}
    dates = tuple(scene.when or UNNAMED_DATE for scene in (before, after))

    def features() -> Iterator[Feature]:
        for place, polygon in enumerate(outlined(_rows(folder, kind))):
            window = polygon.window if is_on_grid else _window_on(before, polygon.geometry, crs)
            trust = None if shift is None else shift_confidence(shift, polygon.pixels, moved([polygon.geometry], to_pixels)[0].length)
            made = replace(_polygon(int(number[place]), polygon, labels, window), confidence=trust)
            if made.id <= MOST_POLYGONS:
                largest[made.id] = made
            severity = (severity_of(made.probability),) if kind.is_of_burns else ()
            yield (
                polygon.geometry,
                (made.id, made.hectares, made.before, made.after, made.probability, *dates, trust, None, None, *severity),
            )

    write_polygons(folder / CHANGES, LAYER, features(), kind.columns, crs)
    transitions, became = (transitions_of(each, labels) if labels else () for each in (counts.pairs, counts.became))
    if labels:
        write_table(folder / TRANSITIONS, ("from", "to", "pixels", "hectares"), map(_cells, transitions))
    polygons = tuple(largest[key] for key in sorted(largest))
    changed, valid = int(counts.states.pixels[1]), int(counts.states.pixels.sum())
    return Findings(transitions, became, polygons, changed, valid, float(counts.states.hectares[1]), float(sizes.sum()))


def write_taken_back(folder: Path, found: Iterable[TakenBack]) -> None:
    """Into changes.gpkg: of each polygon that was taken back, the share of its change that is gone then."""
    set_values(folder / CHANGES, LAYER, TAKEN_BACK, {one.polygon: one.undone for one in found})


def write_verdicts(polygons: Path, said: Mapping[int, str | None]) -> None:
    """Into changes.gpkg: what a reviewer says of polygons, by their numbers; None for what is taken back. Raises CannotWrite."""
    set_values(polygons, LAYER, VERDICT, said)


@dataclass(frozen=True)
class _Rows:
    """Rows of the rasters, [rows, width].

    state: 1 changed, 0 not, 255 no data. pairs: of core.change.transitions; the state where no classes are known, NO_PAIR for no data.
    score: float32.
    """

    top: int
    state: NDArray[np.uint8]
    pairs: NDArray[np.int32]
    score: NDArray[np.float32]


def _rows(folder: Path, kind: ChangeKind) -> Iterator[_Rows]:
    for strips in zip(*(read_strips(folder / name) for name in kind.rasters), strict=True):
        (top, state), (_, score), *classes = strips
        if classes:
            (_, before), (_, after) = classes
            yield _Rows(top, state, pairs_of(before, after, len(kind.labels)), score)
        else:
            yield _Rows(top, state, np.where(state == NODATA, NO_PAIR, state).astype(np.int32), score)


@dataclass(frozen=True)
class _Counts:
    """What is counted in one pass. pairs: of both land covers. became: the same where it changed. states: unchanged and changed."""

    pairs: ZonalCounts
    became: ZonalCounts
    states: ZonalCounts


def _counted(strips: Iterator[_Rows], hectares: Hectares, counts: _Counts) -> Iterator[_Rows]:
    """The strips, each counted as it passes by."""
    for rows in strips:
        area = hectares(rows.top, len(rows.state))
        counts.pairs.add(rows.pairs, area)
        counts.became.add(np.where(rows.state == 1, rows.pairs, NO_PAIR), area)
        counts.states.add(rows.state, area)
        yield rows


def _legend(name: str, kind: ChangeKind) -> dict[str, Any]:
    if name == kind.score:
        return {}
    if name == CHANGE:
        return {"labels": STATES, "colours": STATE_COLOURS}
    return {"labels": kind.labels, "colours": class_colours(kind.labels)}


def _cells(transition: Transition) -> tuple[str, str, int, float]:
    return transition.before, transition.after, transition.pixels, transition.hectares


def _polygon(number: int, polygon: OutlinedArea, labels: Sequence[str], window: tuple[int, int, int, int]) -> ChangePolygon:
    centre = polygon.geometry.representative_point()
    was, became = pair_names(polygon.value, labels) if labels else (None, None)
    return ChangePolygon(number, polygon.hectares, was, became, polygon.score, window, (centre.x, centre.y))


def _window_on(scene: Scene, geometry: BaseGeometry, crs: CRS) -> tuple[int, int, int, int]:
    """(left, top, width, height) in pixels of a scene around a geometry of another CRS."""
    assert scene.crs is not None  # scenes without one were refused
    outline = shapely.transform(geometry, way_between(crs, scene.crs).transform, interleaved=False)
    west, north, east, south = shapely.bounds(moved([outline], ~scene.transform)[0])
    left, right = (int(np.clip(edge, 0, scene.width)) for edge in (np.floor(west), np.ceil(east)))
    top, bottom = (int(np.clip(edge, 0, scene.height)) for edge in (np.floor(north), np.ceil(south)))
    return left, top, right - left, bottom - top
