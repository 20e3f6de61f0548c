"""What a model that does not say what it was made for is shown: any image, and what is said of that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.prepare.domains import REPEATED
from core.prepare.inputs import to_input
from core.prepare.suitability import UNDECLARED
from core.readers import SceneOptions, read_scene
from core.types import Domain, Preprocess, notice
from tests.unit.readers.scenes.geotiff_files import write_geotiff
from tests.unit.report import examples as ex

ANY = Preprocess(Domain.PICTURE, (32, 32), ("red", "green", "blue"), "fixed", (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))


@pytest.mark.parametrize("header", [{"modality": "CT"}, {"modality": "US"}, {"body_part": "HAND", "view": "LL"}])
def test_any_modality_and_part_is_taken_and_that_nothing_speaks_for_it_is_said(header: dict[str, str]) -> None:
    made = to_input(ex.study(**header), ANY)
    assert made.refusal is None and made.values.shape == (3, 32, 32)
    assert UNDECLARED in made.assumptions and REPEATED in made.assumptions


def test_what_is_no_image_gives_no_input() -> None:
    made = to_input(ex.study(modality="SEG"), ANY)
    assert made.is_empty and made.refusal == notice("input.no-image", modality="SEG")


def test_colour_pictures_are_taken_as_they_are() -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (40, 48, 3)).astype(np.uint8)
    made = to_input(ex.picture(pixels), ANY)
    assert made.refusal is None and REPEATED not in made.assumptions
    assert np.ptp(made.shown, axis=0).max() > 0


def test_a_model_of_brightness_alone_needs_no_repeating() -> None:
    made = to_input(ex.picture(), replace(ANY, channels=("luminance",), mean=(0.5,), std=(0.25,)))
    assert made.values.shape == (1, 32, 32) and REPEATED not in made.assumptions


def test_a_blank_or_tiny_picture_is_still_refused() -> None:
    assert to_input(ex.picture(np.full((40, 40), 7, dtype=np.uint8)), ANY).refusal == notice("input.blank")
    assert to_input(ex.picture(np.eye(8, dtype=np.uint8)), ANY).refusal == notice("input.too-small", columns=8, rows=8, least=32)


def test_of_a_scene_the_window_at_its_centre_is_read_pixel_for_pixel(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(1, 255, (3, 50, 70)).astype(np.uint8)
    scene = read_scene([write_geotiff(tmp_path / "a.tif", pixels, descriptions=("B04", "B03", "B02"))], SceneOptions())
    made = to_input(scene, ANY)
    assert made.box == (19.0, 9.0, 32.0, 32.0) and made.refusal is None
    np.testing.assert_allclose(made.shown, pixels[:, 9:41, 19:51] / 255.0, atol=1e-6)
    assert notice("scene.centre-read", scene_width=70, scene_height=50, width=32, height=32) in made.assumptions
    assert UNDECLARED in made.assumptions


def test_a_scene_without_the_colours_gives_no_input_and_the_reason(tmp_path: Path) -> None:
    pixels = np.ones((1, 40, 40), dtype=np.uint8)
    scene = read_scene([write_geotiff(tmp_path / "a.tif", pixels, descriptions=("B08",))], SceneOptions())
    made = to_input(scene, ANY)
    assert made.is_empty and made.refusal == notice("scene.missing-bands", name="a.tif", missing=("red", "green", "blue"), has=("B08",))


def test_a_radiograph_model_of_three_channels_sees_a_refused_scene_in_three(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(1, 255, (3, 50, 70)).astype(np.uint8)
    scene = read_scene([write_geotiff(tmp_path / "a.tif", pixels)], SceneOptions())
    made = to_input(scene, replace(ANY, domain=Domain.RADIOGRAPH))
    assert made.refusal and made.values.shape == made.shown.shape == (3, 32, 32)
