"""What an argument names: one file, or the files of one scene."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rasterio.transform import from_origin

from core.cli.sources import scene_of, single, split_at_joints
from core.errors import InputError, NotFound, UnreadableFile
from core.readers import SceneOptions
from tests.unit.readers.scenes.geotiff_files import constant, write_geotiff

NOTHING = SceneOptions()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("a.tif", "b.tif", "a+b.tif", "x+y/a.tif", "x+y/b.tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("argument", "parts"),
    [
        ("a.tif", ["a.tif"]),
        ("a.tif+b.tif", ["a.tif", "b.tif"]),
        ("a+b.tif", ["a+b.tif"]),
        ("a+b.tif+a.tif", ["a+b.tif", "a.tif"]),
        ("x+y/a.tif+x+y/b.tif", ["x+y/a.tif", "x+y/b.tif"]),
        ("x+y", ["x+y"]),
    ],
)
def test_a_path_that_exists_is_taken_whole_and_others_are_parted_at_plus_signs(argument: str, parts: list[str], here: Path) -> None:
    assert split_at_joints(argument) == parts


@pytest.mark.parametrize(("argument", "missing"), [("c.tif", "c.tif"), ("a.tif+c.tif", "c.tif"), ("a.tif+", r"a\.tif\+")])
def test_a_part_that_is_not_there_is_named(argument: str, missing: str, here: Path) -> None:
    with pytest.raises(NotFound, match=missing):
        split_at_joints(argument)


def bands(folder: Path, date: str = "20171107", value: int = 7, size: int = 8) -> list[Path]:
    return [
        write_geotiff(folder / f"T31UDQ_{date}T105229_{band}.tif", np.full((1, size, size), value, np.uint16))
        for band in ("B02", "B03", "B04")
    ]


def test_a_folder_of_one_date_is_a_scene_whatever_else_lies_in_it(tmp_path: Path) -> None:
    bands(tmp_path / "day")
    (tmp_path / "day" / "dates.txt").write_text("20171107")
    (tmp_path / "day" / ".hidden.tif").write_bytes(b"II*\0")
    write_geotiff(tmp_path / "day" / "preview" / "x_B08.tif", constant(1, 8, 8))
    scene = scene_of(str(tmp_path / "day"), NOTHING, tmp_path / "work")
    assert [band.name for band in scene.bands] == ["B02", "B03", "B04"]
    assert str(scene.date) == "2017-11-07"


def test_a_zip_of_one_date_is_a_scene_and_so_is_one_of_its_members(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "day.zip", "w") as archive:
        for file in bands(tmp_path / "day"):
            archive.write(file, f"day/{file.name}")
    assert len(scene_of(str(tmp_path / "day.zip"), NOTHING, tmp_path / "work").bands) == 3
    member = f"{tmp_path}/day.zip!/day/T31UDQ_20171107T105229_B03.tif"
    assert [band.name for band in scene_of(member, NOTHING, tmp_path / "work").bands] == ["B03"]


def test_coarser_bands_join_finer_ones(tmp_path: Path) -> None:
    bands(tmp_path / "day")
    coarse = from_origin(500_000.0, 5_000_000.0, 20.0, 20.0)
    write_geotiff(tmp_path / "day" / "T31UDQ_20171107T105229_B04_20m.tif", constant(1, 4, 4), transform=coarse)
    scene = scene_of(str(tmp_path / "day"), NOTHING, tmp_path / "work")
    assert (scene.width, scene.height) == (8, 8)


def test_a_folder_of_two_dates_is_no_scene(tmp_path: Path) -> None:
    bands(tmp_path / "days")
    bands(tmp_path / "days", "20190101")
    with pytest.raises(InputError, match=r"2017-11-07.*2019-01-01"):
        scene_of(str(tmp_path / "days"), NOTHING, tmp_path / "work")


def test_a_band_that_is_there_twice_is_no_scene_even_without_dates(tmp_path: Path) -> None:
    for year in (1985, 1990):
        write_geotiff(tmp_path / "years" / f"{year}.tif", constant(3, 8, 8))
    with pytest.raises(InputError, match=r"red twice, in 1985\.tif and in 1990\.tif"):
        scene_of(str(tmp_path / "years"), NOTHING, tmp_path / "work")


def test_a_folder_without_a_geotiff_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(UnreadableFile, match="holds no GeoTIFF"):
        scene_of(str(tmp_path), NOTHING, tmp_path / "work")


def test_what_is_no_geotiff_is_called_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(UnreadableFile, match="text file"):
        scene_of(str(tmp_path / "notes.txt"), NOTHING, tmp_path / "work")


def test_a_file_that_another_command_reads_is_not_called_one_that_is_read(tmp_path: Path) -> None:
    Image.new("L", (9, 9)).save(tmp_path / "a.png")
    with pytest.raises(UnreadableFile) as caught:
        scene_of(str(tmp_path / "a.png"), NOTHING, tmp_path / "work")
    assert str(caught.value) == "a.png is a PNG picture. Give a GeoTIFF."


def test_one_image_may_be_the_only_one_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(NotFound, match="no files"):
        single(str(tmp_path / "a"), tmp_path / "work")
    (tmp_path / "a" / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert single(str(tmp_path / "a"), tmp_path / "work").path == tmp_path / "a" / "x.png"
    (tmp_path / "a" / "y.png").touch()
    with pytest.raises(InputError, match="2 files"):
        single(str(tmp_path / "a"), tmp_path / "work")
