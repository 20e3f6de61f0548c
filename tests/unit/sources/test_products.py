"""Products as they come: folders, zips and tars of Sentinel-2 and Landsat become scenes in reflectance, by their metadata alone."""

from __future__ import annotations

import io
import math
import tarfile
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from core.cli.sources import scene_of
from core.errors import InputError, SightlineError, TooLarge, UnreadableFile, UnsafeFile
from core.prepare.grid.bands import read_window, resolve_bands
from core.prepare.grid.reflectance import value_doubts
from core.readers import SceneOptions
from core.readers.archive import members
from core.sources.scenes import group_scenes, read_again
from core.types import CloudKind, ScaleState, Scene
from tests.unit.readers.scenes.product_files import LANDSAT, NAMES, SIDE, numbers, tarred, write_eopf, write_landsat, write_safe, zipped


def opened(path: Path, tmp_path: Path, options: SceneOptions | None = None) -> Scene:
    return scene_of(str(path), options or SceneOptions(), tmp_path / "work")


@pytest.mark.parametrize("level", ["L1C", "L2A"])
@pytest.mark.parametrize("as_it_comes", [lambda safe: safe, zipped, lambda safe: safe.parent])
def test_a_safe_is_one_scene_in_reflectance(tmp_path: Path, level: str, as_it_comes: object) -> None:
    scene = opened(as_it_comes(write_safe(tmp_path / "in", level)), tmp_path)  # type: ignore[operator]
    assert scene.when == "2024-06-07"
    assert (scene.width, scene.height, scene.crs and scene.crs.to_epsg()) == (SIDE, SIDE, 32632)
    assert [band.name for band in scene.bands] == [name for name in NAMES if name != "B10"]
    product = scene.product
    assert product is not None
    assert (product.sensor, product.level, product.baseline) == ("Sentinel-2A MSI", level, "05.09")
    assert (product.scale.state, product.offset.state) == (ScaleState.NEEDED, ScaleState.NEEDED)
    bands, assumed = resolve_bands(scene, ["red", "near infrared"])
    assert assumed == ()
    values, valid = read_window(scene, bands, (0, 0, SIDE, SIDE))
    digital = numbers("B04", 10, 1000)
    assert_array_equal(valid, digital > 0)
    assert_allclose(values[0][valid], digital[valid] * 1e-4 - 0.1, atol=1e-6)


def test_bands_come_at_their_own_resolution_and_masks_are_no_bands(tmp_path: Path) -> None:
    scene = opened(write_safe(tmp_path / "in"), tmp_path)
    files = {band.name: band.file.name for band in scene.bands}
    assert (files["B02"][-8:], files["B11"][-8:], files["B01"][-8:]) == ("_10m.jp2", "_20m.jp2", "_60m.jp2")
    assert not any("MSK" in name for name in files.values())
    assert scene.clouds is not None and scene.clouds.kind is CloudKind.SCL


def test_before_baseline_04_nothing_was_added(tmp_path: Path) -> None:
    scene = opened(write_safe(tmp_path / "in", "L1C", "03.01", None), tmp_path)
    assert scene.product is not None
    assert (scene.product.offset.state, scene.bands[3].offset) == (ScaleState.APPLIED, 0.0)
    assert value_doubts(scene) == ()


def test_an_offset_that_should_be_told_and_is_not_is_asked_for(tmp_path: Path) -> None:
    safe = write_safe(tmp_path / "in", "L2A", "05.09", None)
    scene = opened(safe, tmp_path)
    assert scene.product is not None and scene.product.offset.state is ScaleState.UNKNOWN
    assert [doubt.code for doubt in value_doubts(scene)] == ["product.offset-missing"]
    told = opened(safe, tmp_path, SceneOptions(offset=-0.1))
    assert value_doubts(told) == ()
    assert {band.offset for band in told.bands} == {-0.1}


def test_a_heap_of_products_becomes_a_scene_each_in_the_order_of_their_dates(tmp_path: Path) -> None:
    safe, landsat = write_safe(tmp_path / "in"), write_landsat(tmp_path / "in" / "landsat")
    groups, refused = group_scenes([zipped(safe), landsat], tmp_path / "work", lambda done, total: None)
    assert refused == ()
    assert [group.scene.when for group in groups] == ["2020-07-13", "2024-06-07"]
    again = read_again(groups[1], SceneOptions(scale=0.0002))
    assert again.scene.product is not None and again.scene.product.level == "L2A"
    assert {band.scale for band in again.scene.bands} == {0.0002}


def test_two_products_are_no_scene(tmp_path: Path) -> None:
    write_safe(tmp_path / "in", "L1C")
    write_safe(tmp_path / "in", "L2A")
    with pytest.raises(InputError, match="holds 2 products"):
        opened(tmp_path / "in", tmp_path)


@pytest.mark.parametrize("metadata", ["json", "txt", "xml"])
def test_landsat_is_scaled_as_its_metadata_say(tmp_path: Path, metadata: str) -> None:
    scene = opened(write_landsat(tmp_path / "in", metadata), tmp_path)
    assert (scene.name, scene.when) == (LANDSAT, "2020-07-13")
    assert scene.product is not None and (scene.product.sensor, scene.product.level) == ("Landsat 8 OLI", "L2SP")
    assert [band.common_name for band in scene.bands][3:5] == ["red", "near infrared"]
    assert {(band.scale, band.offset) for band in scene.bands} == {(2.75e-05, -0.2)}
    assert scene.clouds is not None and scene.clouds.kind is CloudKind.QA


