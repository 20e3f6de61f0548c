"""Scores of whole scenes: what strips and tiles do not change, and what memory they hold."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rasterio.transform import Affine

from core.errors import Cancelled, DeviceError, MissingBands, NoGrid, WrongTask
from core.inference.calibration import probabilities
from core.inference.engine import Engine
from core.inference.ood import features as detector_features
from core.inference.ood import ood_score
from core.inference.runtimes import Runtime
from core.inference.scenes import answers as answers_module
from core.inference.scenes import scores as scores_module
from core.inference.scenes import strips as strips_module
from core.inference.scenes.answers import answered_rows
from core.inference.scenes.scores import Strip, iterate_scores, token_rows
from core.prepare.grid import rows as rows_module
from core.prepare.grid.bands import read_window, rendering, resolve_bands
from core.prepare.grid.tiles import spread, tile_grid
from core.prepare.tensor import standardise
from core.readers import SceneOptions, read_scene
from core.types import Domain, Scene
from models.registry import load_model
from tests.tiny import write_tiny_model
from tests.unit.readers.scenes.geotiff_files import write_geotiff


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A tiny random land-cover model: tiles of 32 x 32 pixels in tokens of 8."""
    folder = write_tiny_model(tmp_path_factory.mktemp("models") / "land", Domain.LAND_COVER)
    return Engine(load_model(str(folder)), Runtime())


