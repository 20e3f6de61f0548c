"""From a GeoTIFF to a land-cover map: claims about what lies on the disk afterwards."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyproj
import pytest
import rasterio
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from rasterio.transform import Affine
from rio_cogeo.cogeo import cog_validate
from shapely.geometry import box

from core.errors import Cancelled, InputError, NoGrid, SightlineError
from core.inference.engine import Engine
from core.inference.runtimes import Runtime
from core.readers import SceneOptions, read_scene
from core.render.preview import Preview
from core.types import Domain, LandCoverMap, Scene
from core.workflows.scene_map import map_scene
from models.registry import load_model
from tests.tiny import LABELS, write_tiny_model
from tests.unit.readers.scenes.geotiff_files import write_geotiff

FILES = [
    "areas.csv",
    "classes.gpkg",
    "confidence.tif",
    "landcover.qml",
    "landcover.tif",
    "landcover.tif.aux.xml",
    "outside.tif",
    "unstable.tif",
]
PLACE = Affine(10, 0, 448_000, 0, -10, 5_411_000)
ELLIPSOID = pyproj.Geod(ellps="WGS84")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A tiny random land-cover model: tiles of 32 x 32 pixels in tokens of 8."""
    return Engine(load_model(str(write_tiny_model(tmp_path_factory.mktemp("models") / "land", Domain.LAND_COVER, seed=2))), Runtime())


