"""Zones that a user has drawn elsewhere, read from a vector file.

A vector file is as little trusted as any other. GDAL has some fifty drivers for vectors, several of which follow addresses, so the content
decides before GDAL looks: GeoPackage and Shapefile go to their one driver, GeoJSON is parsed here.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
from numpy.typing import NDArray
from pyproj.exceptions import CRSError
from rasterio.crs import CRS
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from core.errors import NoGrid, NotFound, TooLarge, UnreadableFile
from core.settings import settings

if TYPE_CHECKING:
    import geopandas

DRIVERS = "Zones are read from a GeoPackage, a GeoJSON file or a Shapefile (its .shp)."
NAME_COLUMNS = ("name", "zone", "label", "id")
"""Where the name of a zone is looked for, in any case of letters; without one, zones have numbers from 1."""
PIECES_A_SIDE = 64
"""Straight sides become curves in another projection: they are cut into so many pieces of a zone's extent before."""
GEOPACKAGE_IDS = (b"GPKG", b"GP10", b"GP11")  # the application id of SQLite's header, OGC 12-128 requirement 2
_REMARKING = r"pyogrio(\.|$)"


@dataclass(frozen=True)
class Zone:
    """A named Polygon or MultiPolygon, in the CRS of the raster that it was read for."""

    name: str
    geometry: BaseGeometry


def read_zones(path: Path, crs: CRS) -> tuple[Zone, ...]:
    """The polygons of a vector file, brought to `crs`, in the file's order; of several layers the first that holds polygons.

    Raises NotFound, TooLarge, UnreadableFile for other kinds of files and those without polygons, NoGrid without a coordinate system.
    """
    frame, is_area = _areas(path)
    names = _names(frame)[is_area]
    return tuple(Zone(name, geometry) for name, geometry in zip(names, _brought_to(frame[is_area], crs), strict=True))


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


def _frame(path: Path) -> geopandas.GeoDataFrame:
    from pyogrio.errors import DataSourceError  # here, since it brings pandas, and few maps have zones

    if not path.is_file():
        raise NotFound(f"The zones file {path} does not exist.", DRIVERS)
    with path.open("rb") as file:
        head = file.read(4096)
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
    if shapes.crs == target:
        return list(shapes)
    bounds = shapes.bounds.to_numpy()
    pieces = np.maximum(bounds[:, 2:] - bounds[:, :2], 1e-9).max(axis=1) / PIECES_A_SIDE
    return list(shapes.segmentize(pieces).to_crs(target))
