"""A map tells its areas: by class, by polygon, in zones, on every grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyproj
import pytest
import rasterio
import rasterio.mask
from rasterio.transform import Affine
from shapely.geometry import box

from core.errors import InputError
from core.inference.engine import Engine
from core.types import LandCoverMap
from core.workflows.scene_map import map_scene
from tests.unit.workflows.land import FILES, PLACE, ground, names, read, scene_of, table

ELLIPSOID = pyproj.Geod(ellps="WGS84")


def test_table_polygons_raster_and_value_tell_the_same_areas(mapped: LandCoverMap) -> None:
    counts = np.bincount(read(mapped.landcover).ravel(), minlength=256)
    rows = table(mapped.landcover.parent / "areas.csv")
    assert [row["class"] for row in rows] == list(mapped.labels)
    assert [int(row["pixels"]) for row in rows] == [area.pixels for area in mapped.areas] == counts[:10].tolist()
    assert sum(float(row["share"]) for row in rows) == pytest.approx(1.0)
    frame = geopandas.read_file(mapped.classes, layer="classes")
    assert list(frame.columns) == ["class", "hectares", "geometry"]
    by_class = frame.groupby("class").hectares.sum()
    for area in mapped.areas:
        assert by_class.get(area.label, 0.0) == pytest.approx(area.hectares)
    np.testing.assert_allclose(frame.area / 10_000, frame.hectares, rtol=1e-3)  # a metre of UTM is a metre to 0.04 %


GRIDS: dict[str, dict[str, Any]] = {
    "degrees at 60 N": {"crs": "EPSG:4326", "transform": Affine(1.8e-4, 0, 25, 0, -9e-5, 60.2)},
    "Web Mercator at 60 N": {"crs": "EPSG:3857", "transform": Affine(20, 0, 2_783_000, 0, -20, 8_443_000)},
    "south-up": {"transform": Affine(10, 0, 448_000, 0, 10, 5_400_000)},
    "rotated": {"transform": PLACE @ Affine.rotation(30)},
    "oblong pixels of another size": {"transform": Affine(6, 0, 448_000, 0, -15, 5_411_000)},
}


@pytest.mark.parametrize("name", GRIDS)
def test_the_areas_sum_to_the_ground_on_any_grid(tmp_path: Path, land_engine: Engine, name: str) -> None:
    pixels = np.maximum(ground(100, 90), 1)
    scene = scene_of(tmp_path / "s.tif", pixels, **GRIDS[name])
    made = map_scene(scene, land_engine, tmp_path / "out")
    corners = [scene.transform @ corner for corner in ((0, 0), (90, 0), (90, 100), (0, 100))]
    longitude, latitude = pyproj.Transformer.from_crs(scene.crs, 4326, always_xy=True).transform(*zip(*corners, strict=True))
    wanted = abs(ELLIPSOID.polygon_area_perimeter(longitude, latitude)[0]) / 10_000
    assert sum(area.hectares for area in made.areas) == pytest.approx(wanted, rel=1e-4)
    assert made.valid_pixels == 9000
    with rasterio.open(made.landcover) as raster:
        assert raster.transform.almost_equals(scene.transform)


def test_in_another_crs_the_areas_stay(tmp_path: Path, land_engine: Engine, mapped: LandCoverMap) -> None:
    made = map_scene(mapped.scene, land_engine, tmp_path / "out", crs="EPSG:3857")
    assert names(tmp_path / "out") == FILES
    for path in (made.landcover, made.confidence, made.outside):
        with rasterio.open(path) as raster:
            assert raster.crs.to_epsg() == 3857
    assert geopandas.read_file(made.classes, layer="classes").crs.to_epsg() == 3857
    total = sum(area.hectares for area in mapped.areas)
    for here, there in zip(mapped.areas, made.areas, strict=True):
        assert there.hectares == pytest.approx(here.hectares, rel=0.01, abs=total * 1e-3)
    assert made.valid_pixels == (read(made.landcover) != 255).sum()


def test_zones_that_part_the_scene_sum_to_its_areas(tmp_path: Path, land_engine: Engine, mapped: LandCoverMap) -> None:
    west, east = box(447_000, 5_400_000, 448_655, 5_420_000), box(448_655, 5_400_000, 460_000, 5_420_000)
    path = tmp_path / "zones.geojson"
    geopandas.GeoDataFrame({"name": ["west", "east"]}, geometry=[west, east], crs="EPSG:32631").to_crs(4326).to_file(path)
    made = map_scene(mapped.scene, land_engine, tmp_path / "out", zones=path)
    assert made.areas == mapped.areas
    rows = table(tmp_path / "out" / "zones.csv")
    assert list(rows[0]) == ["id", "zone", "class", "pixels", "hectares", "share"]
    for area in mapped.areas:
        assert sum(float(row["pixels"]) for row in rows if row["class"] == area.label) == pytest.approx(area.pixels, abs=1.0)
    assert {(row["id"], row["zone"]) for row in rows} == {("1", "west"), ("2", "east")}
    outlines = geopandas.read_file(tmp_path / "out" / "zones.gpkg", layer="zones")
    assert list(outlines.id) == [1, 2]
    for zone in outlines.itertuples():
        mine = {row["class"]: float(row["hectares"]) for row in rows if row["zone"] == zone.zone}
        assert zone._asdict()["_5"] == max(mine, key=lambda label: mine[label])  # "class" is a word of Python
        assert zone.hectares * zone.seen_share == pytest.approx(sum(mine.values()))
    assert outlines.area.sum() / 10_000 == pytest.approx(outlines.hectares.sum(), rel=1e-3)


def test_a_clipped_map_ends_at_its_zones_and_says_the_same_of_them(tmp_path: Path, land_engine: Engine, mapped: LandCoverMap) -> None:
    zone = box(448_313, 5_409_804, 448_722, 5_410_507)
    path = tmp_path / "zone.gpkg"
    geopandas.GeoDataFrame({"name": ["field"]}, geometry=[zone], crs="EPSG:32631").to_file(path)
    whole = map_scene(mapped.scene, land_engine, tmp_path / "whole", zones=path)
    cut = map_scene(mapped.scene, land_engine, tmp_path / "cut", zones=path, clip=True)
    assert (tmp_path / "cut" / "zones.csv").read_text() == (tmp_path / "whole" / "zones.csv").read_text()
    with rasterio.open(whole.landcover) as raster, rasterio.open(cut.landcover) as part:
        pixels, transform = rasterio.mask.mask(raster, [zone], crop=True)  # GDAL's own rule: the centre decides
        assert part.transform.almost_equals(transform)
        np.testing.assert_array_equal(part.read(), pixels)
        assert part.colormap(1) == raster.colormap(1)
    assert cut.uncertainty is not None
    with rasterio.open(cut.uncertainty) as raster:
        assert raster.descriptions == ("entropy", "margin", "outside", "unstable")
        assert (raster.width, raster.height) == pixels.shape[:0:-1]
        np.testing.assert_array_equal(np.isnan(raster.read(1)), pixels[0] == 255)
    assert cut.valid_pixels == (pixels != 255).sum() == sum(area.pixels for area in cut.areas)
    assert geopandas.read_file(cut.classes, layer="classes").total_bounds[0] >= 448_310


def test_clipping_needs_zones_that_lie_on_the_scene(tmp_path: Path, land_engine: Engine, mapped: LandCoverMap) -> None:
    with pytest.raises(InputError, match="none were given"):
        map_scene(mapped.scene, land_engine, tmp_path / "out", clip=True)
    geopandas.GeoDataFrame(geometry=[box(0, 0, 1, 1)], crs="EPSG:4326").to_file(tmp_path / "far.gpkg")
    with pytest.raises(InputError, match="No zone lies on the scene"):
        map_scene(mapped.scene, land_engine, tmp_path / "out", zones=tmp_path / "far.gpkg", clip=True)
    assert not (tmp_path / "out").exists()


def test_polygons_below_the_least_area_are_not_listed_but_in_the_areas(tmp_path: Path, land_engine: Engine, mapped: LandCoverMap) -> None:
    made = map_scene(mapped.scene, land_engine, tmp_path / "out", min_area_hectares=2.0)
    kept = geopandas.read_file(made.classes, layer="classes").hectares
    all_of_them = geopandas.read_file(mapped.classes, layer="classes").hectares
    assert sorted(kept) == pytest.approx(sorted(size for size in all_of_them if size >= 2.0))
    assert 0 < len(kept) < len(all_of_them)
    assert made.areas == mapped.areas