def test_level_1_of_landsat_is_corrected_for_the_height_of_the_sun(tmp_path: Path) -> None:
    folder = write_landsat(tmp_path / "in", PRODUCT_CONTENTS={"PROCESSING_LEVEL": "L1TP"})
    scene = opened(folder, tmp_path)
    sine = math.sin(math.radians(48.5))
    assert scene.bands[0].scale == pytest.approx(2e-5 / sine)
    assert scene.bands[0].offset == pytest.approx(-0.1 / sine)


def test_a_tar_of_landsat_is_read_as_its_folder_is(tmp_path: Path) -> None:
    folder = write_landsat(tmp_path / "in")
    from_tar, from_folder = opened(tarred(folder), tmp_path), opened(folder, tmp_path)
    assert (from_tar.sha256, from_tar.name, from_tar.product) == (from_folder.sha256, from_folder.name, from_folder.product)


def test_metadata_alone_take_nothing_with_them(tmp_path: Path) -> None:
    safe = write_safe(tmp_path / "in")
    folder = write_landsat(tmp_path / "loose")
    (folder / f"{LANDSAT}_MTL.json").unlink()
    (safe / "MTD_MSIL2A.xml").rename(folder / "MTD_MSIL2A.xml")
    groups, refused = group_scenes([folder], tmp_path / "work", lambda done, total: None)
    assert len(groups) == 1 and len(groups[0].paths) == 7
    assert any(each.label == "MTD_MSIL2A.xml" for each in refused)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", UnreadableFile),
        ("<a><b></a>", UnreadableFile),
        ("<a/>", UnreadableFile),
        (" " * 20_000_001, TooLarge),
    ],
)
def test_metadata_that_are_none_are_refused(tmp_path: Path, text: str, error: type[SightlineError]) -> None:
    safe = write_safe(tmp_path / "in")
    (safe / "MTD_MSIL2A.xml").write_text(text)
    with pytest.raises(error, match=r"MTD_MSIL2A\.xml"):
        opened(safe, tmp_path)


def tar_of(path: Path, *entries: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w") as made:
        for info, content in entries:
            info.size = len(content)
            made.addfile(info, io.BytesIO(content))
    return path


def link(name: str, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


@pytest.mark.parametrize("entry", [tarfile.TarInfo("../away.tif"), tarfile.TarInfo("/etc/away.tif"), link("a.tif", "/etc/passwd")])
def test_a_tar_that_reaches_outside_its_folder_is_refused(tmp_path: Path, entry: tarfile.TarInfo) -> None:
    archive = tar_of(tmp_path / "a.tar", (tarfile.TarInfo("b.tif"), b"II*\0"), (entry, b""))
    with pytest.raises(UnsafeFile):
        list(members(archive, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_tar_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    archive = tarred(write_landsat(tmp_path / "in"))
    archive.write_bytes(archive.read_bytes()[:5000])
    with pytest.raises(SightlineError):
        opened(archive, tmp_path)


def test_a_jpeg_2000_is_sampled_where_it_is_large(tmp_path: Path) -> None:
    from core.readers import read_scene
    from tests.unit.readers.scenes.product_files import write_jp2

    pixels = np.random.default_rng(0).integers(500, 3000, (1200, 1300)).astype(np.uint16)
    scene = read_scene([write_jp2(tmp_path / "T32TLQ_20240607T102559_B04.jp2", pixels, 10)])
    assert scene.bands[0].common_name == "red"
    assert scene.bands[0].values is not None and 500 <= scene.bands[0].values.low < scene.bands[0].values.high <= 3000


def test_a_zarr_store_is_one_scene_with_the_coordinate_system_of_its_metadata(tmp_path: Path) -> None:
    store = write_eopf(tmp_path / "in")
    scene = opened(store, tmp_path)
    assert (scene.width, scene.crs and scene.crs.to_epsg(), scene.when, scene.name) == (SIDE, 32632, "2024-06-07", store.stem)
    assert scene.product is not None
    assert (scene.product.sensor, scene.product.level, scene.product.baseline) == ("Sentinel-2B MSI", "L2A", "05.11")
    assert scene.clouds is not None and scene.clouds.kind is CloudKind.SCL
    bands, assumed = resolve_bands(scene, ["red", "short-wave infrared 1"])
    assert assumed == ()
    values, valid = read_window(scene, bands, (0, 0, SIDE, SIDE))
    digital = numbers("B04", 10, 1000)
    assert_array_equal(valid, digital > 0)
    assert_allclose(values[0][valid], digital[valid] * 1e-4 - 0.1, atol=1e-6)
    assert opened(store.parent, tmp_path).sha256 == scene.sha256
    groups, refused = group_scenes([store.parent], tmp_path / "work", lambda done, total: None)
    assert refused == () and groups[0].scene == scene


def test_clouds_of_a_zarr_store_hold_no_data(tmp_path: Path) -> None:
    classes = np.full((SIDE // 2, SIDE // 2), 4, np.uint8)
    classes[40:50, 40:50] = 9
    scene = opened(write_eopf(tmp_path / "in", scl=classes), tmp_path)
    _, valid = read_window(scene, resolve_bands(scene, ["red"])[0], (0, 0, SIDE, SIDE))
    assert not valid[80:100, 80:100].any() and valid[100:].all()


def test_a_zarr_store_whose_arrays_tell_no_scale_is_asked_about(tmp_path: Path) -> None:
    scene = opened(write_eopf(tmp_path / "in", None), tmp_path)
    assert [doubt.code for doubt in value_doubts(scene)] == ["product.offset-missing"]


def test_a_store_of_something_else_is_refused(tmp_path: Path) -> None:
    store = write_eopf(tmp_path / "in")
    (store / "measurements").rename(store / "other")
    with pytest.raises(UnreadableFile, match="measurements/reflectance"):
        opened(store, tmp_path)
