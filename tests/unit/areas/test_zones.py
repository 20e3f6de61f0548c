"""Zones from vector files, and what is counted in them."""

from __future__ import annotations

import json
import zipfile
from datetime import date
from pathlib import Path

import geopandas
import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.transform import Affine
from shapely.geometry import LineString, Point, Polygon, box

from core.areas.zonal_counts import CountsByZone, ZonalCounts
from core.areas.zones import Zone, read_zones
from core.errors import NoGrid, NotFound, SightlineError, UnreadableFile

UTM = CRS.from_epsg(32631)
PLACE = Affine(10, 0, 448_000, 0, -10, 5_411_000)
WEST, EAST = box(448_000, 5_410_000, 448_500, 5_411_000), box(448_500, 5_410_000, 449_000, 5_411_000)


def zones_file(path: Path, crs: str = "EPSG:32631") -> Path:
    frame = geopandas.GeoDataFrame({"Name": ["west", "east"]}, geometry=[WEST, EAST], crs="EPSG:32631")
    frame.to_crs(crs).to_file(path)
    return path


@pytest.mark.parametrize("name", ["zones.gpkg", "zones.geojson", "zones.shp"])
@pytest.mark.parametrize("crs", ["EPSG:32631", "EPSG:4326"])
def test_zones_come_from_each_format_in_the_crs_of_the_raster(tmp_path: Path, name: str, crs: str) -> None:
    zones = read_zones(zones_file(tmp_path / name, crs), UTM)
    assert [zone.name for zone in zones] == ["west", "east"]
    for zone, wanted in zip(zones, (WEST, EAST), strict=True):
        assert zone.geometry.symmetric_difference(wanted).area < 10.0  # m2 of 500,000: what is straight in degrees is bent in metres


def test_plain_geojson_is_longitude_and_latitude_and_its_zones_have_numbers(tmp_path: Path) -> None:
    ring = [[2.28, 48.84], [2.30, 48.84], [2.30, 48.85], [2.28, 48.85], [2.28, 48.84]]
    shapes = [{"type": "Polygon", "coordinates": [ring]}, {"type": "Point", "coordinates": [2.2, 48.8]}]
    path = tmp_path / "z.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": shape} for shape in shapes]}))
    (zone,) = read_zones(path, UTM)
    assert zone.name == "1"
    assert zone.geometry.area == pytest.approx(1468 * 1112, rel=0.01)  # metres
    path.write_text(json.dumps(shapes[0]))
    assert read_zones(path, UTM)[0].geometry.equals(zone.geometry)


