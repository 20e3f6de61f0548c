"""Where tiles lie: fixed to the map, whatever part of it a scene shows and however it is stored."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.transform import Affine

from core.prepare.grid.ground import lattice_metres, pixel_metres
from core.prepare.grid.lattice import Cutting, LatticeAxis, Orientation, anchored, orientation_of, origins, side
from core.types import Scene

CUTTING = Cutting(cell=4, tile=64, step=28)
SCALES = st.sampled_from([1.0, 0.37, 0.5946, 2.0, 3.3333])
STORED = {
    "north-up": Affine(10, 0, 448_000, 0, -10, 5_411_000),
    "south-up": Affine(10, 0, 448_000, 0, 10, 5_410_000),
    "turned to the right": Affine(0, 10, 448_000, 10, 0, 5_410_000),
    "turned to the left": Affine(0, -10, 448_000, -10, 0, 5_411_000),
    "upside down": Affine(-10, 0, 449_000, 0, 10, 5_410_000),
    "mirrored": Affine(-10, 0, 449_000, 0, -10, 5_411_000),
    "transposed": Affine(0, 10, 448_000, -10, 0, 5_411_000),
    "turned a little": Affine(10, 0, 448_000, 0, -10, 5_411_000) @ Affine.rotation(20),
}


def scene_at(transform: Affine, width: int = 100, height: int = 100, crs: CRS | None = None) -> Scene:
    return Scene("s", "", (), width, height, crs or CRS.from_epsg(32631), transform, "uint16")


def tiles_of(lattice: LatticeAxis) -> range:
    """The numbers of its tiles on the map."""
    return range(lattice.first_tile, lattice.first_tile + len(lattice.starts))


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 900), st.floats(-1e5, 1e6), SCALES, st.data())
def test_a_cut_has_the_tiles_of_the_whole_around_every_pixel_a_tile_inside(
    length: int, origin: float, scale: float, data: st.DataObject
) -> None:
    whole = anchored(length, origin, scale, CUTTING)
    first = data.draw(st.integers(0, length - 1))
    count = data.draw(st.integers(1, length - first))
    cut = anchored(count, origin + first, scale, CUTTING)
    assert set(tiles_of(cut)) <= set(tiles_of(whole)) | {tiles_of(cut)[0], tiles_of(cut)[-1]}
    begin = cut.first_tile * CUTTING.step + cut.before  # model pixels of the map
    for place in range(begin + CUTTING.tile, begin + cut.count - CUTTING.tile):
        around = range((place - CUTTING.tile) // CUTTING.step + 1, place // CUTTING.step + 1)
        assert set(around) <= set(tiles_of(cut)) and set(around) <= set(tiles_of(whole))
    pixels = np.arange(count)
    on_map = [
        lattice.cell_of(places) + lattice.first_tile * CUTTING.step / CUTTING.cell
        for lattice, places in ((cut, pixels), (whole, pixels + first))
    ]
    np.testing.assert_allclose(*on_map, atol=1e-6)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 700), st.floats(-1e5, 1e6), SCALES)
def test_every_pixel_lies_in_a_tile_that_reaches_far_into_the_scene(length: int, origin: float, scale: float) -> None:
    lattice = anchored(length, origin, scale, CUTTING)
    cells = lattice.cell_of(np.arange(length))
    assert cells.min() >= -0.5 and cells.max() <= lattice.cells - 0.5
    spans = [lattice.span(start) for start in lattice.starts]
    assert spans[0][0] == 0 and spans[-1][1] == lattice.count
    assert all(last - first >= min(lattice.count, CUTTING.tile - CUTTING.step + 1) for first, last in spans)
    for start, (first, last) in zip(lattice.starts, spans, strict=True):
        assert sum(lattice.beyond(start)) + last - first == CUTTING.tile
    assert sum(lattice.around) + lattice.count == lattice.cells * CUTTING.cell


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 700), st.floats(-1e5, 1e6), SCALES)
def test_a_side_that_runs_against_the_map_has_its_tiles(length: int, origin: float, scale: float) -> None:
    along = anchored(length, origin, scale, CUTTING)
    against = side(length, -(origin + length), scale, CUTTING, is_mirrored=True)
    assert len(against.starts) == len(along.starts)
    turned = along.cells - 1 - against.cell_of(np.arange(length))[::-1]
    np.testing.assert_allclose(turned, along.cell_of(np.arange(length)), atol=1e-6)
    assert [along.cells - start - CUTTING.tile // CUTTING.cell for start in reversed(against.starts)] == list(along.starts)


@pytest.mark.parametrize("name", STORED)
def test_tiles_are_shown_north_up_however_a_scene_is_stored(name: str) -> None:
    transform = STORED[name]
    rows, columns = np.mgrid[0:4, 0:6].astype(float)
    x = transform.a * columns + transform.b * rows
    y = transform.d * columns + transform.e * rows
    how = orientation_of(scene_at(transform))
    east, north = (how.northed(axis.astype(np.float32)) for axis in (x, y))
    assert (np.diff(east, axis=1) > 0).all() and (np.diff(north, axis=0) < 0).all()
    np.testing.assert_array_equal(how.stored(east), x.astype(np.float32))


def test_without_a_place_the_lattice_begins_with_the_scene() -> None:
    lost = Scene("s", "", (), 10, 10, None, Affine(0, 3, 5, -3, 0, 7), "uint16")
    assert (origins(lost), orientation_of(lost)) == ((0.0, 0.0), Orientation())


def test_a_scene_is_resampled_by_one_size_whatever_part_of_it_is_cut() -> None:
    degree = CRS.from_epsg(4326)
    whole = scene_at(Affine(1.2e-4, 0, 2.3, 0, -1.2e-4, 48.9), 600, 600, degree)
    cut = scene_at(whole.transform @ Affine.translation(250, 310), 200, 150, degree)
    assert pixel_metres(whole) != pixel_metres(cut)
    assert lattice_metres(whole) == lattice_metres(cut)
    for nominal, measured in zip(lattice_metres(whole) or (), pixel_metres(whole) or (), strict=True):
        assert nominal == pytest.approx(measured, rel=0.023)


def test_a_metre_of_the_map_is_taken_for_one_where_it_is_nearly_one() -> None:
    assert lattice_metres(scene_at(STORED["north-up"])) == (10.0, 10.0)
    mercator = scene_at(Affine(10, 0, 260_000, 0, -10, 6_250_000), crs=CRS.from_epsg(3857))
    assert lattice_metres(mercator) == pytest.approx((6.6, 6.6), rel=0.03)
    feet = scene_at(Affine(10, 0, 6_000_000, 0, -10, 2_000_000), crs=CRS.from_epsg(2227))
    assert lattice_metres(feet) == pytest.approx((3.048, 3.048), rel=1e-4)
