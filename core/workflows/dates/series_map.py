"""`sightline series`: what 2 to 50 dates of one place hold by date, in places of interest, and where a level breaks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from shapely.affinity import affine_transform
from shapely.geometry import box

from core.areas.zones import Zone, read_zones
from core.change.breaks import FAMILY_ERROR, LEAST_DATES, BreakSearch, find_breaks
from core.errors import MissingBands, OutOfRange
from core.export.staging import staged
from core.inference.engine import Engine
from core.inference.scenes.scores import check_mappable
from core.prepare.grid.clouds import cloud_notice
from core.prepare.grid.ground import refuse_off_earth
from core.prepare.indices import INDICES, Index
from core.types import AreaOnDate, Notice, Progress, Scene, SeriesDate, SeriesResult, notice
from core.workflows.dates.cells import USUAL_THRESHOLDS, CellGrid, DateReading, cell_grid, read_date
from core.workflows.dates.files import AREAS_BY_DATE, BREAKS, SERIES, write_areas_by_date, write_breaks, write_series
from core.workflows.dates.placed import PlacedDate, in_order, place_dates, shared_bands, shared_indices
from core.workflows.scene_map import map_scene
from core.workflows.zones.counted import ZoneCount, count_map

ALL_OF_IT = "all"
"""The zone that is the whole scene, where no other was asked for."""


def make_series(
    scenes: Sequence[Scene],
    out: Path,
    *,
    engine: Engine | None = None,
    index: str = "",
    threshold: float | None = None,
    zones: Path | None = None,
    at: tuple[int, int] | None = None,
    is_corrected: bool = False,
    progress: Progress | None = None,
) -> SeriesResult:
    """Write areas_by_date.csv, series.csv and breaks.gpkg into `out`; with an engine the map of each date in a folder of its own too.

    All is told on the grid of the first date. index: by which breaks are searched, the first that all dates have by default; above
    `threshold` its area is counted. zones, at: whose series is told: polygons of a file, a pixel (column, row) of the first date; the whole
    scene without either. is_corrected: shifts are taken out where that makes them smaller. progress: told of rows.
    Raises OutOfRange, InputError, NoOverlap, NoGrid, MissingBands, WrongTask, UnreadableFile.
    """
    started = time.perf_counter()
    ordered = in_order(scenes)
    first = ordered[0]
    refuse_off_earth(first)
    bands = shared_bands(ordered)
    indices = shared_indices(bands, index)
    if index and (not indices or indices[0].name != index):
        raise MissingBands(first.name, INDICES[index].colours, bands)
    for scene in ordered if engine is not None else ():
        check_mappable(scene, engine.model)  # type: ignore[union-attr]
    drawn = _places(first, zones, at)
    dates = place_dates(ordered, bands, is_corrected=is_corrected)
    thresholds = _thresholds(indices, threshold)
    grid, done = cell_grid(first), 0
    total = first.height * len(dates)

    def step(rows: int) -> None:
        nonlocal done
        done += rows
        if progress is not None:
            progress(done, total)

    with staged(out) as folder:
        readings = [read_date(date, bands, indices, thresholds, grid, drawn, first, step) for date in dates]
        mapped, by_zone = _maps(dates, engine, folder, drawn)
        areas = _areas(dates, readings, indices, mapped)
        search = find_breaks(np.array([reading.cells for reading in readings]).T) if indices else BreakSearch((), 0, 1.0)
        write_areas_by_date(folder / AREAS_BY_DATE, areas)
        write_series(folder / SERIES, dates, drawn, [*bands, *(one.name for one in indices)], readings, by_zone)
        breaks, hectares = write_breaks(folder / BREAKS, search, dates, grid, first, indices[0].name if indices else "")
    return SeriesResult(
        dates=tuple(_date(date, reading) for date, reading in zip(dates, readings, strict=True)),
        bands=bands,
        indices=tuple(one.name for one in indices),
        thresholds=thresholds,
        index=indices[0].name if indices else "",
        labels=engine.model.labels if engine is not None else (),
        areas=areas,
        tested=search.tested,
        inflation=search.inflation,
        breaks=breaks,
        broken_hectares=hectares,
        areas_file=out / AREAS_BY_DATE,
        series_file=out / SERIES,
        breaks_file=out / BREAKS,
        parameters=_parameters(indices, thresholds, grid, engine, zones, at, is_corrected=is_corrected),
        model=engine.model.id if engine is not None else "",
        weights=engine.model.weights_hash if engine is not None else "",
        assumptions=_assumptions(dates),
        seconds=time.perf_counter() - started,
    )


def _date(date: PlacedDate, reading: DateReading) -> SeriesDate:
    return SeriesDate(date.scene, reading.valid_share, date.clouds, date.shift, date.left, date.is_corrected)


def _parameters(
    indices: Sequence[Index],
    thresholds: Sequence[float],
    grid: CellGrid,
    engine: Engine | None,
    zones: Path | None,
    at: tuple[int, int] | None,
    *,
    is_corrected: bool,
) -> dict[str, Any]:
    return {
        "thresholds": {one.name: threshold for one, threshold in zip(indices, thresholds, strict=True)},
        "cell_pixels": grid.side,
        "least_dates": LEAST_DATES,
        "family_error": FAMILY_ERROR,
        "correct_shift": is_corrected,
        "zones": zones.name if zones is not None else "",
        "at": list(at) if at is not None else [],
        **({"model": engine.model.id, "weights": engine.model.weights_hash} if engine is not None else {}),
    }


def _thresholds(indices: Sequence[Index], threshold: float | None) -> tuple[float, ...]:
    """Of the first index the one that was given. Raises OutOfRange."""
    if threshold is not None and not -1.0 <= threshold <= 1.0:
        raise OutOfRange("--threshold", threshold, "between -1 and 1")
    usual = [USUAL_THRESHOLDS[one.name] for one in indices]
    return tuple([threshold, *usual[1:]] if threshold is not None and usual else usual)


def _places(first: Scene, zones: Path | None, at: tuple[int, int] | None) -> tuple[Zone, ...]:
    """Whose series is told. Raises OutOfRange for a pixel outside the scene, and what read_zones raises."""
    assert first.crs is not None  # scenes without one were refused
    drawn = list(read_zones(zones, first.crs)) if zones is not None else []
    if at is not None:
        column, row = at
        if not (0 <= column < first.width and 0 <= row < first.height):
            raise OutOfRange("--at", f"{column} {row}", f"a pixel of the first date, {first.width} x {first.height}")
        drawn.append(
            _box(first, f"pixel {column} {row}", (column, row, column + 1, row + 1), max((one.id for one in drawn), default=0) + 1)
        )
    return tuple(drawn) or (_box(first, ALL_OF_IT, (0, 0, first.width, first.height), 1),)


def _box(scene: Scene, name: str, edges: tuple[int, int, int, int], number: int) -> Zone:
    t = scene.transform
    return Zone(name, affine_transform(box(*edges), [t.a, t.b, t.d, t.e, t.c, t.f]), number)


def _maps(
    dates: Sequence[PlacedDate], engine: Engine | None, folder: Path, zones: Sequence[Zone]
) -> tuple[list[Any], list[tuple[ZoneCount, ...]]]:
    """The land cover of each date in a folder of its own, and its classes by zone; nothing without a model."""
    if engine is None:
        return [], []
    mapped, by_zone = [], []
    for number, date in enumerate(dates, start=1):
        made = map_scene(date.scene, engine, folder / f"{number:02}-{date.scene.when}")
        mapped.append(made)
        by_zone.append(count_map(made.landcover, made.labels, zones))
    return mapped, by_zone


def _areas(
    dates: Sequence[PlacedDate], readings: Sequence[DateReading], indices: Sequence[Index], mapped: Sequence[Any]
) -> tuple[AreaOnDate, ...]:
    rows = []
    for number, (date, reading) in enumerate(zip(dates, readings, strict=True)):
        for made in mapped[number : number + 1]:
            rows += [AreaOnDate(date.scene.when, area.label, area.hectares, reading.valid_share) for area in made.areas]
        rows += [
            AreaOnDate(date.scene.when, one.name, area, reading.valid_share) for one, area in zip(indices, reading.hectares, strict=True)
        ]
    return tuple(rows)


def _assumptions(dates: Sequence[PlacedDate]) -> tuple[Notice, ...]:
    clouds = [notice("scene.of-one", name=date.scene.called, said=cloud_notice(date.scene)) for date in dates if date.clouds is not None]
    told = clouds if len(clouds) == len(dates) else [notice("clouds.not-masked"), *clouds]
    return tuple(dict.fromkeys([*told, *(each for date in dates for each in date.scene.assumptions)]))
