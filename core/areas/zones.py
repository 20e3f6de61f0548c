"""Zones that a user has drawn elsewhere, read from a vector file.

A vector file is as little trusted as any other. GDAL has some fifty drivers for vectors, several of which follow addresses, so the content
decides before GDAL looks: GeoPackage and Shapefile go to their one driver, GeoJSON is parsed here.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import CRSError
from rasterio.crs import CRS
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from core.errors import NoGrid, NotFound, TooLarge, UnreadableFile
from core.readers.archive import members
from core.settings import settings

if TYPE_CHECKING:
    import geopandas

DRIVERS = "Zones are read from a GeoPackage, a GeoJSON file or a Shapefile (its .shp, or all its files in one zip)."
NAME_COLUMNS = ("name", "zone", "label", "id")
"""Where the name of a zone is looked for, in any case of letters; without one, zones have numbers from 1."""
ID_COLUMN = "id"
CUTOFF_COLUMNS = ("cutoff", "cut_off", "cutoff_date", "cut_off_date")
"""Where the date of a plot is looked for, up to which its ground counts as it was before."""
SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
PIECES_A_SIDE = 64
"""Straight sides become curves in another projection: they are cut into so many pieces of a zone's extent before."""
GEOPACKAGE_IDS = (b"GPKG", b"GP10", b"GP11")  # the application id of SQLite's header, OGC 12-128 requirement 2
_REMARKING = r"pyogrio(\.|$)"


@dataclass(frozen=True)
class Zone:
    """A named Polygon or MultiPolygon, in the CRS of the raster that it was read for.

    id: the file's own column "id" where it holds different whole numbers, else the place of the feature in the file, from 1; so the same
    file gives the same ids, whatever else is asked for. cutoff: the plot's own date, None where the file has none.
    """

    name: str
    geometry: BaseGeometry
    id: int = 0
    cutoff: date | None = None


def read_zones(path: Path, crs: CRS) -> tuple[Zone, ...]:
    """The polygons of a vector file, brought to `crs`, in the file's order; of several layers the first that holds polygons.

    Raises NotFound, TooLarge, UnreadableFile for other kinds of files and those without polygons, NoGrid without a coordinate system.
    """
    frame, is_area = _areas(path)
    told = zip(_names(frame), _ids(frame), _cutoffs(frame, path), is_area, strict=True)
    kept = [of_feature for *of_feature, holds in told if holds]
    return tuple(
        Zone(name, geometry, number, day) for geometry, (name, number, day) in zip(_brought_to(frame[is_area], crs), kept, strict=True)
    )


def read_labelled(path: Path, crs: CRS, columns: Sequence[str]) -> tuple[Zone, ...]:
    """The polygons of a vector file, each named by the first of `columns` that is there, as it is written; "" without one.

    Raises as read_zones does.
    """
    frame, is_area = _areas(path)
    by_lower = {str(column).lower(): column for column in reversed(frame.columns)}
    column = next((by_lower[name] for name in columns if name in by_lower), None)
    names = [""] * len(frame) if column is None else [_plain(value) for value in frame[column]]
    kept = np.array(names, dtype=object)[is_area]
    return tuple(Zone(name, geometry) for name, geometry in zip(kept, _brought_to(frame[is_area], crs), strict=True))


