"""CSV and GeoPackage: readable by others, whole or not there."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import geopandas
import pyogrio
import pytest
from rasterio.crs import CRS
from shapely.geometry import box

from core.errors import Cancelled, InputError
from core.export import vector
from core.export.staging import staged
from core.export.tables import write_areas, write_table
from core.export.vector import Feature, write_polygons
from core.types import ClassArea

UTM = CRS.from_epsg(32631)
COLUMNS = {"class": str, "hectares": float, "id": int}


def features(count: int) -> Iterator[Feature]:
    for number in range(count):
        yield box(number, 0, number + 1, 1), (f"class {number % 3}", number / 4, number)


@pytest.mark.parametrize("count", [1, 6, 7, 20])
def test_all_polygons_arrive_however_many_are_written_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(vector, "CHUNK", 6)
    assert write_polygons(tmp_path / "c.gpkg", "classes", features(count), COLUMNS, UTM) == count
    frame = geopandas.read_file(tmp_path / "c.gpkg", layer="classes")
    assert frame.crs == "EPSG:32631"
    assert frame["id"].tolist() == list(range(count))
    assert frame["hectares"].sum() == sum(number / 4 for number in range(count))
    assert frame.area.sum() == count


def test_a_layer_without_polygons_still_has_its_columns(tmp_path: Path) -> None:
    write_polygons(tmp_path / "c.gpkg", "changes", features(0), COLUMNS, UTM)
    told = pyogrio.read_info(tmp_path / "c.gpkg", layer="changes")
    assert (told["features"], told["geometry_type"]) == (0, "Polygon")
    assert list(zip(told["fields"], told["dtypes"], strict=True)) == [("class", "object"), ("hectares", "float64"), ("id", "int64")]


def test_a_geopackage_is_of_a_version_that_older_readers_know(tmp_path: Path) -> None:
    write_polygons(tmp_path / "c.gpkg", "changes", features(3), COLUMNS, UTM)
    with sqlite3.connect(tmp_path / "c.gpkg") as database:
        assert database.execute("PRAGMA user_version").fetchone()[0] <= 10_300  # OGC 12-128r18, table 1


def test_of_polygons_that_end_in_an_error_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector, "CHUNK", 2)

    def stopped() -> Iterator[Feature]:
        yield from features(5)
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        write_polygons(tmp_path / "c.gpkg", "classes", stopped(), COLUMNS, UTM)
    assert list(tmp_path.iterdir()) == []


def test_numbers_of_a_table_come_back_and_words_with_commas_too(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", ("zone", "hectares"), [("Wald, See", 1234567.25), ('"', 1e-7), ("Ñandú", 3)])
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        zone, *rows = list(csv.reader(file))
    assert zone == ["zone", "hectares"]
    assert [(name, float(number)) for name, number in rows] == [("Wald, See", 1234567.25), ('"', 1e-7), ("Ñandú", 3.0)]


def test_areas_have_a_line_a_class_and_no_total(tmp_path: Path) -> None:
    write_areas(tmp_path / "areas.csv", [ClassArea("Forest", 30, 0.3, 0.75), ClassArea("River", 10, 0.1, 0.25)])
    assert (tmp_path / "areas.csv").read_text() == "class,pixels,hectares,share\nForest,30,0.3,0.75\nRiver,10,0.1,0.25\n"


def test_staged_files_appear_together_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    with staged(out) as folder:
        (folder / "a.csv").write_text("first")
        (folder / ".scratch").mkdir()
        assert not (out / "a.csv").exists()
    with pytest.raises(Cancelled), staged(out) as folder:
        (folder / "a.csv").write_text("second")
        raise Cancelled("stopped")
    assert [(made.name, made.read_text()) for made in out.iterdir()] == [("a.csv", "first")]


def test_a_file_is_no_output_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(InputError, match="output folder"), staged(tmp_path / "out"):
        pass
