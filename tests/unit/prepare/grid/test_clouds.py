"""Clouds: what a product or the user tells of them makes pixels hold no data on that date, and how much is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from rasterio.transform import Affine

from core.cli.sources import scene_of
from core.errors import NoOverlap, NotFound, OutOfRange
from core.prepare.grid.bands import read_window, resolve_bands
from core.prepare.grid.clouds import cloud_notice, cloud_share, is_cloud
from core.readers import SceneOptions, read_scene
from core.report.notices import say
from core.sources.scenes import group_scenes
from core.types import CloudKind, Mask, Scene
from tests.unit.readers.scenes.geotiff_files import GRID, write_geotiff
from tests.unit.readers.scenes.product_files import SIDE, write_landsat, write_safe

SIZE = (40, 50)


def valid_in(scene: Scene) -> Mask:
    bands, _ = resolve_bands(scene, ["red"])
    return read_window(scene, bands, (0, 0, scene.width, scene.height))[1]


@pytest.mark.parametrize(
    ("kind", "values", "clouded"),
    [
        (CloudKind.SCL, range(12), [3, 8, 9, 10]),
        (CloudKind.QA, [1, 21824, 21952, 22280, 23888, 54596, 21762], [22280, 23888, 54596, 21762]),
        (CloudKind.OWN, [0, 1, 255], [1, 255]),
    ],
)
def test_what_counts_as_cloud_is_as_the_products_define_it(kind: CloudKind, values: list[int], clouded: list[int]) -> None:
    given = np.array(list(values), np.uint16)
    assert given[is_cloud(kind, given)].tolist() == clouded


def test_scl_of_a_safe_makes_its_clouds_no_data_on_the_finer_grid(tmp_path: Path) -> None:
    classes = np.full((SIDE // 2, SIDE // 2), 4, np.uint8)
    classes[30:40, 30:45] = 9
    classes[50:, :] = 0
    scene = scene_of(str(write_safe(tmp_path / "in", scl=classes)), SceneOptions(), tmp_path / "work")
    clear = scene_of(str(tmp_path / "in"), SceneOptions(clouds="none"), tmp_path / "work")
    lost = valid_in(clear) & ~valid_in(scene)
    expected = np.zeros((SIDE, SIDE), bool)
    expected[60:80, 60:90] = True
    assert_array_equal(lost, expected)
    assert cloud_share(scene) == pytest.approx(150 / (50 * 60))
    assert say(cloud_notice(scene)) == "Masked as cloud or its shadow by the scene classification (SCL): 5.0 %."
    assert say(cloud_notice(clear)).startswith("Clouds not masked")


def test_qa_pixel_of_landsat_masks_cloud_and_shadow(tmp_path: Path) -> None:
    qa = np.full((40, 40), 21824, np.uint16)
    qa[:10] = 22280
    scene = scene_of(str(write_landsat(tmp_path / "in", qa=qa)), SceneOptions(), tmp_path / "work")
    assert_array_equal(valid_in(scene), qa == 21824)
    assert cloud_share(scene) == 0.25


def one_date(folder: Path) -> Path:
    pixels = np.random.default_rng(0).integers(300, 900, (3, *SIZE)).astype(np.uint16)
    return write_geotiff(folder / "scene_20200601.tif", pixels, descriptions=("B04", "B03", "B02"))


def test_a_mask_of_ones_own_may_lie_on_another_grid(tmp_path: Path) -> None:
    cloud = np.zeros((1, 20, 10), np.uint8)
    cloud[0, :10, :5] = 1
    mask = write_geotiff(tmp_path / "clouds.tif", cloud, transform=GRID @ Affine.scale(2))
    scene = read_scene([one_date(tmp_path)], SceneOptions(clouds=str(mask)))
    expected = np.ones(SIZE, bool)
    expected[:20, :10] = False  # and nothing beyond the mask is cloud
    assert_array_equal(valid_in(scene), expected)


def test_a_quality_layer_beside_a_scene_tells_its_clouds(tmp_path: Path) -> None:
    one_date(tmp_path / "in")
    classes = np.full((1, *SIZE), 4, np.uint8)
    classes[0, 5] = 8
    write_geotiff(tmp_path / "in" / "scene_20200601_SCL.tif", classes)
    scene = scene_of(str(tmp_path / "in"), SceneOptions(), tmp_path / "work")
    (group,), _ = group_scenes([tmp_path / "in"], tmp_path / "work", lambda done, total: None)
    for each in (scene, group.scene):
        assert each.clouds is not None and each.clouds.kind is CloudKind.SCL
        assert not valid_in(each)[5].any()
    assert not any(one.code == "scene.masks-left-out" for one in scene.assumptions)


def test_a_quality_layer_of_another_date_does_not(tmp_path: Path) -> None:
    one_date(tmp_path / "in")
    write_geotiff(tmp_path / "in" / "scene_20210601_SCL.tif", np.full((1, *SIZE), 8, np.uint8))
    assert scene_of(str(tmp_path / "in"), SceneOptions(), tmp_path / "work").clouds is None


def test_a_band_of_the_file_may_tell_them(tmp_path: Path) -> None:
    pixels = np.full((2, *SIZE), 800, np.uint16)
    pixels[1] = 21824
    pixels[1, 0] = 22280
    scene = read_scene([write_geotiff(tmp_path / "a.tif", pixels, descriptions=("SR_B4", "QA_PIXEL"))])
    assert scene.clouds is not None and (scene.clouds.kind, scene.clouds.index) == (CloudKind.QA, 2)


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    path = one_date(tmp_path)
    with pytest.raises(OutOfRange, match="nothing that tells clouds"):
        read_scene([path], SceneOptions(clouds="scl"))
    with pytest.raises(NotFound, match="--clouds"):
        read_scene([path], SceneOptions(clouds=str(tmp_path / "no.tif")))
    elsewhere = write_geotiff(tmp_path / "else.tif", np.ones((1, 5, 5), np.uint8), transform=GRID @ Affine.translation(500, 0))
    with pytest.raises(NoOverlap, match=r"else\.tif"):
        cloud_share(read_scene([path], SceneOptions(clouds=str(elsewhere))))