def ground(rows: int, columns: int) -> NDArray[np.uint16]:
    """[3, rows, columns]: fields of 20 pixels with texture."""
    rng = np.random.default_rng(9)
    fields = rng.integers(200, 2400, (3, rows // 20 + 1, columns // 20 + 1)).repeat(20, axis=1).repeat(20, axis=2)[:, :rows, :columns]
    return np.clip(fields + rng.normal(0, 60, fields.shape), 1, 4000).astype(np.uint16)


def scene_of(path: Path, pixels: NDArray[Any], step: float = 10.0, **profile: Any) -> Scene:
    place = Affine(step, 0, 448_000, 0, -step, 5_411_000)
    facts = {"descriptions": ("B04", "B03", "B02"), "nodata": 0, "transform": place, **profile}
    return read_scene([write_geotiff(path, pixels, **facts)], SceneOptions(scale=1e-4, offset=0.0))


ALIGNED = Affine(10, 0, 0, 0, -10, 0)
"""A place where the lattice of tiles begins."""


def whole(strips: list[Strip]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    return (
        np.concatenate([strip.probabilities for strip in strips], axis=1),
        np.concatenate([strip.outside_score for strip in strips]),
        np.concatenate([strip.valid for strip in strips]),
    )


@pytest.mark.parametrize("step", [10.0, 6.0, 23.0])
def test_the_height_of_strips_changes_nothing(tmp_path: Path, land: Engine, step: float) -> None:
    pixels = ground(150, 110)
    pixels[:, 40:95, 20:60] = 0
    scene = scene_of(tmp_path / "s.tif", pixels, step)
    thin, thick = (whole(list(iterate_scores(scene, land, rows))) for rows in (7, 512))
    for one, other in zip(thin, thick, strict=True):
        np.testing.assert_array_equal(one, other)


def test_scores_sum_to_one_where_there_are_data_and_are_nothing_elsewhere(tmp_path: Path, land: Engine) -> None:
    pixels = ground(90, 75)
    pixels[:, np.random.default_rng(1).random((90, 75)) < 0.4] = 0
    pixels[:, 30:70, 10:60] = 0
    scene = scene_of(tmp_path / "s.tif", pixels)
    probs, score, valid = whole(list(iterate_scores(scene, land)))
    np.testing.assert_array_equal(valid, (pixels > 0).any(axis=0))
    np.testing.assert_allclose(probs.sum(axis=0), valid, atol=1e-5)
    np.testing.assert_array_equal(np.isnan(score), ~valid)


def test_strips_are_bounded_in_rows_and_in_bytes_and_cover_each_row_once(
    tmp_path: Path, land: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = scene_of(tmp_path / "s.tif", ground(100, 40))
    for rows, limit, tallest in ((16, 2**25, 16), (512, 4 * 10 * 40 * 5, 5), (512, 1, 1)):
        monkeypatch.setattr(strips_module, "STRIP_BYTES", limit)
        found = list(iterate_scores(scene, land, rows))
        assert max(strip.height for strip in found) == tallest
        assert [strip.top for strip in found] == [0, *np.cumsum([strip.height for strip in found])[:-1]]
        assert sum(strip.height for strip in found) == 100


def test_a_strip_is_there_before_the_rest_of_the_scene_is_read(tmp_path: Path, land: Engine) -> None:
    told: list[tuple[int, int]] = []
    first = next(iterate_scores(scene_of(tmp_path / "s.tif", ground(400, 40)), land, 16, lambda done, total: told.append((done, total))))
    assert (first.top, first.height) == (0, 16)
    assert told[-1][0] <= told[-1][1] / 4


def test_a_scene_of_one_tile_is_scored_as_that_tile(tmp_path: Path, land: Engine) -> None:
    scene = scene_of(tmp_path / "s.tif", ground(32, 32), transform=ALIGNED)
    bands, _ = resolve_bands(scene, land.model.preprocess.channels)
    shown = rendering(read_window(scene, bands, (0, 0, 32, 32))[0], land.model.preprocess)
    values = standardise(shown, land.model.preprocess)[np.newaxis]
    forward = land.forward(values)
    assert forward.token_logits is not None
    rows = list(token_rows(scene, land, features=True))
    found = np.concatenate([row.probabilities for row in rows], axis=1)
    tokens = np.moveaxis(probabilities(forward.token_logits[0], land.model.calibration), 2, 0)
    np.testing.assert_allclose(found, spread(tokens, (8, 8)), atol=1e-5)
    assert land.model.ood_detector is not None
    np.testing.assert_allclose(
        rows[0].outside_score, ood_score(detector_features(values, forward.embeddings), land.model.ood_detector)[0], rtol=1e-5
    )
    features = np.concatenate([row.features for row in rows if row.features is not None], axis=1)
    assert features.shape == (32, 8, 8)
    head = land.model.network.classifier
    again = np.einsum("frc,lf->lrc", features, head.weight.detach().numpy()) + head.bias.detach().numpy()[:, np.newaxis, np.newaxis]
    np.testing.assert_allclose(again, spread(np.moveaxis(forward.token_logits[0], 2, 0), (8, 8)), atol=1e-3)


def test_pixels_at_the_centre_of_a_cell_have_its_scores(tmp_path: Path, land: Engine) -> None:
    scene = scene_of(tmp_path / "s.tif", ground(96, 64), transform=ALIGNED)
    tokens = np.concatenate([row.probabilities for row in token_rows(scene, land)], axis=1)[:, :24, :16]
    probs, _, _ = whole(list(iterate_scores(scene, land)))
    around = probs.reshape(10, 24, 4, 16, 4)[:, :, 1:3, :, 1:3].mean(axis=(2, 4))  # the four pixels around each centre
    np.testing.assert_allclose(around[:, 1:-1, 1:-1], tokens[:, 1:-1, 1:-1], atol=0.05)


def test_a_cut_is_scored_as_the_whole_a_tile_inside(tmp_path: Path, land: Engine) -> None:
    for step in (10.0, 7.0, 26.0):
        pixels = ground(150, 130)
        margin = int(32 * 10 / step) + 10
        place = Affine(step, 0, 448_003, 0, -step, 5_411_007)
        probs, _, _ = whole(list(iterate_scores(scene_of(tmp_path / "w.tif", pixels, step, transform=place), land)))
        cut = scene_of(tmp_path / "c.tif", pixels[:, 11:, 7:], step, transform=place @ Affine.translation(7, 11))
        found, _, _ = whole(list(iterate_scores(cut, land)))
        inside = np.s_[:, margin:-margin, margin:-margin]
        assert found[inside].size
        np.testing.assert_allclose(found[inside], probs[:, 11:, 7:][inside], atol=1e-5)


@pytest.mark.parametrize("step", [10.0, 7.0])
def test_a_scene_that_is_stored_otherwise_is_scored_as_the_same_one_north_up(tmp_path: Path, land: Engine, step: float) -> None:
    pixels, place = ground(70, 90), Affine(step, 0, 448_003, 0, -step, 5_411_007)
    north, outside, _ = whole(list(iterate_scores(scene_of(tmp_path / "n.tif", pixels, step, transform=place), land)))
    up = scene_of(tmp_path / "u.tif", pixels[:, ::-1], step, transform=place @ Affine.translation(0, 70) @ Affine.scale(1, -1))
    side = scene_of(tmp_path / "t.tif", np.rot90(pixels, axes=(1, 2)), step, transform=place @ Affine(0, -1, 90, 1, 0, 0))
    for stored, back in ((up, lambda found: found[..., ::-1, :]), (side, lambda found: np.rot90(found, -1, axes=(-2, -1)))):
        probs, score, _ = whole(list(iterate_scores(stored, land)))
        np.testing.assert_allclose(back(probs), north, atol=1e-5)
        np.testing.assert_allclose(back(score), outside, rtol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (9, 40), (33, 8)])
def test_a_scene_smaller_than_a_tile_is_scored_all_over(tmp_path: Path, land: Engine, size: tuple[int, int]) -> None:
    probs, _, valid = whole(list(iterate_scores(scene_of(tmp_path / "s.tif", ground(*size)), land)))
    assert valid.all()
    np.testing.assert_allclose(probs.sum(axis=0), 1.0, atol=1e-5)


def test_a_scene_without_any_data_has_no_scores(tmp_path: Path, land: Engine) -> None:
    probs, score, valid = whole(list(iterate_scores(scene_of(tmp_path / "s.tif", np.zeros((3, 70, 50), np.uint16)), land)))
    assert not valid.any()
    assert not probs.any()
    assert np.isnan(score).all()


def test_what_progress_raises_ends_the_work(tmp_path: Path, land: Engine) -> None:
    def stop(done: int, total: int) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        list(iterate_scores(scene_of(tmp_path / "s.tif", ground(64, 64)), land, progress=stop))


def test_models_and_scenes_that_do_not_fit_are_refused_before_any_work(tmp_path: Path, land: Engine, engine: Engine) -> None:
    scene = scene_of(tmp_path / "s.tif", ground(40, 40))
    one_answer = Engine(load_model(str(write_tiny_model(tmp_path / "cls", Domain.LAND_COVER, pooling="cls"))), Runtime())
    for unfit in (engine, one_answer):
        with pytest.raises(WrongTask):
            next(iterate_scores(scene, unfit))
    with pytest.raises(NoGrid, match="no coordinate system"):
        next(iterate_scores(scene_of(tmp_path / "n.tif", ground(40, 40), crs=None), land))
    with pytest.raises(MissingBands):
        next(iterate_scores(scene_of(tmp_path / "m.tif", ground(40, 40), descriptions=("B08", "B11", "B12")), land))


@pytest.mark.parametrize("step", [10.0, 7.0])
def test_work_that_overlaps_gives_the_same_bits_as_work_one_after_the_other(
    tmp_path: Path, land: Engine, step: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = ground(170, 110)
    pixels[:, 40:95, 20:60] = 0
    pixels[:, 120:, :] = 0
    scene = scene_of(tmp_path / "s.tif", pixels, step)
    beside = whole(list(iterate_scores(scene, land)))
    for module in (answers_module, scores_module):
        monkeypatch.setattr(module, "ahead", lambda items: (item for item in items))
    for one, other in zip(beside, whole(list(iterate_scores(scene, land))), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_stage_that_fails_ends_the_others(tmp_path: Path, land: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*values: object, **options: object) -> None:
        raise DeviceError("The network is gone.", "Open it again.")

    monkeypatch.setattr(land, "forward", failing)
    with pytest.raises(DeviceError, match="gone"):
        list(iterate_scores(scene_of(tmp_path / "s.tif", ground(400, 64)), land))
    assert not [thread for thread in threading.enumerate() if thread.name == "stage"]


@pytest.mark.parametrize("step", [10.0, 7.0, 26.0])
def test_rows_of_a_part_are_those_of_the_whole_to_the_bit(
    tmp_path: Path, land: Engine, step: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = ground(230, 70)
    pixels[:, 100:150, 20:60] = 0
    scene = scene_of(tmp_path / "s.tif", pixels, step, tiled=True, blockxsize=16, blockysize=16)
    monkeypatch.setattr(rows_module, "_READ_PIXELS", 16 * 70)
    grid = tile_grid(scene, land.model.preprocess, land.model.patch)
    whole_scene = list(answered_rows(scene, land, grid, range(len(grid.row_starts))))
    for first in range(0, len(whole_scene), 3):
        for row, known in zip(answered_rows(scene, land, grid, range(first, len(whole_scene))), whole_scene[first:], strict=True):
            assert (row.place, row.columns) == (known.place, known.columns)
            for name in ("planes", "held", "share", "valid"):
                np.testing.assert_array_equal(getattr(row, name), getattr(known, name), err_msg=name)
