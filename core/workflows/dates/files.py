"""A series as files: areas_by_date.csv, series.csv (a line for each date, place and value), breaks.gpkg (a polygon for each break)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely.affinity import affine_transform
from shapely.geometry.base import BaseGeometry

from core.areas.pixels import row_hectares
from core.areas.zones import Zone
from core.change.breaks import BreakSearch, SeriesBreak
from core.export.symbols import FillSymbol, layer_style
from core.export.tables import write_table
from core.export.vector import write_multipolygons, write_style
from core.types import AreaOnDate, LevelBreak, Scene
from core.workflows.dates.cells import CellGrid, DateReading
from core.workflows.dates.placed import PlacedDate
from core.workflows.zones.counted import ZoneCount

AREAS_BY_DATE, SERIES, BREAKS, BREAKS_LAYER = "areas_by_date.csv", "series.csv", "breaks.gpkg", "breaks"
BREAK_COLUMNS: dict[str, type] = {
    "id": int, "index": str, "hectares": float, "date_before": str, "date_after": str, "size": float, "days": int, "lasts_to": str,
    "is_lasting": int, "p": float,
}  # fmt: skip
BREAK_SYMBOL = FillSymbol((214, 95, 84))


def write_areas_by_date(path: Path, rows: Sequence[AreaOnDate]) -> None:
    """low and high stay empty where no sample gives an interval."""
    cells = ((row.date, row.name, row.hectares, _or_nothing(row.low), _or_nothing(row.high), row.valid_share) for row in rows)
    write_table(path, ("date", "name", "hectares", "low", "high", "valid_share"), cells)


def write_series(
    path: Path,
    dates: Sequence[PlacedDate],
    zones: Sequence[Zone],
    names: Sequence[str],
    readings: Sequence[DateReading],
    by_zone: Sequence[Sequence[ZoneCount]],
) -> None:
    """A line for each date, place and band, index or class. names: of the planes of a reading. by_zone: of each date, () without a model.

    value: mean reflectance, mean index, or the share of a class; empty where a date has no data there.
    """

    def rows() -> Iterator[Sequence[object]]:
        for number, (date, reading) in enumerate(zip(dates, readings, strict=True)):
            for place, zone in enumerate(zones):
                start = (date.scene.when, zone.id, zone.name)
                seen = float(reading.zone_shares[place])
                for name, value in zip(names, reading.zones[place].tolist(), strict=True):
                    yield (*start, name, value if value == value else "", seen)
                for count in by_zone[number][place : place + 1] if by_zone else ():
                    for part in count.parts:
                        yield (*start, part.before, part.hectares / count.seen if count.seen else "", seen)

    write_table(path, ("date", "id", "place", "name", "value", "valid_share"), rows())


def write_breaks(
    path: Path, search: BreakSearch, dates: Sequence[PlacedDate], grid: CellGrid, first: Scene, index: str
) -> tuple[tuple[LevelBreak, ...], float]:
    """breaks.gpkg: neighbouring cells that break between the same dates, in the same direction, are one polygon.

    Returns (the polygons, the largest first; hectares of all ground that breaks, each cell once).
    """
    assert first.crs is not None  # scenes without one were refused
    sizes = _CellHectares(grid, first)
    grouped = sorted(_groups(search.breaks, grid), key=lambda group: -sum(sizes(one.place) for one in group))
    told = tuple(_described(number, group, dates, sum(sizes(one.place) for one in group)) for number, group in enumerate(grouped, start=1))
    rows = (
        (_many(shapely.union_all([_outline(cell.place, grid, first) for cell in group])), _cells(one, index))
        for one, group in zip(told, grouped, strict=True)
    )
    write_multipolygons(path, BREAKS_LAYER, rows, BREAK_COLUMNS, first.crs)
    write_style(path, BREAKS_LAYER, layer_style(BREAK_SYMBOL))
    return told, sum(sizes(place) for place in {one.place for one in search.breaks})


def _cells(one: LevelBreak, index: str) -> tuple[object, ...]:
    """A row, in the order of BREAK_COLUMNS."""
    return one.id, index, one.hectares, one.date_before, one.date_after, one.size, one.days, one.lasts_to, one.is_lasting, one.p


def _described(number: int, group: Sequence[SeriesBreak], dates: Sequence[PlacedDate], hectares: float) -> LevelBreak:
    """Of the group: its dates are those of its surest cell, its size the mean of all."""
    surest = min(group, key=lambda one: one.p)
    begins = dates[surest.after].scene
    ends = dates[surest.until].scene if surest.until is not None else dates[-1].scene
    assert begins.date is not None and ends.date is not None  # scenes without a date were refused
    return LevelBreak(
        id=number,
        hectares=hectares,
        date_before=dates[surest.before].scene.when,
        date_after=begins.when,
        size=sum(one.size for one in group) / len(group),
        days=(ends.date - begins.date).days,
        lasts_to=ends.when,
        is_lasting=surest.until is None,
        p=surest.p,
    )


def _groups(breaks: Sequence[SeriesBreak], grid: CellGrid) -> list[list[SeriesBreak]]:
    """Cells that touch by a side and break at about the same time in one direction."""
    number_of: dict[int, list[int]] = {}
    for number, one in enumerate(breaks):
        number_of.setdefault(one.place, []).append(number)
    links = []
    for number, one in enumerate(breaks):
        row, column = divmod(one.place, grid.columns)
        neighbours = [one.place + 1] if column + 1 < grid.columns else []
        neighbours += [one.place + grid.columns] if row + 1 < grid.rows else []
        links += [
            (number, other)
            for place in neighbours
            for other in number_of.get(place, [])
            if _is_same_time(one, breaks[other]) and (one.size > 0) == (breaks[other].size > 0)
        ]
    if not breaks:
        return []
    ones = [1] * len(links)
    graph = coo_array((ones, ([a for a, _ in links], [b for _, b in links])), shape=(len(breaks), len(breaks)))
    count, names = connected_components(graph, directed=False)
    groups: list[list[SeriesBreak]] = [[] for _ in range(count)]
    for name, one in zip(names, breaks, strict=True):
        groups[name].append(one)
    return groups


def _is_same_time(one: SeriesBreak, other: SeriesBreak) -> bool:
    """Whether the times between their last date ahead and first behind have a date in common."""
    return one.before < other.after and other.before < one.after


def _outline(place: int, grid: CellGrid, scene: Scene) -> BaseGeometry:
    row, column = divmod(place, grid.columns)
    left, top = column * grid.side, row * grid.side
    cell = shapely.box(left, top, min(left + grid.side, scene.width), min(top + grid.side, scene.height))
    t = scene.transform
    return affine_transform(cell, [t.a, t.b, t.d, t.e, t.c, t.f])


class _CellHectares:
    """Of a cell, on the ellipsoid; rows of cells are asked for once."""

    def __init__(self, grid: CellGrid, scene: Scene) -> None:
        self._grid, self._scene = grid, scene
        self._hectares = row_hectares(scene.crs, scene.transform, scene.width, scene.height)
        self._rows: dict[int, list[float]] = {}

    def __call__(self, place: int) -> float:
        row, column = divmod(place, self._grid.columns)
        if row not in self._rows:
            top = row * self._grid.side
            area = self._hectares(top, min(self._grid.side, self._scene.height - top)).sum(axis=0)
            self._rows[row] = [float(area[left : left + self._grid.side].sum()) for left in range(0, len(area), self._grid.side)]
        return self._rows[row][column]


def _many(geometry: BaseGeometry) -> BaseGeometry:
    return geometry if geometry.geom_type == "MultiPolygon" else shapely.multipolygons([geometry])


def _or_nothing(value: float | None) -> float | str:
    return "" if value is None else value
