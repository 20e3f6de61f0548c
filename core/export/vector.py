"""Polygons and points out, as one layer of a GeoPackage (OGC 12-128), written in pieces so that memory does not grow with their number."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rasterio.crs import CRS
from shapely.geometry.base import BaseGeometry

from core.export.staging import not_written, whole_file

if TYPE_CHECKING:
    import geopandas

CHUNK = 10_000
"""Features that are written at a time."""
VERSION = "1.3"
"""Of GeoPackage: 1.4 is read by GDAL 3.7 and later only, and warned about by everything older."""
_DTYPES = {str: "str", int: "int64", float: "float64"}

_STYLES_COLUMNS = (
    "f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description, owner, ui"
)
_STYLES_TABLE = """
CREATE TABLE IF NOT EXISTS "layer_styles" ("id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "f_table_catalog" TEXT(256),
    "f_table_schema" TEXT(256), "f_table_name" TEXT(256), "f_geometry_column" TEXT(256), "styleName" TEXT(30), "styleQML" TEXT,
    "styleSLD" TEXT, "useAsDefault" BOOLEAN, "description" TEXT, "owner" TEXT(30), "ui" TEXT(30),
    "update_time" DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')));
INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier) VALUES ('layer_styles', 'attributes', 'layer_styles');
"""
"""As QGIS itself lays it out."""
_OF_GEOMETRY = ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY")

Feature = tuple[BaseGeometry, Sequence[Any]]


def write_polygons(path: Path, layer: str, features: Iterable[Feature], columns: Mapping[str, type], crs: CRS) -> int:
    """Write (geometry, values in the order of `columns`) as `layer` of a GeoPackage at `path`; returns how many.

    columns: name -> str, int or float; a layer without polygons has them too. The file appears when it is whole, and not at all where
    `features` raises.
    """
    return _write_layer(path, layer, features, columns, crs, "Polygon")


def write_points(path: Path, layer: str, features: Iterable[Feature], columns: Mapping[str, type], crs: CRS) -> int:
    """The same of points."""
    return _write_layer(path, layer, features, columns, crs, "Point")


def write_multipolygons(path: Path, layer: str, features: Iterable[Feature], columns: Mapping[str, type], crs: CRS) -> int:
    """The same of areas in several parts."""
    return _write_layer(path, layer, features, columns, crs, "MultiPolygon")


def _write_layer(path: Path, layer: str, features: Iterable[Feature], columns: Mapping[str, type], crs: CRS, geometry: str) -> int:
    told = iter(features)
    count = 0
    with whole_file(path) as made:
        while True:
            chunk = list(islice(told, CHUNK))
            if chunk or count == 0:
                frame = _frame(chunk, columns, crs)
                _write(frame, made, layer, geometry, append=count > 0)
            count += len(chunk)
            if len(chunk) < CHUNK:
                return count


def set_values(path: Path, layer: str, column: str, values: Mapping[int, float | str | None]) -> None:
    """Give a column of a layer other values. values: by the number in its column "id".

    Raises CannotWrite.
    """
    with closing(sqlite3.connect(path)) as file:
        for function in _OF_GEOMETRY:  # named by triggers of the spatial index, and never asked where geometry stays
            file.create_function(function, 1, _unasked)
        try:
            with file:
                file.executemany(f'UPDATE "{layer}" SET "{column}" = ? WHERE "id" = ?', [(value, key) for key, value in values.items()])
        except sqlite3.OperationalError as error:
            raise not_written(path.parent, error) from error


def write_style(path: Path, layer: str, style: str) -> None:
    """Keep a style of a layer in its GeoPackage, in the table layer_styles, which QGIS reads when it opens the layer.

    style: the text of core.export.symbols.layer_style. Raises CannotWrite.
    """
    with closing(sqlite3.connect(path)) as file:
        try:
            with file:
                file.executescript(_STYLES_TABLE)
                file.execute('DELETE FROM "layer_styles" WHERE "f_table_name" = ?', (layer,))
                (geometry,) = file.execute("SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (layer,)).fetchone()
                row = ("", "", layer, geometry, layer, style, "", True, "", "", "")
                file.execute(f'INSERT INTO "layer_styles" ({_STYLES_COLUMNS}) VALUES ({",".join("?" * len(row))})', row)
        except sqlite3.OperationalError as error:
            raise not_written(path.parent, error) from error


def _unasked(geometry: bytes) -> float:
    raise AssertionError("the geometry does not change")


def _write(frame: geopandas.GeoDataFrame, path: Path, layer: str, geometry: str, *, append: bool) -> None:
    """Raises CannotWrite."""
    import pyogrio  # here, since it brings pandas, and strips are shown long before polygons are written
    from pyogrio.errors import DataLayerError, DataSourceError

    try:
        pyogrio.write_dataframe(frame, path, layer=layer, driver="GPKG", geometry_type=geometry, append=append, VERSION=VERSION)
    except (DataSourceError, DataLayerError) as error:  # SQLite's words
        raise not_written(path.parent, error) from error


def _frame(chunk: Sequence[Feature], columns: Mapping[str, type], crs: CRS) -> geopandas.GeoDataFrame:
    import geopandas
    import pyproj

    values = {name: [row[place] for _, row in chunk] for place, name in enumerate(columns)}
    frame = geopandas.GeoDataFrame(values, geometry=[geometry for geometry, _ in chunk], crs=pyproj.CRS.from_wkt(crs.to_wkt()))
    return frame.astype({name: _DTYPES[kind] for name, kind in columns.items()})
