"""From a GeoTIFF to a land-cover map: claims about what lies on the disk afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import rasterio
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from rasterio.transform import Affine
from rio_cogeo.cogeo import cog_validate

from core.errors import Cancelled, InputError, NoGrid, SightlineError
from core.inference.engine import Engine
from core.inference.runtimes import Runtime
from core.render.preview import Preview
from core.types import Domain, LandCoverMap
from core.workflows.scene_map import map_scene
from tests.tiny import LABELS
from tests.unit.workflows.land import FILES, PLACE, ground, names, read, scene_of


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


def test_another_cut_names_another_class_where_the_map_is_unstable_more_often_than_elsewhere(tmp_path: Path, land_engine: Engine) -> None:
    pixels = np.maximum(ground(200, 200), 1)
    made = map_scene(scene_of(tmp_path / "s.tif", pixels), land_engine, tmp_path / "here")
    moved = map_scene(scene_of(tmp_path / "m.tif", pixels, transform=PLACE @ Affine.translation(5, 3)), land_engine, tmp_path / "there")
    assert made.unstable is not None
    inside = np.s_[32:-32, 32:-32]
    differs = (read(made.landcover) != read(moved.landcover))[inside]
    is_unstable = (read(made.unstable) == 1)[inside]
    assert differs[~is_unstable].mean() < differs[is_unstable].mean() / 2


def test_polygons_outline_the_pixels_of_their_class(mapped: LandCoverMap) -> None:
    landcover = read(mapped.landcover)
    for label, polygons in geopandas.read_file(mapped.classes, layer="classes").groupby("class"):
        drawn = rasterio.features.rasterize(polygons.geometry, landcover.shape, transform=PLACE)
        np.testing.assert_array_equal(drawn == 1, landcover == mapped.labels.index(str(label)))


def test_a_scene_far_coarser_than_the_model_is_outside_and_mapped_all_the_same(tmp_path: Path, land_engine: Engine) -> None:
    made = map_scene(scene_of(tmp_path / "s.tif", transform=Affine(120, 0, 400_000, 0, -120, 5_411_000)), land_engine, tmp_path / "out")
    assert made.outside_share == 1.0
    assert made.assumptions[0].code == "scene.too-coarse" and made.assumptions[0]["metres"] == pytest.approx(120, rel=0.01)
    assert made.valid_pixels == (ground() > 0).any(axis=0).sum()


@pytest.mark.parametrize(("threshold", "share"), [(0.0, 1.0), (1e9, 0.0)])
def test_the_share_outside_counts_pixels_of_strange_tiles(tmp_path: Path, land_engine: Engine, threshold: float, share: float) -> None:
    assert land_engine.model.ood_detector is not None
    detector = replace(land_engine.model.ood_detector, threshold=threshold)
    strict = Engine(replace(land_engine.model, ood_detector=detector), Runtime())
    assert map_scene(scene_of(tmp_path / "s.tif", ground(64, 64)), strict, tmp_path / "out").outside_share == share


def test_a_model_without_an_ood_detector_still_makes_a_map(tmp_path: Path, land_engine: Engine) -> None:
    open_to_all = Engine(replace(land_engine.model, ood_detector=None, calibration=None), Runtime())
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
def test_any_kind_of_number_can_be_mapped(tmp_path: Path, land_engine: Engine, dtype: str) -> None:
    pixels = ground(70, 50)
    made = map_scene(scene_of(tmp_path / "s.tif", KINDS[dtype](pixels)), land_engine, tmp_path / "out")
    assert made.valid_pixels == (KINDS[dtype](pixels) > 0).any(axis=0).sum()


@pytest.mark.parametrize("size", [(1, 1), (4, 50), (37, 9)])
def test_a_tiny_scene_is_mapped(tmp_path: Path, land_engine: Engine, size: tuple[int, int]) -> None:
    made = map_scene(scene_of(tmp_path / "s.tif", np.full((3, *size), 900, np.uint16)), land_engine, tmp_path / "out")
    assert made.valid_pixels == size[0] * size[1]
    assert made.outside_share == (1.0 if min(size) < 16 else 0.0)


def test_a_scene_without_any_data_has_an_empty_map(tmp_path: Path, land_engine: Engine) -> None:
    made = map_scene(scene_of(tmp_path / "s.tif", np.zeros((3, 40, 40), np.uint16)), land_engine, tmp_path / "out")
    assert (made.valid_pixels, made.outside_share) == (0, 0.0)
    assert len(geopandas.read_file(made.classes, layer="classes")) == 0


@pytest.mark.parametrize("when", ["in the middle", "after the last tile"])
def test_cancelling_leaves_the_folder_as_it_was(tmp_path: Path, land_engine: Engine, when: str) -> None:
    told: list[int] = []

    def stop(done: int, total: int) -> None:
        told.append(done)
        if done >= total / 2 if when == "in the middle" else told.count(total) == 2:
            raise Cancelled("stopped")

    out = tmp_path / "out"
    out.mkdir()
    (out / "landcover.tif").write_text("an older map")
    with pytest.raises(Cancelled):
        map_scene(scene_of(tmp_path / "s.tif"), land_engine, out, progress=stop)
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
    tmp_path: Path, land_engine: Engine, options: dict[str, Any], error: type[SightlineError]
) -> None:
    told: list[int] = []
    with pytest.raises(error):
        map_scene(scene_of(tmp_path / "s.tif"), land_engine, tmp_path / "out", progress=lambda done, total: told.append(done), **options)
    assert told == []
    assert not (tmp_path / "out").exists()


def test_a_scene_without_a_coordinate_system_is_refused_with_what_to_do(tmp_path: Path, land_engine: Engine) -> None:
    with pytest.raises(NoGrid) as caught:
        map_scene(scene_of(tmp_path / "s.tif", crs=None), land_engine, tmp_path / "out")
    assert "s.tif has no coordinate system" in caught.value.message
    assert "gdal_edit" in caught.value.hint
    assert not (tmp_path / "out").exists()


def test_a_map_under_way_grows_from_the_top_and_ends_as_the_map_that_is_written(tmp_path: Path, land_engine: Engine) -> None:
    scene = scene_of(tmp_path / "scene.tif")
    preview, seen = Preview(scene.width, scene.height), []
    result = map_scene(scene, land_engine, tmp_path / "out", progress=lambda done, total: seen.append(preview.rows), preview=preview)
    assert seen == sorted(seen) and any(0 < rows < scene.height for rows in seen)
    assert_array_equal(preview.classes(), read(result.landcover))