def ground(rows: int = 150, columns: int = 130) -> NDArray[np.uint16]:
    """[3, rows, columns]: fields of 40 pixels in different colours, with texture; a corner without data."""
    rng = np.random.default_rng(4)
    fields = rng.integers(100, 2700, (3, rows // 40 + 1, columns // 40 + 1)).repeat(40, axis=1).repeat(40, axis=2)[:, :rows, :columns]
    pixels = np.clip(fields + rng.normal(0, 60, fields.shape), 1, 4000).astype(np.uint16)
    pixels[:, : rows // 4, : columns // 3] = 0
    return pixels


def scene_of(path: Path, pixels: NDArray[Any] | None = None, **profile: Any) -> Scene:
    facts = {"descriptions": ("B04", "B03", "B02"), "nodata": 0, "transform": PLACE, **profile}
    return read_scene([write_geotiff(path, ground() if pixels is None else pixels, **facts)], SceneOptions(scale=1e-4, offset=0.0))


def read(path: Path) -> NDArray[Any]:
    with rasterio.open(path) as raster:
        return raster.read(1)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def names(folder: Path) -> list[str]:
    return sorted(made.name for made in folder.iterdir())


@pytest.fixture(scope="module")
def mapped(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> LandCoverMap:
    folder = tmp_path_factory.mktemp("mapped")
    return map_scene(scene_of(folder / "scene.tif"), engine, folder / "out")


def test_a_map_is_a_set_of_valid_cogs_on_the_grid_of_the_scene_with_tables_and_polygons(mapped: LandCoverMap) -> None:
    assert names(mapped.landcover.parent) == FILES
    for path, dtype in ((mapped.landcover, "uint8"), (mapped.confidence, "float32"), (mapped.outside, "float32")):
        assert cog_validate(path) == (True, [], [])
        with rasterio.open(path) as raster:
            assert (raster.crs, raster.transform, raster.shape) == (mapped.scene.crs, PLACE, (150, 130))
            assert raster.dtypes == (dtype,)


def test_there_is_no_class_no_confidence_and_no_area_without_data_and_none_is_blank_with_it(mapped: LandCoverMap) -> None:
    valid = (ground() > 0).any(axis=0)
    landcover, confidence, outside = read(mapped.landcover), read(mapped.confidence), read(mapped.outside)
    np.testing.assert_array_equal(landcover == 255, ~valid)
    assert landcover[valid].max() < len(LABELS[Domain.LAND_COVER])
    for scores in (confidence, outside):
        np.testing.assert_array_equal(np.isnan(scores), ~valid)
    assert 0.1 <= confidence[valid].min() <= confidence[valid].max() <= 1.0
    assert mapped.mean_confidence == pytest.approx(confidence[valid].mean(), abs=1e-3)
    assert mapped.valid_pixels == valid.sum()


def test_where_the_class_depends_on_the_tiles_is_told_for_every_valid_pixel(mapped: LandCoverMap) -> None:
    valid = (ground() > 0).any(axis=0)
    assert mapped.unstable is not None
    with rasterio.open(mapped.unstable) as raster:
        assert (raster.dtypes, raster.nodata, raster.descriptions) == (("uint8",), 255, ("unstable",))
        unstable = raster.read(1)
    np.testing.assert_array_equal(unstable == 255, ~valid)
    assert set(np.unique(unstable[valid])) == {0, 1}
    assert mapped.unstable_share == pytest.approx((unstable == 1).sum() / valid.sum())


def test_another_cut_names_another_class_where_the_map_is_unstable_more_often_than_elsewhere(tmp_path: Path, engine: Engine) -> None:
    pixels = np.maximum(ground(200, 200), 1)
    made = map_scene(scene_of(tmp_path / "s.tif", pixels), engine, tmp_path / "here")
    moved = map_scene(scene_of(tmp_path / "m.tif", pixels, transform=PLACE @ Affine.translation(5, 3)), engine, tmp_path / "there")
    assert made.unstable is not None
    inside = np.s_[32:-32, 32:-32]
    differs = (read(made.landcover) != read(moved.landcover))[inside]
    is_unstable = (read(made.unstable) == 1)[inside]
    assert differs[~is_unstable].mean() < differs[is_unstable].mean() / 2


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


def test_polygons_outline_the_pixels_of_their_class(mapped: LandCoverMap) -> None:
    landcover = read(mapped.landcover)
    for label, patches in geopandas.read_file(mapped.classes).groupby("class"):
        drawn = rasterio.features.rasterize(patches.geometry, landcover.shape, transform=PLACE)
        np.testing.assert_array_equal(drawn == 1, landcover == mapped.labels.index(str(label)))


GRIDS: dict[str, dict[str, Any]] = {
    "degrees at 60 N": {"crs": "EPSG:4326", "transform": Affine(1.8e-4, 0, 25, 0, -9e-5, 60.2)},
    "Web Mercator at 60 N": {"crs": "EPSG:3857", "transform": Affine(20, 0, 2_783_000, 0, -20, 8_443_000)},
    "south-up": {"transform": Affine(10, 0, 448_000, 0, 10, 5_400_000)},
    "rotated": {"transform": PLACE @ Affine.rotation(30)},
    "oblong pixels of another size": {"transform": Affine(6, 0, 448_000, 0, -15, 5_411_000)},
}


@pytest.mark.parametrize("name", GRIDS)
def test_the_areas_sum_to_the_ground_on_any_grid(tmp_path: Path, engine: Engine, name: str) -> None:
    pixels = np.maximum(ground(100, 90), 1)
    scene = scene_of(tmp_path / "s.tif", pixels, **GRIDS[name])
    made = map_scene(scene, engine, tmp_path / "out")
    corners = [scene.transform @ corner for corner in ((0, 0), (90, 0), (90, 100), (0, 100))]
    longitude, latitude = pyproj.Transformer.from_crs(scene.crs, 4326, always_xy=True).transform(*zip(*corners, strict=True))
    wanted = abs(ELLIPSOID.polygon_area_perimeter(longitude, latitude)[0]) / 10_000
    assert sum(area.hectares for area in made.areas) == pytest.approx(wanted, rel=1e-4)
    assert made.valid_pixels == 9000
    with rasterio.open(made.landcover) as raster:
        assert raster.transform.almost_equals(scene.transform)


def test_in_another_crs_the_areas_stay(tmp_path: Path, engine: Engine, mapped: LandCoverMap) -> None:
    made = map_scene(mapped.scene, engine, tmp_path / "out", crs="EPSG:3857")
    assert names(tmp_path / "out") == FILES
    for path in (made.landcover, made.confidence, made.outside):
        with rasterio.open(path) as raster:
            assert raster.crs.to_epsg() == 3857
    assert geopandas.read_file(made.classes).crs.to_epsg() == 3857
    total = sum(area.hectares for area in mapped.areas)
    for here, there in zip(mapped.areas, made.areas, strict=True):
        assert there.hectares == pytest.approx(here.hectares, rel=0.01, abs=total * 1e-3)
    assert made.valid_pixels == (read(made.landcover) != 255).sum()


def test_zones_that_part_the_scene_sum_to_its_areas(tmp_path: Path, engine: Engine, mapped: LandCoverMap) -> None:
    west, east = box(447_000, 5_400_000, 448_655, 5_420_000), box(448_655, 5_400_000, 460_000, 5_420_000)
    path = tmp_path / "zones.geojson"
    geopandas.GeoDataFrame({"name": ["west", "east"]}, geometry=[west, east], crs="EPSG:32631").to_crs(4326).to_file(path)
    made = map_scene(mapped.scene, engine, tmp_path / "out", zones=path)
    assert made.areas == mapped.areas
    rows = table(tmp_path / "out" / "zones.csv")
    assert list(rows[0]) == ["zone", "class", "pixels", "hectares", "share"]
    for area in mapped.areas:
        assert sum(int(row["pixels"]) for row in rows if row["class"] == area.label) == area.pixels
    assert {row["zone"] for row in rows} == {"west", "east"}


def test_patches_below_the_least_area_are_in_no_polygon_but_in_the_areas(tmp_path: Path, engine: Engine, mapped: LandCoverMap) -> None:
    made = map_scene(mapped.scene, engine, tmp_path / "out", min_area_hectares=2.0)
    kept = geopandas.read_file(made.classes).hectares
    all_of_them = geopandas.read_file(mapped.classes).hectares
    assert sorted(kept) == pytest.approx(sorted(size for size in all_of_them if size >= 2.0))
    assert 0 < len(kept) < len(all_of_them)
    assert made.areas == mapped.areas


def test_a_scene_far_coarser_than_the_model_is_outside_and_mapped_all_the_same(tmp_path: Path, engine: Engine) -> None:
    made = map_scene(scene_of(tmp_path / "s.tif", transform=Affine(250, 0, 400_000, 0, -250, 5_411_000)), engine, tmp_path / "out")
    assert made.outside_share == 1.0
    assert made.assumptions[0].code == "scene.too-coarse" and made.assumptions[0]["metres"] == pytest.approx(250, rel=0.01)
    assert made.valid_pixels == (ground() > 0).any(axis=0).sum()


@pytest.mark.parametrize(("threshold", "share"), [(0.0, 1.0), (1e9, 0.0)])
def test_the_share_outside_counts_pixels_of_strange_tiles(tmp_path: Path, engine: Engine, threshold: float, share: float) -> None:
    assert engine.model.ood_detector is not None
    detector = replace(engine.model.ood_detector, threshold=threshold)
    strict = Engine(replace(engine.model, ood_detector=detector), Runtime())
    assert map_scene(scene_of(tmp_path / "s.tif", ground(64, 64)), strict, tmp_path / "out").outside_share == share


def test_a_model_without_an_outside_gate_still_makes_a_map(tmp_path: Path, engine: Engine) -> None:
    open_to_all = Engine(replace(engine.model, ood_detector=None, calibration=None), Runtime())
    made = map_scene(scene_of(tmp_path / "s.tif", ground(64, 64)), open_to_all, tmp_path / "out")
    assert np.isnan(read(made.outside)).all()
    assert made.outside_share == 0.0


KINDS: dict[str, Callable[[NDArray[np.uint16]], NDArray[Any]]] = {
    "uint8": lambda pixels: (pixels // 16).astype(np.uint8),
    "int16": lambda pixels: pixels.astype(np.int16),
    "float32": lambda pixels: np.where(pixels > 0, pixels, np.nan).astype(np.float32),
    "float64": lambda pixels: pixels.astype(np.float64),
}


@pytest.mark.parametrize("dtype", KINDS)
def test_any_kind_of_number_can_be_mapped(tmp_path: Path, engine: Engine, dtype: str) -> None:
    pixels = ground(70, 50)
    made = map_scene(scene_of(tmp_path / "s.tif", KINDS[dtype](pixels)), engine, tmp_path / "out")
    assert made.valid_pixels == (KINDS[dtype](pixels) > 0).any(axis=0).sum()


@pytest.mark.parametrize("size", [(1, 1), (4, 50), (37, 9)])
def test_a_tiny_scene_is_mapped(tmp_path: Path, engine: Engine, size: tuple[int, int]) -> None:
    made = map_scene(scene_of(tmp_path / "s.tif", np.full((3, *size), 900, np.uint16)), engine, tmp_path / "out")
    assert made.valid_pixels == size[0] * size[1]
    assert made.outside_share == (1.0 if min(size) < 16 else 0.0)


def test_a_scene_without_any_data_has_an_empty_map(tmp_path: Path, engine: Engine) -> None:
    made = map_scene(scene_of(tmp_path / "s.tif", np.zeros((3, 40, 40), np.uint16)), engine, tmp_path / "out")
    assert (made.valid_pixels, made.outside_share) == (0, 0.0)
    assert len(geopandas.read_file(made.classes)) == 0


@pytest.mark.parametrize("when", ["in the middle", "after the last tile"])
def test_cancelling_leaves_the_folder_as_it_was(tmp_path: Path, engine: Engine, when: str) -> None:
    told: list[int] = []

    def stop(done: int, total: int) -> None:
        told.append(done)
        if done >= total / 2 if when == "in the middle" else told.count(total) == 2:
            raise Cancelled("stopped")

    out = tmp_path / "out"
    out.mkdir()
    (out / "landcover.tif").write_text("an older map")
    with pytest.raises(Cancelled):
        map_scene(scene_of(tmp_path / "s.tif"), engine, out, progress=stop)
    assert names(out) == ["landcover.tif"]
    assert (out / "landcover.tif").read_text() == "an older map"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"crs": "EPSG:0"}, InputError),
        ({"min_area_hectares": -1.0}, InputError),
        ({"zones": Path("missing.gpkg")}, InputError),
    ],
)
def test_options_that_cannot_be_used_are_refused_before_the_work(
    tmp_path: Path, engine: Engine, options: dict[str, Any], error: type[SightlineError]
) -> None:
    told: list[int] = []
    with pytest.raises(error):
        map_scene(scene_of(tmp_path / "s.tif"), engine, tmp_path / "out", progress=lambda done, total: told.append(done), **options)
    assert told == []
    assert not (tmp_path / "out").exists()


def test_a_scene_without_a_coordinate_system_is_refused_with_what_to_do(tmp_path: Path, engine: Engine) -> None:
    with pytest.raises(NoGrid) as caught:
        map_scene(scene_of(tmp_path / "s.tif", crs=None), engine, tmp_path / "out")
    assert "s.tif has no coordinate system" in caught.value.message
    assert "gdal_edit" in caught.value.hint
    assert not (tmp_path / "out").exists()


def test_a_map_under_way_grows_from_the_top_and_ends_as_the_map_that_is_written(tmp_path: Path, engine: Engine) -> None:
    scene = scene_of(tmp_path / "scene.tif")
    preview, seen = Preview(scene.width, scene.height), []
    result = map_scene(scene, engine, tmp_path / "out", progress=lambda done, total: seen.append(preview.rows), preview=preview)
    assert seen == sorted(seen) and any(0 < rows < scene.height for rows in seen)
    assert_array_equal(preview.classes(), read(result.landcover))
