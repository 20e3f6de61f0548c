"""The question strip: what it says of a scene, what of that is a guess, and what one click makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rasterio.transform import from_origin

from core.cli.sources import scene_of
from core.prepare.grid.cover import Cover, cover_of
from core.prepare.grid.reflectance import scaling_of, value_doubts
from core.readers import SceneOptions, read_scene
from core.sources.scenes import SceneFiles, read_again
from core.types import ScaleState, Scene
from core.ui.earth.strip import HEADINGS, StripCell, accept_words, accepted, cells_of, has_guess
from tests.unit.readers.scenes.geotiff_files import write_geotiff
from tests.unit.readers.scenes.product_files import write_landsat, write_safe

NAMES = ("B04", "B03", "B02")


def line(scene: Scene) -> dict[str, StripCell]:
    return dict(zip(HEADINGS, cells_of(scene, cover_of(scene)), strict=True))


def numbers(low: float, high: float, dtype: str = "uint16") -> NDArray[Any]:
    return np.random.default_rng(0).uniform(low, high, (3, 40, 50)).astype(dtype)


def one(folder: Path, pixels: NDArray[Any], names: tuple[str, ...] = NAMES, name: str = "a.tif", **profile: Any) -> Scene:
    return read_scene([write_geotiff(folder / name, pixels, descriptions=names, **profile)])


def after_click(scene: Scene) -> Scene:
    return read_again(SceneFiles(scene.files, scene), accepted(scene)).scene


def test_a_product_leaves_nothing_to_guess(tmp_path: Path) -> None:
    scene = scene_of(str(write_safe(tmp_path / "in")), SceneOptions(), tmp_path / "work")
    told = line(scene)
    assert not has_guess(scene)
    assert [told[name].text for name in ("Sensor", "Level", "Date", "Pixel", "Scale", "Offset", "Cloud")] == [
        "Sentinel-2A MSI", "L2A 05.09", "2024-06-07", "10 m", "x 0.0001", "-0.1", "0.0 %",
    ]  # fmt: skip
    assert told["Valid"].text == "93.8 %"
    assert "BOA" not in told["Scale"].text and "10000" in told["Scale"].why


def test_a_pixel_that_is_no_square_has_two_sides(tmp_path: Path) -> None:
    assert line(one(tmp_path, numbers(8, 3000), transform=from_origin(500_000, 5_000_000, 8.55, 12.9)))["Pixel"].text == "8.55 x 12.9 m"
    assert line(one(tmp_path, numbers(8, 3000), name="b.tif", transform=from_origin(500_000, 5_000_000, 10, 10)))["Pixel"].text == "10 m"


def test_landsat_says_its_scale_and_offset(tmp_path: Path) -> None:
    told = line(scene_of(str(write_landsat(tmp_path / "in")), SceneOptions(), tmp_path / "work"))
    assert (told["Sensor"].text, told["Scale"].text, told["Offset"].text) == ("Landsat 8 OLI", "x 2.75e-05", "-0.2")


@pytest.mark.parametrize(
    ("pixels", "scale", "offset"),
    [
        (numbers(8, 3000), "x 0.0001?", "0?"),
        (numbers(1200, 3000), "x 0.0001?", "-0.1?"),
        (numbers(8, 9580, "float64"), "x 0.0001?", "0?"),
        (numbers(7300, 15000), "x 2.75e-05?", "-0.2?"),
        (numbers(0.01, 0.4, "float32"), "already applied?", "already applied?"),
        (numbers(0, 255, "uint8"), "already applied?", "already applied?"),
    ],
)
def test_what_no_metadata_tell_is_guessed_from_the_values_and_amber(tmp_path: Path, pixels: NDArray[Any], scale: str, offset: str) -> None:
    told = line(one(tmp_path, pixels))
    assert (told["Scale"], told["Offset"]) == (StripCell(scale, True, told["Scale"].why), StripCell(offset, True, told["Offset"].why))
    assert told["Scale"].why


@pytest.mark.parametrize("pixels", [numbers(1200, 3000), numbers(8, 9580, "float64"), numbers(7300, 15000), numbers(0, 255, "uint8")])
def test_one_click_makes_the_guess_the_users_word(tmp_path: Path, pixels: NDArray[Any]) -> None:
    scene = after_click(one(tmp_path, pixels, name="scene_20200601.tif"))
    assert not has_guess(scene)
    assert value_doubts(scene) == ()
    assert scene.when == "2020-06-01"
    assert after_click(scene) == scene


def test_bands_and_date_that_were_guessed_are_amber_and_accepted_too(tmp_path: Path) -> None:
    scene = one(tmp_path, numbers(8, 3000), (), "2020.tif")
    told = line(scene)
    assert told["Bands"].text == "red, green, blue?" and told["Bands"].is_guess
    assert told["Date"].text == "2020?" and told["Date"].is_guess
    there = after_click(scene)
    assert [band.common_name for band in there.bands] == ["red", "green", "blue"]
    assert there.when == "2020"
    assert not has_guess(there)


def test_what_the_user_said_before_stays(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "a.tif", numbers(8, 3000), descriptions=NAMES)
    scene = read_scene([path], SceneOptions(bands=("red", "near infrared", "blue")))
    assert [band.common_name for band in after_click(scene).bands] == ["red", "near infrared", "blue"]


def test_a_file_that_tells_its_scale_is_believed(tmp_path: Path) -> None:
    import rasterio

    path = write_geotiff(tmp_path / "a_20200601.tif", numbers(8, 3000), descriptions=NAMES, tags={"DATE_ACQUIRED": "2020-06-01"})
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (1e-4,) * 3, (-0.1,) * 3
    scene = read_scene([path])
    assert scaling_of(scene)[0].state is ScaleState.NEEDED
    assert not has_guess(scene)


def test_cover_counts_what_holds_data(tmp_path: Path) -> None:
    pixels = numbers(8, 3000)
    pixels[:, :10] = 0
    assert cover_of(one(tmp_path, pixels, nodata=0)) == Cover(0.75, None)


def test_the_button_speaks_of_one_of_both_and_of_several_dates() -> None:
    assert [accept_words(dates).removeprefix("Use these values") for dates in (1, 2, 3)] == ["", " for both dates", " for all 3 dates"]
