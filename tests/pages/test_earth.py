"""The Earth page: which files are one scene, what is asked, what is drawn where, and the page itself without a browser."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image as PillowImage
from rasterio.transform import Affine, from_origin
from streamlit.testing.v1 import AppTest

from core.readers import SceneOptions, read_scene
from core.render.change_polygon import around
from core.render.ground import Ground, sharper_piece, stretches_of
from core.render.scene import NOTHING, classes_picture, part, read_classes, read_marks, true_colour, values_picture, whole
from core.settings import settings
from core.sources.scenes import group_scenes, is_question_open
from core.types import ChangePolygon, Scene
from core.ui.earth.cover_panel import pixel_words
from core.ui.earth.map import north
from core.ui.earth.polygon_panel import polygon_title
from core.ui.earth.questions import questions_of
from core.ui.earth.scenes_panel import UNKNOWN, band_names, footprint_words, size_words
from core.ui.earth.work import polygon_at
from core.ui.state.errors import TITLES
from tests.pages.conftest import run_until, words
from tests.unit.readers.scenes.geotiff_files import write_geotiff


def no_watch(done: int, total: int) -> None:
    """Nobody looks."""


def scene_of(path: Path, pixels: np.ndarray | None = None, **facts: object) -> Scene:
    return read_scene([write_geotiff(path, pixels, descriptions=("B04", "B03", "B02"), **facts)])  # type: ignore[arg-type]


# ---------------------------------------------------------------- which files are one scene


def test_files_that_differ_by_their_band_alone_are_one_scene_a_date(tmp_path: Path) -> None:
    for day in ("20190601", "20210601"):
        for band in ("B02", "B03", "B04"):
            write_geotiff(tmp_path / f"T31_{day}_{band}.tif", np.ones((1, 8, 8), np.uint16))
    groups, refused = group_scenes([tmp_path], tmp_path / "zip", no_watch)
    assert [group.scene.date for group in groups] == [date(2019, 6, 1), date(2021, 6, 1)]
    assert [[band.name for band in group.scene.bands] for group in groups] == [["B02", "B03", "B04"]] * 2
    assert refused == ()


def test_a_folder_a_date_with_the_same_names_inside_stays_two_scenes(tmp_path: Path) -> None:
    for year in ("2019", "2021"):
        for band in ("B02", "B03"):
            write_geotiff(tmp_path / year / f"{band}.tif", np.ones((1, 8, 8), np.uint16))
    groups, _ = group_scenes([tmp_path], tmp_path / "zip", no_watch)
    assert [(group.scene.name, len(group.scene.bands)) for group in groups] == [("2019", 2), ("2021", 2)]


def test_two_resolutions_of_one_date_are_one_scene_on_the_finer_grid(tmp_path: Path) -> None:
    write_geotiff(tmp_path / "before_10m.tif", np.ones((3, 20, 20), np.uint16), descriptions=("B02", "B03", "B04"))
    coarse = from_origin(500_000.0, 5_000_000.0, 20.0, 20.0)
    write_geotiff(tmp_path / "before_20m.tif", np.ones((2, 10, 10), np.uint16), transform=coarse, descriptions=("B11", "B12"))
    (group,), _ = group_scenes([tmp_path], tmp_path / "zip", no_watch)
    assert (len(group.scene.bands), group.scene.width) == (5, 20)


def test_undated_files_that_say_before_and_after_come_in_that_order(tmp_path: Path) -> None:
    for name in ("town_after.tif", "town-before.tif", "aftermath.tif", "Pre.tif"):
        write_geotiff(tmp_path / name)
    groups, _ = group_scenes([tmp_path], tmp_path / "zip", no_watch)
    assert [group.scene.name for group in groups] == ["Pre.tif", "town-before.tif", "aftermath.tif", "town_after.tif"]


def test_what_is_no_scene_is_refused_and_the_others_go_on(tmp_path: Path) -> None:
    write_geotiff(tmp_path / "good.tif")
    (tmp_path / "note.txt").write_text("no image")
    PillowImage.new("L", (8, 8)).save(tmp_path / "photo.png")
    groups, refused = group_scenes([tmp_path], tmp_path / "zip", no_watch)
    assert [group.scene.name for group in groups] == ["good.tif"]
    assert {each.label for each in refused} == {"note.txt", "photo.png"}
    assert "Explain page" in next(each.error.hint for each in refused if each.label == "photo.png")


def test_real_bands_of_paris_make_two_dates(shared_data: Path) -> None:
    folder = shared_data / "geotiff" / "sentinel2-one-band-a-file-paris"
    groups, _ = group_scenes([folder / "imgs_1", folder / "imgs_2"], folder, no_watch)
    assert [(len(group.scene.bands), str(group.scene.date)) for group in groups] == [(13, "2016-11-30"), (13, "2017-11-07")]


# ---------------------------------------------------------------- what is asked, and said


def test_bands_without_names_are_a_question_and_an_answer_closes_it(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "unnamed.tif", np.ones((4, 8, 8), np.uint16))
    scene = read_scene([path])
    assert is_question_open(scene)
    told = read_scene([path], SceneOptions(bands=band_names(scene.bands, ["near infrared", "red", "green", UNKNOWN])))
    assert not is_question_open(told)
    assert [band.common_name for band in told.bands] == ["near infrared", "red", "green", ""]


def test_digital_numbers_are_a_question_and_a_scale_closes_it(tmp_path: Path) -> None:
    values = np.random.default_rng(0).uniform(8, 9_580, (3, 40, 40))
    path = write_geotiff(tmp_path / "dn.tif", values, descriptions=("B04", "B03", "B02"))
    (question,) = questions_of(read_scene([path]))
    assert question.title == "How do its values become reflectance?"
    assert "--" not in question.told, "a page has no options of the command line"
    assert not questions_of(read_scene([path], SceneOptions(scale=1e-4, offset=0.0)))


def test_values_that_never_lie_below_a_thousand_are_a_question(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(1_000, 3_000, (3, 40, 40)).astype(np.uint16)
    scene = scene_of(tmp_path / "new.tif", values)
    assert [question.title for question in questions_of(scene)] == ["Was 1,000 added to its values?"]
    assert not questions_of(read_scene([scene.bands[0].file], SceneOptions(scale=1e-4, offset=-0.1)))


def test_a_place_is_told_with_its_hemispheres(tmp_path: Path) -> None:
    lima = scene_of(tmp_path / "lima.tif", transform=from_origin(-77.1, -12.0, 1e-4, 1e-4), crs="EPSG:4326")
    assert footprint_words(lima) == "12.004 to 12.000° S, 77.100 to 77.095° W"
    room = SimpleNamespace(before=lima)
    assert pixel_words(room, 0, 0) == "12.00005° S, 77.09995° W"  # type: ignore[arg-type]


def test_names_of_the_file_are_kept_where_the_user_agrees_with_them(tmp_path: Path) -> None:
    scene = scene_of(tmp_path / "named.tif")
    assert band_names(scene.bands, ["red", "green", "near infrared"]) == ("B04", "B03", "near infrared")


def test_size_and_place_are_written_in_metres_and_degrees(tmp_path: Path) -> None:
    scene = scene_of(tmp_path / "scene.tif", np.zeros((3, 40, 50), np.uint16))
    assert size_words(scene) == "50 x 40 px of 10 m, 0.5 x 0.4 km"
    assert footprint_words(scene) == "45.150 to 45.153° N, 3.000 to 3.006° E"


def test_patches_are_called_by_what_they_were_and_became() -> None:
    patch = ChangePolygon(7, 1.0, "Forest", "SeaLake", 0.8, (0, 0, 4, 4), (0.0, 0.0))
    assert polygon_title(patch) == "Forest to sea or lake"
    assert polygon_title(replace(patch, after="Forest")) == "Forest at both dates"


# ---------------------------------------------------------------- what is drawn where


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


def test_a_click_takes_the_smallest_patch_around_it() -> None:
    large = ChangePolygon(1, 9.0, "Forest", "River", 0.9, (0, 0, 30, 30), (0.0, 0.0))
    small = ChangePolygon(2, 1.0, "Forest", "River", 0.9, (10, 10, 5, 5), (0.0, 0.0))
    result = type("Result", (), {"polygons": (large, small)})
    assert polygon_at(result, (12, 12)) is small  # type: ignore[arg-type]
    assert polygon_at(result, (29, 29)) is large  # type: ignore[arg-type]
    assert polygon_at(result, (30, 30)) is None  # type: ignore[arg-type]


def test_a_small_patch_is_shown_with_its_surroundings() -> None:
    assert around((100, 100, 4, 2)) == (78.0, 77.0, 48.0, 48.0)
    assert around((0, 0, 100, 40)) == (-50.0, -80.0, 200.0, 200.0)


def test_no_overlap_has_words_of_its_own() -> None:
    assert "These scenes show different places" in [title for _, title in TITLES]


def test_a_small_patch_of_change_is_seen_from_far_away(tmp_path: Path) -> None:
    changed = np.zeros((1, 400, 400), np.uint8)
    changed[0, 201, 303] = 1
    path = write_geotiff(tmp_path / "change.tif", changed, nodata=NOTHING)
    scene = read_scene([path])
    marks = read_marks(path, scene, whole(scene, 100))
    assert marks.shape == (100, 100)
    assert_array_equal(np.argwhere(marks), [[50, 75]])


# ---------------------------------------------------------------- the page


def on_earth(application: AppTest, *paths: Path) -> AppTest:
    """The Earth page with these files open, as if a folder had been named."""
    application.switch_page("pages/earth.py").run()
    if paths:
        application.text_input(key="earth.place").set_value(str(paths[0]))
        application.button(key="FormSubmitter:earth.form-Open").click()
    return application


def test_an_empty_page_offers_files_a_place_and_samples(application: AppTest) -> None:
    page = on_earth(application).run()
    assert "Open one date or several" in words(page)
    offered = [button.label for button in page.button if str(button.key).startswith("earth.sample.")]
    assert offered == [
        "One place, two dates",
        "One place, two dates (synthetic)",
        "One place, 2019 (synthetic)",
        "One place, 2021 (synthetic)",
    ]
    assert "Real: Contains modified Copernicus Sentinel data 2024" in words(page)
    assert not page.exception


def test_the_fire_is_compared_by_the_index_of_burns_and_what_is_assumed_of_its_land_cover_is_said(application: AppTest) -> None:
    page = on_earth(application).run()
    page.button(key="earth.sample.wildfire-before+wildfire-after").click()
    assert "361.8 ha changed" in run_until(page, lambda said: " ha changed" in said)
    page.session_state["earth.tabs"] = "Land cover"
    text = run_until(page, lambda said: "not a probability" in said or "may mean nothing" in said)
    assert "Assumed: Pixels of 19.9 m were enlarged to the 10 m that the model was trained at." in text


def test_the_two_dates_of_the_sample_are_compared_without_being_asked(application: AppTest) -> None:
    page = on_earth(application).run()
    page.button(key="earth.sample.earth-before+earth-after").click()
    text = run_until(page, lambda said: " ha changed" in said or "No change" in said)
    assert "2019-06-15 to 2021-06-19" in text
    page.session_state["earth.tabs"] = "Export"
    text = run_until(page, lambda said: "change.tif" in said)
    assert "transitions.csv" in text
    page.session_state["earth.tabs"] = "Report"
    assert "Research and development use only" in run_until(page, lambda said: "Method: comparison of the two class maps." in said)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the application may read."""
    folder = tmp_path / "scenes"
    folder.mkdir()
    monkeypatch.setenv("SIGHTLINE_ROOTS", str(folder))
    settings.cache_clear()
    return folder


