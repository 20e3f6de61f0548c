"""The lattice of tiles over a scene, and the scene read in rows at the scale of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine

from core.prepare.grid import rows as rows_module
from core.prepare.grid.bands import read_window, resolve_bands
from core.prepare.grid.lattice import TILE_VIEWS
from core.prepare.grid.rows import ModelRows
from core.prepare.grid.tiles import cell_shares, cut_tiles, hann, spread, tile_grid
from core.readers import SceneOptions, read_scene
from core.types import Scene
from tests.unit.readers.scenes.geotiff_files import write_geotiff
from tests.unit.report import examples as ex

PATCH = (8, 8)
RGB = ("red", "green", "blue")


def scene_of(path: Path, pixels: NDArray[Any], step: float = 10.0, **profile: Any) -> Scene:
    """Reflectance = number / 10,000, 0 for no data."""
    place = Affine(step, 0, 448_000, 0, -step, 5_411_000)
    facts = {"descriptions": ("B04", "B03", "B02"), "nodata": 0, "transform": place, **profile}
    return read_scene([write_geotiff(path, pixels, **facts)], SceneOptions(scale=1e-4, offset=0.0))


def empty_scene(width: int, height: int, step: float = 10.0) -> Scene:
    place = Affine(step, 0, 0, 0, -step, 0)  # where the lattice begins
    return Scene("s", "", (), width, height, CRS.from_epsg(32631), place, "uint16")


def model_rows(scene: Scene) -> tuple[ModelRows, int]:
    grid = tile_grid(scene, ex.LAND, PATCH)
    return ModelRows(scene, resolve_bands(scene, RGB)[0], ex.LAND, grid), grid.rows


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 700), st.integers(1, 700), st.sampled_from([0.6, 5.0, 10.0, 13.0, 30.0, 300.0]))
def test_every_token_lies_in_a_tile_and_every_scene_row_in_one_token_row(width: int, height: int, step: float) -> None:
    grid = tile_grid(empty_scene(width, height, step), ex.LAND, PATCH)
    for starts, tile, tokens in ((grid.row_starts, grid.tile[0], grid.token_rows), (grid.column_starts, grid.tile[1], grid.token_columns)):
        covered = np.zeros(tokens, dtype=int)
        for start in starts:
            covered[start : start + tile] += 1
        assert covered.min() >= 1
        assert starts[-1] + tile == tokens
    above = [grid.scene_rows_above(row) for row in range(grid.token_rows + 1)]
    assert above == sorted(above)
    assert (above[0], above[-1]) == (0, height)
    assert (grid.columns + 7) // 8 <= grid.token_columns


def test_tiles_overlap_by_nearly_half_and_neighbours_have_their_tokens_half_a_token_apart() -> None:
    grid = tile_grid(empty_scene(640, 640), ex.LAND, PATCH)
    assert (grid.patch, grid.tile, grid.column_starts[:3]) == ((4, 4), (16, 16), (0, 9, 18))
    assert grid.tiles == len(grid.row_starts) ** 2


def test_pixels_of_nearly_the_models_size_and_far_coarser_ones_are_read_as_they_are() -> None:
    assert tile_grid(empty_scene(640, 640, 10.3), ex.LAND, PATCH).rows == 640
    assert tile_grid(empty_scene(640, 640, 5.0), ex.LAND, PATCH).rows == 320
    assert tile_grid(empty_scene(100, 100, 39.0), ex.LAND, PATCH).rows == 390
    assert tile_grid(empty_scene(100, 100, 41.0), ex.LAND, PATCH).rows == 100


def test_the_weights_of_a_tile_are_largest_in_its_middle_and_never_zero() -> None:
    weights = hann((8, 8))
    assert weights.min() > 0
    assert weights.max() == weights[3, 4] > 10 * weights[0, 0]


def test_a_tile_without_data_is_left_out_and_a_hole_takes_the_mean_of_its_tile() -> None:
    grid = tile_grid(empty_scene(64 * 3, 64), ex.LAND, PATCH)
    values = np.full((3, 64, 192), 0.5, np.float32)
    share = np.ones((64, 192), np.float32)
    values[:, :, :120], share[:, :120] = 0.0, 0.0
    starts, tiles, shares = cut_tiles(values, share, grid, 0)
    assert starts == [place for place, column in enumerate(grid.column_starts) if column * 4 + 64 > 120]
    np.testing.assert_array_equal(tiles, 0.5)
    assert 0 < shares[0] < shares[1] and shares[-1] == pytest.approx((192 - grid.column_starts[-1] * 4) / 64), "what is mirrored is no data"
    assert cell_shares(share, grid, 0)[0, 29:31].tolist() == [0.0, 1.0]


def test_what_lies_past_the_end_of_the_scene_mirrors_it_and_counts_as_without_data() -> None:
    grid = tile_grid(empty_scene(18, 14), ex.LAND, PATCH)
    values = np.arange(3 * 14 * 18, dtype=np.float32).reshape(3, 14, 18)
    share = np.ones((14, 18), np.float32)
    _, tiles, shares = cut_tiles(values, share, grid, 0)
    assert shares[0] == pytest.approx(14 * 18 / 64**2)
    np.testing.assert_array_equal(tiles[0][:, :28, :36], np.pad(values, ((0, 0), (0, 14), (0, 18)), mode="symmetric"))
    assert cell_shares(share, grid, 0)[3, :6].tolist() == [0.5, 0.5, 0.5, 0.5, 0.25, 0.0]


def test_of_any_two_by_two_tiles_each_is_seen_by_another_quarter_turn() -> None:
    grid = tile_grid(empty_scene(640, 640), ex.LAND, PATCH)
    for row, column in np.ndindex(8, 8):
        views = [grid.view(row + down, column + across) for down, across in np.ndindex(2, 2)]
        assert {TILE_VIEWS.index(view) % 4 for view in views} == {0, 1, 2, 3}
        assert grid.is_even(row, column) != grid.is_even(row, column + 1) != grid.is_even(row + 1, column + 1)


def test_a_view_of_a_tile_is_turned_back() -> None:
    tile = np.arange(2 * 5 * 5, dtype=np.float32).reshape(2, 5, 5)
    seen = [view.northed(tile) for view in TILE_VIEWS]
    for view, turned in zip(TILE_VIEWS, seen, strict=True):
        np.testing.assert_array_equal(view.stored(turned), tile)
    assert len({turned.tobytes() for turned in seen}) == 8
    turns = {np.rot90(tile, turn, axes=(1, 2)).tobytes() for turn in range(4)}
    assert {turned.tobytes() for turned in seen[:4]} == turns


def test_what_is_said_of_tokens_is_spread_over_their_cells() -> None:
    tokens = np.zeros((1, 8, 8), np.float32)
    tokens[0, 3, 4] = 1.0
    cells = spread(tokens, (16, 16))[0]
    assert np.unravel_index(cells.argmax(), cells.shape) in [(row, column) for row in (6, 7) for column in (8, 9)]
    np.testing.assert_allclose(spread(np.ones((1, 8, 8), np.float32), (16, 16)), 1.0, rtol=1e-6)


@pytest.mark.parametrize("step", [10.0, 4.0, 25.0])
def test_rows_do_not_depend_on_how_many_are_read_or_asked_for_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    pixels = np.random.default_rng(1).integers(1, 2500, (3, 90, 70)).astype(np.uint16)
    pixels[:, 30:50, 10:40] = 0
    scene = scene_of(tmp_path / "s.tif", pixels, step)
    at_once, count = model_rows(scene)
    values, share = at_once.take(0, count)
    monkeypatch.setattr(rows_module, "_READ_PIXELS", 7 * 70)
    piecewise, _ = model_rows(scene)
    pieces = [piecewise.take(top, min(top + 5, count)) for top in range(0, count, 5)]
    np.testing.assert_allclose(np.concatenate([piece[0] for piece in pieces], axis=1), values, atol=1e-6)
    np.testing.assert_allclose(np.concatenate([piece[1] for piece in pieces]), share, atol=1e-6)
    mask = np.concatenate([piecewise.take_mask(rows) for rows in (1, 40, 49)])
    np.testing.assert_array_equal(mask, read_window(scene, resolve_bands(scene, RGB)[0], (0, 0, 70, 90))[1])


@pytest.mark.parametrize("step", [2.5, 10.0, 30.0])
def test_a_slope_keeps_its_slope_at_the_models_scale(tmp_path: Path, step: float) -> None:
    ground = (np.arange(120) + 0.5) * step  # metres from the left edge
    pixels = np.broadcast_to(500 + ground / (120 * step) * 2000, (3, 80, 120)).astype(np.float32)
    rows, count = model_rows(scene_of(tmp_path / "s.tif", pixels, step, nodata=None))
    values, share = rows.take(0, count)
    assert share == pytest.approx(1.0)
    middle = values[0, count // 2, 4:-4] * 2750  # a reflectance of 0.275 is rendered as 1
    expected = 500 + (np.arange(values.shape[2]) + 0.5)[4:-4] / values.shape[2] * 2000
    np.testing.assert_allclose(middle, expected, rtol=2e-3)


@pytest.mark.parametrize("step", [4.0, 10.0, 25.0])
def test_pixels_without_data_do_not_bleed_into_their_neighbours(tmp_path: Path, step: float) -> None:
    pixels = np.full((3, 90, 70), 1100, np.uint16)
    pixels[:, 20:60, 15:33] = 0
    rows, count = model_rows(scene_of(tmp_path / "s.tif", pixels, step))
    values, share = rows.take(0, count)
    np.testing.assert_allclose(values[:, share > 0], 0.4, atol=1e-5)
    assert (share == 0).any()