def _plain(value: object) -> str:
    """1 and 1.0 are one label."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _areas(path: Path) -> tuple[geopandas.GeoDataFrame, NDArray[np.bool_]]:
    """What a file holds, and which of its rows are polygons."""
    frame = _frame(path)
    if frame.crs is None:
        raise NoGrid(f"{path.name} has no coordinate system: its zones cannot be laid over the scene.", "Save it with one.")
    is_area = frame.geometry.notna() & frame.geom_type.isin(["Polygon", "MultiPolygon"]) & ~frame.geometry.is_empty
    if not is_area.any():
        raise UnreadableFile(f"{path.name} holds no polygons.", "Zones are polygons, one a feature.")
    return frame, is_area.to_numpy()


def _ids(frame: geopandas.GeoDataFrame) -> list[int]:
    """A number for each feature that stays the same however often the file is read."""
    column = next((column for column in frame.columns if str(column).lower() == ID_COLUMN), None)
    told = [] if column is None else [_whole(value) for value in frame[column]]
    if told and None not in told and len(set(told)) == len(told):
        return [number for number in told if number is not None]
    return list(range(1, len(frame) + 1))


def _whole(value: object) -> int | None:
    text = _plain(value)
    return int(text) if text.isascii() and text.isdigit() else None


def _cutoffs(frame: geopandas.GeoDataFrame, path: Path) -> list[date | None]:
    """Raises UnreadableFile for a date that is none."""
    by_lower = {str(column).lower().replace("-", "_"): column for column in reversed(frame.columns)}
    column = next((by_lower[name] for name in CUTOFF_COLUMNS if name in by_lower), None)
    if column is None:
        return [None] * len(frame)
    return [_day(value, str(column), path) for value in frame[column]]


def _day(value: object, column: str, path: Path) -> date | None:
    text = "" if value is None else str(value)[:10]
    if text in ("", "NaT", "nan", "None"):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UnreadableFile(f"{path.name}: {text!r} in the column {column} is no date.", "Write dates as 2020-12-31.") from None


def _frame(path: Path, *, may_be_packed: bool = True) -> geopandas.GeoDataFrame:
    from pyogrio.errors import DataSourceError  # here, since it brings pandas, and few maps have zones

    if not path.is_file():
        raise NotFound(f"The zones file {path} does not exist.", DRIVERS)
    with path.open("rb") as file:
        head = file.read(4096)
    if may_be_packed and head.startswith(b"PK\x03\x04"):
        return _of_zip(path)
    try:
        if head.startswith(b"SQLite format 3\0") and head[68:72] in GEOPACKAGE_IDS:
            return _of_driver(path, "GPKG")
        if head.startswith(b"\0\0\x27\x0a") and path.suffix.lower() == ".shp":
            return _of_driver(path, "ESRI Shapefile")
        if head.decode("utf-8", errors="ignore").lstrip("\ufeff \t\r\n").startswith("{"):
            return _geojson(path)
    except (DataSourceError, CRSError, ValueError, KeyError, TypeError, AttributeError, ShapelyError) as error:
        raise UnreadableFile(f"{path.name} cannot be read as zones: it is damaged or of another kind.", DRIVERS) from error
    raise UnreadableFile(f"{path.name} is no vector file that is known here.", DRIVERS)


def _of_zip(path: Path) -> geopandas.GeoDataFrame:
    """The one vector file of an archive; the parts of a Shapefile are laid beside each other first. Raises what its members raise."""
    with TemporaryDirectory(prefix="sightline-zones-") as held:
        folder = Path(held) / "unpacked"
        beside = Path(held) / "shapefile"
        beside.mkdir()
        found: list[Path] = []
        for member in members(path, folder):
            if member.error is not None:
                raise member.error
            if member.path is None:
                continue
            ending = member.path.suffix.lower()
            if ending in SHAPEFILE_PARTS:
                place = beside / f"{member.path.stem.lower()}{ending}"
                member.path.replace(place)
                found += [place] if ending == ".shp" else []
            elif ending in (".gpkg", ".geojson", ".json"):
                found.append(member.path)
        if len(found) != 1:
            raise UnreadableFile(f"{path.name} holds {len(found) or 'no'} files of zones.", f"Give one of them. {DRIVERS}")
        return _frame(found[0], may_be_packed=False)


def _of_driver(path: Path, driver: str) -> geopandas.GeoDataFrame:
    import pyogrio

    _ignore_remarks()
    place = path.resolve()  # absolute: no "/vsicurl/" and no "DRIVER:" syntax is looked for in it
    layers = [str(name) for name, kind in pyogrio.list_layers(place) if kind is not None and ("Polygon" in kind or kind == "Unknown")]
    if not layers:
        raise UnreadableFile(f"{path.name} holds no layer of polygons.", "Zones are polygons, one a feature.")
    if pyogrio.read_info(place, layer=layers[0])["driver"] != driver:
        raise ValueError("opened by another driver")
    return pyogrio.read_dataframe(place, layer=layers[0], force_2d=True)


def _ignore_remarks() -> None:
    """What GDAL remarks on a file is no answer to the user: it is read, or refused by an error."""
    if not any(entry[0] == "ignore" and getattr(entry[3], "pattern", None) == _REMARKING for entry in warnings.filters[:4]):
        warnings.filterwarnings("ignore", module=_REMARKING)


def _geojson(path: Path) -> geopandas.GeoDataFrame:
    """RFC 7946: longitude and latitude on WGS 84; the `crs` member of its forerunner is believed where it is there."""
    import geopandas

    limit = settings().upload_mb
    if path.stat().st_size > limit * 1_000_000:
        raise TooLarge(f"{path.name} is larger than {limit} MB.", "Save the zones as a GeoPackage.")
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig"))
    features = document.get("features") or [document if "geometry" in document else {"geometry": document, "properties": {}}]
    told = (document.get("crs") or {}).get("properties", {}).get("name", "OGC:CRS84")
    rows = [{"geometry": feature["geometry"], "properties": feature.get("properties") or {}} for feature in features]
    return geopandas.GeoDataFrame.from_features(rows, crs=pyproj.CRS.from_user_input(told))


def _polygons_of(shape: BaseGeometry) -> BaseGeometry:
    """What of a mended shape has an area: a ring that crosses itself has no inside of its own."""
    if shape.geom_type != "GeometryCollection":
        return shape
    return shapely.union_all([part for part in shape.geoms if part.geom_type in ("Polygon", "MultiPolygon")])


def _names(frame: geopandas.GeoDataFrame) -> NDArray[np.object_]:
    """A name for each feature, told apart where two have the same."""
    by_lower = {str(column).lower(): column for column in reversed(frame.columns)}
    column = next((by_lower[name] for name in NAME_COLUMNS if name in by_lower), None)
    told = [f"{place}" for place in range(1, len(frame) + 1)] if column is None else [str(value) for value in frame[column]]
    seen: dict[str, int] = {}
    names = []
    for name in told:
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return np.array(names, dtype=object)


def _brought_to(frame: geopandas.GeoDataFrame, crs: CRS) -> list[BaseGeometry]:
    target = pyproj.CRS.from_wkt(crs.to_wkt())
    shapes = frame.geometry.force_2d()
    shapes[~shapes.is_valid] = [_polygons_of(shape) for shape in shapes[~shapes.is_valid].make_valid()]
    if shapes.crs == target:
        return list(shapes)
    bounds = shapes.bounds.to_numpy()
    pieces = np.maximum(bounds[:, 2:] - bounds[:, :2], 1e-9).max(axis=1) / PIECES_A_SIDE
    return list(shapes.segmentize(pieces).to_crs(target))