def test_unnamed_bands_are_asked_for_before_anything_is_computed(application: AppTest, place: Path) -> None:
    page = on_earth(application, write_geotiff(place / "unnamed.tif", np.full((4, 64, 64), 900, np.uint16)))
    text = run_until(page, lambda said: "Which band is which?" in said)
    assert "Mapping" not in text
    for place, colour in enumerate(("blue", "green", "red", "near infrared")):
        page.selectbox(key=f"earth.band.0.{place}").set_value(colour)
    next(button for button in page.button if button.label == "Use these").click()
    assert "ha mapped" in run_until(page, lambda said: "ha mapped" in said)


def test_dates_of_different_places_are_refused_with_both_footprints(application: AppTest, place: Path) -> None:
    grey = np.full((3, 64, 64), 900, np.uint16)
    scene_of(place / "here_20190601.tif", grey)
    scene_of(place / "there_20210601.tif", grey, transform=from_origin(600_000.0, 5_000_000.0, 10.0, 10.0))
    text = run_until(on_earth(application, place), lambda said: "do not overlap" in said)
    assert "45.1477 to 45.1535° N, 3.00" in text
    assert "° N, 4.2" in text


def test_a_second_date_is_added_to_the_first_and_compared_with_it(application: AppTest) -> None:
    page = on_earth(application).run()
    page.button(key="earth.sample.earth-after").click()
    assert "One date is shown" not in run_until(page, lambda said: "ha mapped" in said)
    page.session_state["earth.tabs"] = "Scenes"
    run_until(page, lambda said: "Correct" in said or "earth-after.tif" in said)
    page.button(key="earth.add.1.sample.earth-before").click()
    text = run_until(page, lambda said: " ha changed" in said or "No change" in said)
    assert "2019-06-15 to 2021-06-19" in text


def test_closing_deletes_what_was_made(application: AppTest, home: Path) -> None:
    page = on_earth(application).run()
    page.button(key="earth.sample.earth-before+earth-after").click()
    run_until(page, lambda said: " ha changed" in said or "No change" in said)
    assert list(home.glob("open/*/*/change.tif"))
    page.button(key="earth.close").click()
    run_until(page, lambda said: "Open one date or several" in said)
    assert list(home.glob("open/*/*")) == []
