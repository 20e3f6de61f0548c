"""Polygons of a class raster, read in strips, against the same raster polygonised in one piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from rasterio.features import shapes
from rasterio.transform import Affine
from scipy.ndimage import gaussian_filter
from shapely.geometry import Polygon, shape
from shapely.geometry.base import BaseGeometry

from core.areas.polygons import ClassStrip, OutlinedArea, polygons_of

NODATA = 255
PLACE = Affine.translation(500_000, 5_000_000) @ Affine.rotation(20) @ Affine.scale(10, -12)
PIXELS = Affine.scale(1.0)


def hectares_for(width: int) -> Any:
    """Each row's pixels are a hundredth larger than those of the row above."""
    return lambda top, rows: np.repeat(1.0 + 0.01 * np.arange(top, top + rows)[:, None], width, axis=1)


def strips(classes: NDArray[np.uint8], rows: int, scores: NDArray[np.float32] | None = None) -> Iterator[ClassStrip]:
    for top in range(0, len(classes), rows):
        place = slice(top, top + rows)
        yield ClassStrip(top, classes[place], None if scores is None else scores[place])


def patches(classes: NDArray[np.uint8], rows: int, transform: Affine = PIXELS, **options: Any) -> list[OutlinedArea]:
    given = {"nodata": NODATA, **options}
    return list(polygons_of(strips(classes, rows), transform, hectares_for(classes.shape[1]), **given))


def landscape(smooth: float, size: tuple[int, int] = (40, 30)) -> NDArray[np.uint8]:
    """Four classes and five per cent of nodata, in patches of about `smooth` pixels."""
    rng = np.random.default_rng(5)
    fields = gaussian_filter(rng.normal(size=(4, *size)), (0, smooth, smooth))
    classes = fields.argmax(axis=0).astype(np.uint8)
    classes[rng.random(size) < 0.05] = NODATA
    return classes


def in_order(parts: Iterable[tuple[int, BaseGeometry]]) -> list[tuple[int, BaseGeometry]]:
    return sorted(parts, key=lambda part: (part[0], part[1].bounds, part[1].area))


@pytest.mark.parametrize("smooth", [0.1, 2.0])
@pytest.mark.parametrize("rows", [1, 3, 32])
def test_strips_of_any_height_give_the_polygons_of_the_whole(smooth: float, rows: int) -> None:
    classes = landscape(smooth)
    whole = in_order((int(value), shape(outline)) for outline, value in shapes(classes, mask=classes != NODATA, connectivity=4))
    found = in_order((patch.value, patch.geometry) for patch in patches(classes, rows))
    assert [value for value, _ in found] == [value for value, _ in whole]
    assert all(ours.equals(theirs) for (_, ours), (_, theirs) in zip(found, whole, strict=True))
    assert all(geometry.is_valid and geometry.geom_type == "Polygon" for _, geometry in found)


def test_outlines_lie_in_the_crs_of_the_raster_also_of_a_rotated_one() -> None:
    (patch,) = patches(np.ones((2, 3), np.uint8), 1, PLACE)
    corners = [PLACE @ corner for corner in ((0, 0), (3, 0), (3, 2), (0, 2))]
    assert patch.geometry.symmetric_difference(Polygon(corners)).area < 1e-3


@pytest.mark.parametrize("rows", [1, 7, 40])
def test_a_polygon_knows_its_pixels_hectares_mean_score_and_window(rows: int) -> None:
    classes = landscape(1.5)
    scores = np.random.default_rng(1).random(classes.shape).astype(np.float32)
    area = hectares_for(30)(0, 40)
    found = list(polygons_of(strips(classes, rows, scores), PIXELS, hectares_for(30), nodata=NODATA))
    assert sum(patch.pixels for patch in found) == (classes != NODATA).sum()
    for patch in found:
        left, top, width, height = patch.window
        assert patch.geometry.bounds == (left, top, left + width, top + height)
        assert patch.geometry.area == pytest.approx(patch.pixels)
        rows_inside, columns_inside = np.mgrid[top : top + height, left : left + width]
        is_inside = shapely.contains_xy(patch.geometry, columns_inside + 0.5, rows_inside + 0.5)
        at = rows_inside[is_inside], columns_inside[is_inside]
        assert (classes[at] == patch.value).all()
        assert patch.hectares == pytest.approx(area[at].sum())
        assert patch.score == pytest.approx(scores[at].mean(), rel=1e-5)


def test_arms_that_meet_only_in_a_later_strip_are_one_polygon() -> None:
    classes = np.zeros((9, 7), np.uint8)
    classes[:, [1, 3, 5]] = 1
    classes[8, 1:6] = 1
    found = patches(classes, 2)
    assert [patch.pixels for patch in found if patch.value == 1] == [9 * 3 + 2]


def test_corners_do_not_connect() -> None:
    assert len(patches(np.eye(4, dtype=np.uint8), 2)) == 4 + 2


def test_polygons_below_the_least_area_are_left_out_whole() -> None:
    classes = np.zeros((20, 20), np.uint8)
    classes[4:7, 4:6] = 1  # six pixels on both sides of a seam
    classes[10:15, 10:15] = 2
    found = patches(classes, 5, min_hectares=7.0)
    assert sorted(patch.value for patch in found) == [0, 2]
    assert len(next(patch for patch in found if patch.value == 0).geometry.interiors) == 2


def test_a_polygon_is_handed_out_as_soon_as_it_is_closed() -> None:
    classes = np.zeros((40, 10), np.uint8)
    classes[2:6, 2:5] = 1
    read = []

    def watched() -> Iterator[ClassStrip]:
        for strip in strips(classes, 4):
            read.append(strip.top)
            yield strip

    first = next(polygons_of(watched(), PIXELS, hectares_for(10), nodata=NODATA))
    assert (first.value, read) == (1, [0, 4])


def test_nothing_but_nodata_has_no_polygons() -> None:
    assert patches(np.full((5, 5), NODATA, np.uint8), 2) == []
