"""Which files are one scene: one rule for the page and for the command line."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from rasterio.transform import from_origin

from core.cli.sources import scene_of
from core.errors import InputError
from core.prepare.grid.bands import read_window, resolve_bands
from core.readers import SceneOptions, read_scene
from core.sources.scenes import SceneFiles, group_scenes
from core.types import CloudKind, Notice, Scene
from tests.unit.readers.scenes.geotiff_files import constant, write_geotiff

SIDE = 40
DAYS = ("2019-06-08", "2021-06-12")


def groups_of(*paths: Path) -> tuple[list[SceneFiles], set[str]]:
    """The scenes of the page, and the files that are none."""
    groups, refused = group_scenes(paths, paths[0].parent / "unpacked", lambda done, total: None)
    return list(groups), {each.label for each in refused}


def of_command_line(folder: Path) -> Scene:
    return scene_of(str(folder), SceneOptions(), folder.parent / "unpacked")


def raw_export(folder: Path, day: str, band: str, dtype: str = "uint16", top: float = 65_535) -> Path:
    """As EO Browser writes a raw band: the band, and a second one without a name that is 0 or the maximum."""
    values = np.random.default_rng(0).uniform(0.02, 0.2, (SIDE, SIDE)) * (10_000 if dtype == "uint16" else 1)
    mask = np.full((SIDE, SIDE), top)
    mask[:, : SIDE // 4] = 0
    name = f"{day}-00_00_{day}-23_59_Sentinel-2_L2A_{band}_(Raw).tiff"
    return write_geotiff(folder / name, np.stack([values * (mask > 0), mask]).astype(dtype), photometric="MINISBLACK")


@pytest.mark.parametrize(("dtype", "top"), [("uint16", 65_535), ("float32", 1)])
def test_raw_exports_of_eo_browser_are_one_scene_a_date_with_their_mask(tmp_path: Path, dtype: str, top: float) -> None:
    for day in DAYS:
        for band in ("B02", "B03", "B04", "B08"):
            raw_export(tmp_path / "all", day, band, dtype, top)
            raw_export(tmp_path / day, day, band, dtype, top)
    groups, refused = groups_of(tmp_path / "all")
    assert [(group.scene.when, len(group.scene.bands)) for group in groups] == [(day, 4) for day in DAYS]
    assert refused == set()
    scene = of_command_line(tmp_path / DAYS[0])
    assert [band.name for band in scene.bands] == ["B02", "B03", "B04", "B08"]
    for each in (scene, groups[0].scene):
        _, valid = read_window(each, resolve_bands(each, ("red", "green", "blue"))[0], (0, 0, SIDE, SIDE))
        assert not valid[:, : SIDE // 4].any()
        assert valid[:, SIDE // 4 :].all()


def test_a_last_band_of_0_and_the_maximum_is_a_mask_of_a_picture_too_and_an_ordinary_band_is_none(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (4, SIDE, SIDE)).astype(np.uint8)
    assert len(read_scene([write_geotiff(tmp_path / "a.tif", picture, photometric="MINISBLACK")]).bands) == 4
    picture[3] = np.where(picture[3] > 100, 255, 0)
    assert len(read_scene([write_geotiff(tmp_path / "b.tif", picture, photometric="MINISBLACK")]).bands) == 3
    layers = np.where(picture > 100, 1, 0).astype(np.uint8)
    assert len(read_scene([write_geotiff(tmp_path / "c.tif", layers, photometric="MINISBLACK")]).bands) == 4


@pytest.mark.parametrize("day", ["20190608", ""])
def test_different_bands_of_one_date_and_place_are_joined_on_the_page_as_on_the_command_line(tmp_path: Path, day: str) -> None:
    for colour in ("red", "green", "blue"):
        write_geotiff(tmp_path / "one" / f"{day}{colour}.tif", constant(1, SIDE, SIDE), descriptions=(colour,))
    (group,), _ = groups_of(tmp_path / "one")
    assert [band.common_name for band in group.scene.bands] == [band.common_name for band in of_command_line(tmp_path / "one").bands]
    assert len(group.scene.bands) == 3


def test_two_places_of_one_date_and_two_pictures_of_one_place_stay_apart(tmp_path: Path) -> None:
    beside = from_origin(600_000.0, 5_000_000.0, 10.0, 10.0)
    write_geotiff(tmp_path / "20190608_a.tif", constant(1, SIDE, SIDE), descriptions=("red",))
    write_geotiff(tmp_path / "20190608_b.tif", constant(1, SIDE, SIDE), descriptions=("green",), transform=beside)
    assert len(groups_of(tmp_path)[0]) == 2
    write_geotiff(tmp_path / "x" / "20190608_a.tif", constant(3, SIDE, SIDE))
    write_geotiff(tmp_path / "x" / "20190608_b.tif", constant(3, SIDE, SIDE))
    assert len(groups_of(tmp_path / "x")[0]) == 2


def test_a_mask_of_0_and_1_is_no_scene_and_a_quality_layer_tells_the_clouds(tmp_path: Path) -> None:
    day = tmp_path / "day"
    for band in ("B02", "B03", "B04"):
        write_geotiff(day / f"T31UDQ_20171107T105229_{band}.tif", np.full((1, SIDE, SIDE), 700, np.uint16))
    write_geotiff(day / "burned.tif", np.arange(SIDE * SIDE, dtype=np.uint8).reshape(1, SIDE, SIDE) % 2)
    write_geotiff(day / "T31UDQ_20171107T105229_SCL_20m.tif", np.arange(SIDE * SIDE, dtype=np.uint8).reshape(1, SIDE, SIDE) % 12)
    (group,), refused = groups_of(day)
    assert refused == {"burned.tif", "T31UDQ_20171107T105229_SCL_20m.tif"}
    assert len(group.scene.bands) == 3
    assert group.scene.clouds is not None and group.scene.clouds.kind == CloudKind.SCL
    scene = of_command_line(day)
    assert len(scene.bands) == 3
    left_out = next(one for one in scene.assumptions if isinstance(one, Notice) and one.code == "scene.masks-left-out")
    assert left_out["files"] == ("burned.tif",)
    assert scene.clouds is not None and scene.clouds.kind == CloudKind.SCL


def test_a_mask_that_is_named_alone_is_called_what_it_is_unless_the_user_knows_better(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "burned.tif", np.arange(64, dtype=np.uint8).reshape(1, 8, 8) % 2)
    with pytest.raises(InputError, match=r"burned\.tif is a mask or a quality layer"):
        scene_of(str(path), SceneOptions(), tmp_path)
    assert len(scene_of(str(path), SceneOptions(bands=("red",)), tmp_path).bands) == 1


def test_years_in_names_of_files_and_folders_order_the_scenes(tmp_path: Path) -> None:
    for year in (2020, 1985, 2005):
        write_geotiff(tmp_path / "years" / f"{year}.tif", constant(3, SIDE, SIDE))
        write_geotiff(tmp_path / "folders" / str(year) / "scene.tif", constant(3, SIDE, SIDE))
    with zipfile.ZipFile(tmp_path / "folders.zip", "w") as archive:
        for file in (tmp_path / "folders").rglob("*.tif"):
            archive.write(file, file.relative_to(tmp_path / "folders"))
    for path in (tmp_path / "years", tmp_path / "folders", tmp_path / "folders.zip"):
        assert [group.scene.when for group in groups_of(path)[0]] == ["1985", "2005", "2020"], path


def test_a_folder_of_several_years_is_no_scene(tmp_path: Path) -> None:
    for year, colour in ((1985, "red"), (1990, "green")):
        write_geotiff(tmp_path / "years" / f"{year}.tif", constant(1, SIDE, SIDE), descriptions=(colour,))
    with pytest.raises(InputError, match=r"1985\.tif \(1985\) and 1990\.tif \(1990\)"):
        of_command_line(tmp_path / "years")


def test_a_damaged_file_of_a_folder_is_not_left_out_in_silence(tmp_path: Path) -> None:
    good = write_geotiff(tmp_path / "day" / "red.tif", constant(1, SIDE, SIDE), descriptions=("red",))
    (tmp_path / "day" / "green.tif").write_bytes(good.read_bytes()[:400])
    with pytest.raises(InputError, match=r"green\.tif"):
        of_command_line(tmp_path / "day")