def test_names_that_occur_twice_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "z.gpkg"
    geopandas.GeoDataFrame({"zone": ["park", "park"]}, geometry=[WEST, EAST], crs="EPSG:32631").to_file(path)
    assert [zone.name for zone in read_zones(path, UTM)] == ["park", "park (2)"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("z.gpkg", b"<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"),
        ("z.csv", b"WKT,name\nPOINT(1 2),a\n"),
        ("z.kml", b"<?xml version='1.0'?><kml></kml>"),
        ("z.geojson", b'{"type": "FeatureCollection", "features": 7}'),
        ("z.geojson", b'{"type": "Topology"}'),
        ("z.geojson", b'{"broken'),
        ("z.geojson", b"[1, 2]"),
        ("z.gpkg", b"SQLite format 3\0" + bytes(52) + b"GPKG" + bytes(400)),
        ("z.shp", b"\0\0\x27\x0a" + bytes(200)),
        ("z.json", b""),
    ],
)
def test_anything_else_is_refused_with_what_would_be_right(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as caught:
        read_zones(path, UTM)
    assert path.name in caught.value.message
    assert caught.value.hint


def test_a_database_that_is_no_geopackage_is_refused(tmp_path: Path) -> None:
    path = zones_file(tmp_path / "z.gpkg")
    content = bytearray(path.read_bytes())
    content[68:72] = bytes(4)
    path.write_bytes(content)
    with pytest.raises(UnreadableFile):
        read_zones(path, UTM)


def test_zones_without_polygons_without_a_place_or_without_a_file_are_refused(tmp_path: Path) -> None:
    lines = tmp_path / "lines.gpkg"
    geopandas.GeoDataFrame(geometry=[LineString([(0, 0), (1, 1)])], crs="EPSG:32631").to_file(lines)
    points = tmp_path / "points.geojson"
    geopandas.GeoDataFrame(geometry=[Point(1, 2)], crs="EPSG:4326").to_file(points)
    for path in (lines, points):
        with pytest.raises(UnreadableFile, match="no"):
            read_zones(path, UTM)
    nowhere = zones_file(tmp_path / "nowhere.shp")
    nowhere.with_suffix(".prj").unlink()
    with pytest.raises(NoGrid, match="no coordinate system"):
        read_zones(nowhere, UTM)
    with pytest.raises(NotFound):
        read_zones(tmp_path / "missing.gpkg", UTM)
    with pytest.raises(SightlineError):
        read_zones(Path("/vsicurl/http://127.0.0.1/zones.gpkg"), UTM)


@pytest.mark.parametrize("rows", [7, 100])
def test_zones_that_part_the_scene_sum_to_it(rows: int) -> None:
    rng = np.random.default_rng(2)
    classes, hectares = rng.integers(0, 4, (100, 100)), rng.random((100, 100))
    classes[20:30] = 255
    slanted = Polygon([(448_000, 5_410_000), (448_700, 5_410_000), (448_333, 5_411_000), (448_000, 5_411_000)])
    rest = box(448_000, 5_410_000, 449_000, 5_411_000).difference(slanted)
    zones = (Zone("a", slanted), Zone("b", rest), Zone("all", box(*PLACE @ (-50, 150), *PLACE @ (150, -50))), Zone("far", box(0, 0, 1, 1)))
    counts, by_zone = ZonalCounts(4), CountsByZone(zones, 4, PLACE)
    for top in range(0, 100, rows):
        part = slice(top, top + rows)
        counts.add(classes[part], hectares[part])
        by_zone.add(top, classes[part], hectares[part])
    one, other, whole, far = by_zone.each_counts
    np.testing.assert_allclose(one.pixels + other.pixels, counts.pixels)
    np.testing.assert_array_equal(whole.pixels, counts.pixels)
    np.testing.assert_allclose(one.hectares + other.hectares, counts.hectares)
    strip = box(448_000, *(PLACE @ (0, 30))[1:], 449_000, *(PLACE @ (0, 20))[1:])
    assert one.pixels.sum() == pytest.approx(slanted.difference(strip).area / 100)
    assert far.pixels.sum() == 0
    assert counts.pixels.sum() == 9000
    assert sum(area.share for area in counts.areas(list("abcd"))) == pytest.approx(1.0)


def test_a_zone_counts_pixels_at_its_edge_by_the_share_that_is_inside() -> None:
    turned = PLACE @ Affine.rotation(30)
    zone = box(*PLACE @ (2.25, 7.5), *PLACE @ (8.5, 3.0))
    for place, width in ((PLACE, 20), (turned, 20)):
        by_zone = CountsByZone([Zone("cut", zone)], 1, place)
        for top in (0, 5):
            by_zone.add(top, np.zeros((5, width), dtype=np.uint8), np.full((5, width), 0.01))
        if place is PLACE:
            assert by_zone.each_counts[0].pixels[0] == pytest.approx(6.25 * 4.5)
            assert by_zone.each_counts[0].hectares[0] == pytest.approx(6.25 * 4.5 * 0.01)
        frame = Polygon([place @ corner for corner in ((0, 0), (20, 0), (20, 10), (0, 10))])
        assert by_zone.each_counts[0].pixels[0] == pytest.approx(frame.intersection(zone).area / 100)


def test_a_shapefile_comes_in_one_zip(tmp_path: Path) -> None:
    zones_file(tmp_path / "parcels.shp")
    with zipfile.ZipFile(tmp_path / "parcels.zip", "w") as archive:
        for part in sorted(tmp_path.glob("parcels.*")):
            if part.suffix != ".zip":
                archive.write(part, f"export/{part.name}")
    zones = read_zones(tmp_path / "parcels.zip", UTM)
    assert [(zone.id, zone.name) for zone in zones] == [(1, "west"), (2, "east")]
    assert zones[0].geometry.equals(WEST)


@pytest.mark.parametrize("files", [(), ("a.shp", "b.shp"), ("a.txt",), ("inner.zip",)])
def test_a_zip_that_does_not_hold_one_file_of_zones_is_refused(tmp_path: Path, files: tuple[str, ...]) -> None:
    zones_file(tmp_path / "a.shp")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("read.me", "nothing")
        for name in files:
            archive.writestr(name, (tmp_path / "a.shp").read_bytes())
    with pytest.raises(UnreadableFile) as caught:
        read_zones(tmp_path / "z.zip", UTM)
    assert "z.zip" in caught.value.message


def test_ids_are_those_of_the_file_or_the_place_of_the_feature_in_it(tmp_path: Path) -> None:
    path = tmp_path / "z.gpkg"
    shapes = [WEST, Point(448_100, 5_410_100), EAST]
    for told, wanted in (([30, 7, 12], [30, 12]), ([7, 7, 8], [1, 3]), (["a", "b", "c"], [1, 3])):
        geopandas.GeoDataFrame({"ID": told}, geometry=shapes, crs="EPSG:32631").to_file(path)
        assert [zone.id for zone in read_zones(path, UTM)] == wanted
        path.unlink()


def test_a_plot_may_have_a_cut_off_date_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "z.geojson"
    geopandas.GeoDataFrame({"cutoff": ["2020-12-31", None]}, geometry=[WEST, EAST], crs="EPSG:32631").to_crs(4326).to_file(path)
    assert [zone.cutoff for zone in read_zones(path, UTM)] == [date(2020, 12, 31), None]
    path.write_text(path.read_text().replace("2020-12-31", "31.12.20"))
    with pytest.raises(UnreadableFile, match="is no date"):
        read_zones(path, UTM)


def test_a_zone_whose_ring_crosses_itself_is_mended(tmp_path: Path) -> None:
    bow = Polygon([(448_000, 5_410_000), (448_100, 5_410_100), (448_100, 5_410_000), (448_000, 5_410_100)])
    path = tmp_path / "z.gpkg"
    geopandas.GeoDataFrame(geometry=[bow], crs="EPSG:32631").to_file(path)
    (zone,) = read_zones(path, UTM)
    assert zone.geometry.is_valid
    assert zone.geometry.area == pytest.approx(5_000)


def test_a_share_is_of_area_and_not_of_pixels() -> None:
    counts = ZonalCounts(2)
    counts.add(np.array([0, 0, 1, 255]), np.array([1.0, 1.0, 6.0, 50.0]))
    assert [(area.pixels, area.share) for area in counts.areas(("sea", "land"))] == [(2, 0.25), (1, 0.75)]
