"""Two dates become their change: none where they are alike, the same both ways, and refused where they cannot be compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
from numpy.testing import assert_array_equal
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT

from core.change.methods.choose import method_for
from core.change.methods.tokens import TOKEN_METHODS
from core.errors import Cancelled, InputError, MissingBands, NoGrid, NoOverlap, OutOfRange, WrongTask
from core.inference.engine import Engine, engine_for
from core.readers import SceneOptions, read_scene
from core.render.preview import Preview
from core.settings import PROJECT, settings
from core.types import ChangeMap, Domain, Scene, notice
from core.workflows.change import detect_change
from core.workflows.change_files import COLUMNS
from core.workflows.change_series import change_series
from tests.unit.change.pairs import (
    BLOCK,
    CORNER,
    GRID,
    RASTERS,
    SIZE,
    ground,
    pixels_of,
    table,
    tiny_engine,
    two_dates,
    with_block,
    written,
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return tiny_engine(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, Scene]:
    return two_dates(tmp_path_factory.mktemp("scenes"))


@pytest.fixture(scope="module", params=TOKEN_METHODS)
def made(request: pytest.FixtureRequest, pair: tuple[Scene, Scene], engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> ChangeMap:
    """The change of the pair by either method."""
    return detect_change(*pair, method_for(engine, request.param), tmp_path_factory.mktemp(request.param))


@pytest.mark.parametrize("method", TOKEN_METHODS)
def test_a_date_against_itself_gives_no_changed_pixel(pair: tuple[Scene, Scene], engine: Engine, tmp_path: Path, method: str) -> None:
    result = detect_change(pair[1], pair[1], method_for(engine, method), tmp_path)
    assert (result.changed_pixels, result.changed_hectares, result.polygons) == (0, 0.0, ())
    assert result.valid_pixels == SIZE[0] * SIZE[1]
    assert set(np.unique(pixels_of(result.change))) == {0}
    assert all(before == after for before, after in table(result))
    found = geopandas.read_file(result.polygons_file, layer="changes")
    assert len(found) == 0
    assert list(found.columns) == [*COLUMNS, "geometry"]


def test_change_is_found_where_the_dates_differ(made: ChangeMap) -> None:
    changed = pixels_of(made.change) == 1
    assert changed[BLOCK].mean() > 0.5
    rows_, columns = np.nonzero(changed)
    assert rows_.min() >= BLOCK[0].start - 32
    assert columns.min() >= BLOCK[1].start - 32
    assert changed.sum() == made.changed_pixels > 0


def test_exchanging_the_dates_transposes_the_transitions(
    pair: tuple[Scene, Scene], made: ChangeMap, engine: Engine, tmp_path: Path
) -> None:
    back = detect_change(pair[1], pair[0], method_for(engine, made.method), tmp_path)
    assert table(back) == {(after, before): areas for (before, after), areas in table(made).items()}
    assert any(before != after for before, after in table(made))
    for name, twin in zip(RASTERS, (*RASTERS[:2], *RASTERS[:1:-1]), strict=True):
        assert_array_equal(pixels_of(made.change.parent / name), pixels_of(tmp_path / twin))
    assert sum(one.hectares for one in back.polygons) == pytest.approx(made.changed_hectares)


@pytest.mark.parametrize("hidden", [0, 1])
def test_nodata_of_either_date_is_never_a_change(engine: Engine, tmp_path: Path, hidden: int) -> None:
    pixels = [ground(), with_block(ground())]
    pixels[hidden][:, 48:, 44:] = 0
    scenes = [written(tmp_path / f"{place}.tif", one) for place, one in enumerate(pixels)]
    result = detect_change(*scenes, method_for(engine), tmp_path / "out")
    nowhere = pixels[hidden][0] == 0
    change, score, before, after = (pixels_of(tmp_path / "out" / name) for name in RASTERS)
    assert_array_equal(change == 255, nowhere)
    assert_array_equal(np.isnan(score), nowhere)
    for classes in (before, after):
        assert_array_equal(classes == 255, nowhere)
    assert result.valid_pixels == (~nowhere).sum()
    assert result.changed_pixels > 0


def test_two_dates_without_a_common_valid_pixel_have_no_change(engine: Engine, tmp_path: Path) -> None:
    left, right = ground(), ground()
    left[:, :, 50:], right[:, :, :50] = 0, 0
    result = detect_change(written(tmp_path / "l.tif", left), written(tmp_path / "r.tif", right), method_for(engine), tmp_path / "out")
    assert (result.valid_pixels, result.changed_pixels, result.transitions, result.polygons) == (0, 0, (), ())


def test_places_that_do_not_overlap_are_refused_before_anything_is_written(
    pair: tuple[Scene, Scene], engine: Engine, tmp_path: Path
) -> None:
    far = written(tmp_path / "far.tif", ground(), Affine(10, 0, CORNER[0] + 5_000.0, 0, -10, CORNER[1]))
    with pytest.raises(NoOverlap) as refused:
        detect_change(pair[0], far, method_for(engine), tmp_path / "out")
    for scene in (pair[0], far):
        assert all(f"{value:.4f}" in refused.value.message for value in scene.footprint or ())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["grid", "crs"])
def test_a_date_on_another_grid_is_brought_to_that_of_the_first_and_that_is_said(
    pair: tuple[Scene, Scene], engine: Engine, tmp_path: Path, kind: str
) -> None:
    wide = with_block(ground())
    if kind == "grid":
        other = written(tmp_path / "other.tif", np.pad(wide, ((0, 0), (7, 2), (5, 4)), mode="edge"), GRID @ Affine.translation(-5, -7))
    else:
        other = in_degrees(tmp_path, pair[1])
    result = detect_change(pair[0], other, method_for(engine), tmp_path / "out")
    assert any(one.code.startswith("scene.resampled") and one["name"] == "other.tif" for one in result.assumptions)
    with rasterio.open(result.change) as file:
        assert (file.crs, file.transform, file.shape) == (pair[0].crs, GRID, SIZE)
    changed = pixels_of(result.change) == 1
    assert changed[BLOCK].mean() > 0.5
    assert not changed[:6].any()
    if kind == "grid":  # whole pixels apart: nothing is lost
        assert table(result) == table(detect_change(*pair, method_for(engine), tmp_path / "same"))


def in_degrees(folder: Path, scene: Scene) -> Scene:
    """The same ground on a grid of longitude and latitude."""
    with rasterio.open(scene.files[0]) as source, WarpedVRT(source, crs="EPSG:4326", resampling=Resampling.bilinear) as warped:
        pixels, transform = warped.read(), warped.transform
    return written(folder / "other.tif", pixels, transform, crs="EPSG:4326")


@pytest.mark.parametrize("at", ["the first tiles", "the end"])
def test_work_that_is_stopped_leaves_nothing(pair: tuple[Scene, Scene], engine: Engine, tmp_path: Path, at: str) -> None:
    seen = []

    def watch(done: int, total: int) -> None:
        seen.append(done)
        if at == "the first tiles" or seen.count(total) == 2:
            raise Cancelled("The work was stopped.")

    with pytest.raises(Cancelled):
        detect_change(*pair, method_for(engine), tmp_path, progress=watch)
    assert list(tmp_path.iterdir()) == []


def test_three_dates_make_two_steps_and_the_whole_way(pair: tuple[Scene, Scene], engine: Engine, tmp_path: Path) -> None:
    before, after = pair
    seen: list[tuple[int, int]] = []
    series = change_series((before, after, before), method_for(engine), tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert [name for name, _ in series] == ["01-02", "02-03", "01-03"]
    assert all((tmp_path / name / "transitions.csv").is_file() for name, _ in series)
    (_, there), (_, back), (_, whole) = series
    assert table(back) == {(second, first): areas for (first, second), areas in table(there).items()}
    assert whole.changed_pixels == 0
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_series_is_refused_before_its_first_pair_is_begun(pair: tuple[Scene, Scene], engine: Engine, tmp_path: Path) -> None:
    far = written(tmp_path / "far.tif", ground(), Affine(10, 0, CORNER[0] + 5_000.0, 0, -10, CORNER[1]))
    with pytest.raises(NoOverlap):
        change_series((*pair, far), method_for(engine), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(OutOfRange, match="at least 2"):
        change_series(pair[:1], method_for(engine), tmp_path / "out")


def test_what_cannot_be_compared_is_refused_with_the_value_at_fault(pair: tuple[Scene, Scene], engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(OutOfRange, match="classes, embedding"):
        detect_change(*pair, method_for(engine, "magic"), tmp_path)
    with pytest.raises(OutOfRange, match="--min-area"):
        detect_change(*pair, method_for(engine), tmp_path, min_area_hectares=-1.0)
    with pytest.raises(InputError, match="--crs"):
        detect_change(*pair, method_for(engine), tmp_path, crs="EPSG:0")
    with pytest.raises(WrongTask, match="radiograph"):
        detect_change(*pair, method_for(tiny_engine(tmp_path / "chest", Domain.RADIOGRAPH)), tmp_path)
    for place in (0, 1):
        scenes = list(pair)
        scenes[place] = replace(pair[place], crs=None, footprint=None, name="lost.tif")
        with pytest.raises(NoGrid, match=r"lost\.tif"):
            detect_change(scenes[0], scenes[1], method_for(engine), tmp_path)
        scenes[place] = replace(pair[place], bands=pair[place].bands[:1], name="thin.tif")
        with pytest.raises(MissingBands, match=r"thin\.tif"):
            detect_change(scenes[0], scenes[1], method_for(engine), tmp_path)


def test_what_else_sets_two_dates_apart_is_said(engine: Engine, tmp_path: Path) -> None:
    rendered = np.clip(ground() / 2750 * 255, 1, 255).astype(np.uint8)
    picture = written(tmp_path / "picture.tif", rendered, options=SceneOptions(date=date(2024, 1, 1)))
    measured = written(tmp_path / "measured.tif", ground(), options=SceneOptions(scale=1e-4, offset=0.0, date=date(2020, 1, 1)))
    told = detect_change(picture, measured, method_for(engine), tmp_path / "out").assumptions
    assert notice("change.one-rendered", rendered="picture.tif", measured="measured.tif") in told
    assert notice("change.later-first", before="picture.tif", after="measured.tif") in told
    assert notice("scene.of-one", name="picture.tif", said=notice("scene.rendering-assumed")) in told


def test_a_shift_between_the_dates_is_measured_and_said(pair: tuple[Scene, Scene], engine: Engine, tmp_path: Path) -> None:
    shifted = written(tmp_path / "shifted.tif", np.roll(ground(), 2, axis=2))
    result = detect_change(pair[0], shifted, method_for(engine), tmp_path / "out")
    assert result.parameters["shift_pixels"] == pytest.approx(2.0, abs=0.1)
    assert notice("change.shifted", pixels=pytest.approx(2.0, abs=0.1)) in result.assumptions
    unshifted = detect_change(pair[0], pair[0], method_for(engine), tmp_path / "same")
    assert unshifted.parameters["shift_pixels"] == 0.0
    assert not any(one.code == "change.shifted" for one in unshifted.assumptions)


def test_a_scene_outside_what_the_model_knows_is_compared_all_the_same_and_warned_of_first(
    pair: tuple[Scene, Scene], engine: Engine, tmp_path: Path
) -> None:
    assert engine.model.ood_detector is not None
    strict = Engine(replace(engine.model, ood_detector=replace(engine.model.ood_detector, threshold=0.0)), engine.runtime)
    result = detect_change(*pair, method_for(strict), tmp_path)
    assert result.changed_pixels > 0
    assert result.assumptions[0] == notice("change.outside", percent=100.0)
    assert (result.parameters["outside_share_before"], result.parameters["outside_share_after"]) == (1.0, 1.0)


def test_the_bundled_pair_changed_where_its_truth_says(tmp_path: Path) -> None:
    if not (settings().zoo / "land-cover" / "config.json").is_file():
        pytest.skip("models/zoo/land-cover is not here: this test needs the trained model")
    scenes = [read_scene([PROJECT / "sample_data" / f"earth-{when}.tif"]) for when in ("before", "after")]
    result = detect_change(scenes[0], scenes[1], method_for(engine_for("land-cover")), tmp_path)
    truth = {("Forest", "Residential"): (256, 240, 144, 136), ("AnnualCrop", "Industrial"): (352, 496, 88, 96)}
    assert [(one.before, one.after) for one in result.polygons[:2]] == list(truth)
    changed, expected = pixels_of(result.change) == 1, np.zeros((640, 640), dtype=bool)
    for one, (left, top, width, height) in zip(result.polygons, truth.values(), strict=False):
        assert one.hectares == pytest.approx(width * height * 0.01, rel=0.25)
        expected[top : top + height, left : left + width] = True
    assert changed[expected].mean() > 0.85
    assert changed[~expected].mean() < 0.05


def test_a_real_pair_of_one_band_a_file_is_compared(shared_data: Path, engine: Engine, tmp_path: Path) -> None:
    paris = shared_data / "geotiff" / "sentinel2-one-band-a-file-paris"
    before, after = (read_scene(sorted(path for path in (paris / folder).glob("*_B0[2348].tif"))) for folder in ("imgs_1", "imgs_2"))
    result = detect_change(before, after, method_for(engine), tmp_path)
    assert 0 < result.valid_pixels <= before.width * before.height
    assert sum(each.pixels for each in result.transitions) == result.valid_pixels


def test_the_classes_of_both_dates_are_shown_as_they_come(pair: tuple[Scene, Scene], engine: Engine, tmp_path: Path) -> None:
    preview, seen = Preview(pair[0].width, pair[0].height, dates=2), []
    watch = lambda done, total: seen.append(preview.rows)  # noqa: E731
    result = detect_change(*pair, method_for(engine), tmp_path / "out", progress=watch, preview=preview)
    assert preview.rows == pair[0].height and seen == sorted(seen)
    changed = pixels_of(result.change) == 1
    assert changed.any()
    assert (preview.classes(0)[changed] != preview.classes(1)[changed]).all()
