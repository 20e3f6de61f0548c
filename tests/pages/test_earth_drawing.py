"""What the map of the Earth page draws, and where."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image as PillowImage
from rasterio.transform import Affine, from_origin

from core.readers import SceneOptions, read_scene
from core.render.change_polygon import around
from core.render.colours import CHANGE, table
from core.render.ground import Ground, sharper_piece, stretches_of
from core.render.scene import (
    NOTHING,
    band_presets_of,
    classes_picture,
    part,
    read_classes,
    read_marks,
    shown_bands,
    true_colour,
    values_picture,
    whole,
)
from core.types import ChangePolygon
from core.ui.earth.map import north
from core.ui.earth.work import polygon_at
from core.ui.state.errors import TITLES
from tests.pages.scenes import scene_of
from tests.unit.readers.scenes.geotiff_files import write_geotiff


@pytest.mark.parametrize(
    ("transform", "marks"),
    [
        (Affine(10, 0, 0, 0, -10, 0), {"north": "N ↑"}),
        (Affine(10, 0, 0, 0, 10, 0), {"south": "N ↓"}),
        (Affine(0, 10, 0, 10, 0, 0), {"east": "N →"}),
        (Affine(0, -10, 0, -10, 0, 0), {"west": "← N"}),
        (Affine(10, 10, 0, 10, -10, 0), {}),
    ],
)
def test_north_stands_at_the_edge_where_it_lies(tmp_path: Path, transform: Affine, marks: dict[str, str]) -> None:
    assert north(scene_of(tmp_path / "turned.tif", transform=transform)) == marks


def test_a_scene_without_a_coordinate_system_has_no_north(tmp_path: Path) -> None:
    assert north(scene_of(tmp_path / "nowhere.tif", crs=None, transform=None)) == {}


def test_a_second_date_on_a_shifted_grid_is_drawn_in_its_place(tmp_path: Path) -> None:
    """A bright square at one place on the ground has the same pixels on the first date's grid, whatever the second one's."""
    pixels = np.zeros((3, 40, 40), np.uint8)
    pixels[:, 10:20, 10:20] = 255
    shifted = np.zeros((3, 40, 40), np.uint8)
    shifted[:, 5:15, 8:18] = 255
    before = scene_of(tmp_path / "before.tif", pixels)
    after = scene_of(tmp_path / "after.tif", shifted, transform=from_origin(500_020.0, 4_999_950.0, 10.0, 10.0))
    drawn = true_colour(after, grid=before)
    assert_array_equal(drawn[10:20, 10:20], 255)
    assert drawn.sum() == 255 * 3 * 100


def test_a_large_scene_is_drawn_smaller_and_a_part_of_it_sharper(tmp_path: Path) -> None:
    scene = scene_of(tmp_path / "large.tif", np.zeros((3, 200, 400), np.uint8))
    assert whole(scene, 100).shape == (50, 100)
    ground = Ground(whole(scene, 100), b"", None, stretches_of(scene, None))
    assert sharper_piece(ground, scene, (0.0, 0.0, 400.0, 200.0)) is not None
    assert sharper_piece(Ground(whole(scene), b"", None, ground.stretches), scene, (0.0, 0.0, 40.0, 20.0)) is None


def test_a_part_never_leaves_the_scene(tmp_path: Path) -> None:
    scene = scene_of(tmp_path / "scene.tif", np.zeros((3, 40, 50), np.uint8))
    assert part(scene, (-20.0, 30.0, 40.0, 40.0)).box == (0, 30, 20, 10)
    assert part(scene, (49.9, 39.9, 0.01, 0.01)).box == (49, 39, 1, 1)


def test_both_dates_go_through_one_stretch_where_their_numbers_mean_the_same(tmp_path: Path) -> None:
    dark = scene_of(tmp_path / "dark.tif", np.linspace(100, 900, 300, dtype=np.uint16).reshape(3, 10, 10))
    bright = scene_of(tmp_path / "bright.tif", np.linspace(2000, 9000, 300, dtype=np.uint16).reshape(3, 10, 10))
    first, second = stretches_of(dark, bright)
    assert first == second
    other = scene_of(tmp_path / "other.tif", np.full((3, 10, 10), 200, np.uint8))
    assert len(set(stretches_of(dark, other))) == 2


def test_hidden_classes_and_places_without_data_are_clear(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "classes.tif", np.array([[[0, 1], [2, NOTHING]]], np.uint8), nodata=NOTHING)
    scene = read_scene([path])
    classes = read_classes(path, scene, whole(scene))
    picture = PillowImage.open(io.BytesIO(classes_picture(classes, [(1, 2, 3), (4, 5, 6), (7, 8, 9)], {1}))).convert("RGBA")
    assert [tuple(pixel) for row in np.asarray(picture) for pixel in row] == [(1, 2, 3, 255), (4, 5, 6, 0), (7, 8, 9, 255), (0, 0, 0, 0)]


def test_a_map_of_change_starts_at_zero_transparent(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "score.tif", np.array([[[0.0, 0.25], [1.0, np.nan]]], np.float32))
    scene = read_scene([path])
    drawn = values_picture(path, scene, whole(scene), np.full((256, 3), 9, np.uint8), fades=True)
    assert np.asarray(PillowImage.open(io.BytesIO(drawn)).convert("RGBA"))[..., 3].tolist() == [[0, 126], [255, 0]]


def test_a_signed_map_is_clear_at_zero_and_of_opposite_colours_at_its_ends(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "score.tif", np.array([[[0.0, 0.5], [-0.5, np.nan]]], np.float32))
    scene = read_scene([path])
    shown = np.asarray(
        PillowImage.open(io.BytesIO(values_picture(path, scene, whole(scene), table(CHANGE), 0.5, fades=True, is_signed=True))).convert(
            "RGBA"
        )
    )
    assert shown[..., 3].tolist() == [[0, 255], [255, 0]]
    assert tuple(shown[0, 1, :3]) == tuple(table(CHANGE)[255]) and tuple(shown[1, 0, :3]) == tuple(table(CHANGE)[0])


def test_a_click_takes_the_smallest_polygon_around_it() -> None:
    large = ChangePolygon(1, 9.0, "Forest", "River", 0.9, (0, 0, 30, 30), (0.0, 0.0))
    small = ChangePolygon(2, 1.0, "Forest", "River", 0.9, (10, 10, 5, 5), (0.0, 0.0))
    result = type("Result", (), {"polygons": (large, small)})
    assert polygon_at(result, (12, 12)) is small  # type: ignore[arg-type]
    assert polygon_at(result, (29, 29)) is large  # type: ignore[arg-type]
    assert polygon_at(result, (30, 30)) is None  # type: ignore[arg-type]


def test_a_small_polygon_is_shown_with_its_surroundings() -> None:
    assert around((100, 100, 4, 2)) == (78.0, 77.0, 48.0, 48.0)
    assert around((0, 0, 100, 40)) == (-50.0, -80.0, 200.0, 200.0)


def test_no_overlap_has_words_of_its_own() -> None:
    assert "These scenes show different places" in [title for _, title in TITLES]


def test_a_small_polygon_of_change_is_seen_from_far_away(tmp_path: Path) -> None:
    changed = np.zeros((1, 400, 400), np.uint8)
    changed[0, 201, 303] = 1
    path = write_geotiff(tmp_path / "change.tif", changed, nodata=NOTHING)
    scene = read_scene([path])
    marks = read_marks(path, scene, whole(scene, 100))
    assert marks.shape == (100, 100)
    assert_array_equal(np.argwhere(marks), [[50, 75]])


def test_bands_of_a_preset_are_drawn_by_one_stretch_for_all_dates(tmp_path: Path) -> None:
    names = ("B02", "B03", "B04", "B08", "B12")
    scenes = []
    for day, level in (("2019-01-01", 1_000), ("2020-01-01", 2_000)):
        pixels = np.stack([np.full((40, 40), level * (place + 1), np.uint16) for place in range(5)])
        path = write_geotiff(tmp_path / f"{day}.tif", pixels, descriptions=names)
        scenes.append(read_scene([path], SceneOptions(scale=1e-4, offset=0.0)))
    assert band_presets_of(scenes) == ("natural", "near infrared", "short-wave infrared")
    assert [band.name for band in shown_bands(scenes[0], "short-wave infrared")] == ["B12", "B08", "B04"]
    for preset, brightest in (("natural", 0.3), ("near infrared", 0.5)):
        first, second = stretches_of(scenes[0], scenes[1], preset)
        assert first == second and first.high == (brightest,) * 3
    drawn = true_colour(scenes[0], preset="near infrared")  # near infrared 0.4, red 0.3, green 0.2 of at most 0.5
    assert drawn[0, 0].tolist() == [204, 153, 102]
    coloured = read_scene([write_geotiff(tmp_path / "rgb.tif", pixels[:3], descriptions=names[:3])])
    assert band_presets_of([scenes[0], coloured]) == ("natural",)
