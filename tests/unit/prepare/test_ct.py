"""How a slice of CT becomes windows: at the model's spacing, inside the lungs, each scaled by itself; and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from pydicom import Dataset
from skimage.morphology import convex_hull_image

from core.errors import OutOfRange
from core.prepare.body import body_of_slice, convex_hull
from core.prepare.ct import NO_LUNG, centre_window, corners, is_searched, middle_of, plane_of, slab_about, slab_mm, slabs_of, window_about
from core.prepare.ct_lungs import AIRY, DENSITY, REACH_MM, SMALLEST_MM2, lung_field
from core.prepare.inputs import to_input
from core.readers import read_series
from core.types import Notice, Picture, notice
from tests.unit.prepare.ct_slices import CT, chest, slices


def picture(rows: int, columns: int) -> Picture:
    return Picture("crop.png", "0" * 64, np.random.default_rng(1).integers(20, 200, (rows, columns)).astype(np.uint8))


def test_the_lungs_are_what_holds_air_and_is_neither_the_room_nor_the_windpipe() -> None:
    field = lung_field(chest(1.0).astype(np.float32), 1.0)
    assert field[150, 80] and field[150, 220]
    assert not field[5, 5] and not field[130, 150]
    assert 0.14 < field.mean() < 0.35  # two ellipses of 45 x 70 mm, and the rim around them


def test_a_nodule_at_the_pleura_is_inside_the_field() -> None:
    field = lung_field(chest(1.0, nodules=((36.0, 150.0), (80.0, 150.0))).astype(np.float32), 1.0)
    assert field[150, 36] and field[150, 80]


def test_a_lung_that_the_field_of_view_cuts_open_is_searched_and_the_room_beside_is_not() -> None:
    cut = chest(1.0).astype(np.float32)
    rows, columns = np.ogrid[:300, :300]
    cut[np.hypot(rows - 150, columns - 165) > 115] = -1024.0  # the circle that was measured ends in the lung on the left of the image
    assert cut[150, 49] == -1024.0 and cut[150, 51] == -850.0  # that lung begins at column 35
    field = lung_field(cut, 1.0)
    assert field[150, 60] and field[150, 110] and field[150, 220]
    assert not field[60, 165]  # the room, inside the circle


def test_foam_of_a_table_as_dense_as_lung_is_not_searched() -> None:
    table = chest(1.0).astype(np.float32)
    table[262:290, 40:260] = -940.0
    table[260:262, 30:270] = 200.0  # its plate
    field = lung_field(table, 1.0)
    assert field[150, 80] and field[150, 220]
    assert not field[270:].any()


def test_both_lungs_of_a_real_series_are_searched_in_every_slice(shared_data: Path) -> None:
    (series,) = read_series(sorted((shared_data / "dicom" / "ct-chest-series").glob("*.dcm")), "series")
    for frame in range(series.shape[0]):
        field = plane_of(series, CT, frame).searched
        middle = field.shape[1] // 2
        left, right = field[:, :middle].sum(), field[:, middle:].sum()
        assert min(left, right) > 0.4 * max(left, right)
        assert not field[int(0.8 * len(field)) :].any()  # the table


def test_a_slice_without_lung_has_no_field_and_is_refused_with_that_reason() -> None:
    belly = slices(chest(has_lungs=False))
    assert not plane_of(belly, CT).searched.any()
    assert to_input(belly, CT).refusal == NO_LUNG
    assert not to_input(belly, CT).is_empty


@pytest.mark.parametrize("spacing", [0.5, 1.4])
def test_a_window_covers_the_same_millimetres_whatever_the_spacing_of_the_file(spacing: float) -> None:
    given = window_about(plane_of(slices(chest(spacing), spacing=spacing), CT), 80 / spacing, 150 / spacing, CT)
    left, top, width, height = given.box
    assert (width * spacing, height * spacing) == pytest.approx((56 * 0.7, 56 * 0.7), rel=0.01)
    assert ((left + width / 2) * spacing, (top + height / 2) * spacing) == pytest.approx((80, 150), abs=0.8)


def test_a_window_is_scaled_from_its_own_smallest_to_its_own_largest_value() -> None:
    study = slices(chest(nodules=((80.0, 150.0),)))
    shown = window_about(plane_of(study, CT), 80 / 1.4, 150 / 1.4, CT).shown
    assert (shown.min(), shown.max()) == (0.0, 1.0)
    assert shown[0, 28, 28] == pytest.approx(1.0, abs=0.02)
    assert shown[0, 5, 28] == pytest.approx(0.0, abs=0.02)


def test_padding_outside_the_field_of_view_counts_as_air() -> None:
    pixels = chest()
    padded = np.where(pixels == -1000, np.int16(-3024), pixels)
    assert plane_of(slices(padded), CT).values.min() == -1024.0


def test_windows_are_cut_where_there_is_lung_and_nowhere_else() -> None:
    plane = plane_of(slices(chest()), CT)
    places = corners(plane, CT.size, 24)
    assert 0 < len(places) < 0.6 * (plane.values.shape[0] / 24) ** 2
    assert all(plane.searched[top : top + 56, left : left + 56].any() for left, top in places)
    assert all(left + 56 <= plane.values.shape[1] and top + 56 <= plane.values.shape[0] for left, top in places)


def test_a_picture_of_the_windows_size_is_taken_whole_and_a_larger_one_is_searched_everywhere() -> None:
    small = picture(56, 56)
    given = to_input(small, CT)
    assert not is_searched(small, CT)
    assert given.box == (0.0, 0.0, 56.0, 56.0)
    expected = (small.pixels - small.pixels.mean()) / small.pixels.std()
    np.testing.assert_allclose(given.values[0], expected, atol=1e-4)
    large = picture(128, 128)
    assert is_searched(large, CT)
    assert plane_of(large, CT).searched.all()
    assert max(corners(plane_of(large, CT), CT.size, 24)) == (72, 72)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"modality": "MR"}, notice("input.other-modality", modality="MR", domain="chest-ct", modalities=("CT",))),
        ({"body_part": "HEAD"}, notice("input.other-body-part", part="HEAD", parts=CT.body_parts)),
        ({"body_part": "ABDOMEN"}, notice("input.other-body-part", part="ABDOMEN", parts=CT.body_parts)),
    ],
)
def test_another_modality_or_body_part_is_refused_by_name(changes: dict[str, Any], reason: Notice) -> None:
    assert to_input(slices(chest(), **changes), CT).refusal == reason


@pytest.mark.parametrize("part", ["CHEST", "LUNG", "THORAX", ""])
def test_a_chest_or_an_unnamed_part_is_read(part: str) -> None:
    given = to_input(slices(chest(), body_part=part), CT)
    assert given.refusal is None
    assert (notice("ct.chest-assumed") in given.assumptions) == (part == "")


def test_a_localizer_is_refused_and_a_missing_spacing_is_said() -> None:
    study = slices(chest())
    header = Dataset()
    header.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    assert to_input(replace(study, header=header), CT).refusal == notice("input.localizer")
    assert notice("ct.spacing-assumed", mm=0.7) in to_input(replace(study, spacing_mm=None), CT).assumptions


def test_a_picture_in_colour_or_larger_than_any_slice_is_refused() -> None:
    coloured = np.zeros((56, 56, 3), np.uint8)
    coloured[..., 0] = np.arange(56) * 4
    assert to_input(Picture("a.png", "0" * 64, coloured), CT).refusal == notice("picture.in-colour", domain="chest-ct")
    assert to_input(picture(1100, 600), CT).refusal == notice("picture.too-large-for-ct", columns=600, rows=1100, most=1024)


def test_a_place_outside_the_slice_and_a_slice_that_is_not_there_are_refused() -> None:
    study = slices(chest(), chest())
    with pytest.raises(OutOfRange):
        window_about(plane_of(study, CT, 1), 1000, 10, CT)
    with pytest.raises(OutOfRange):
        plane_of(study, CT, 2)
    assert centre_window(study, CT).frame == 1


def field_of_the_whole_slice(values: NDArray[np.float32], spacing: float) -> NDArray[np.bool_]:
    """The field by distances over all of the slice, as ct_lungs defines it."""
    pieces, count = scipy.ndimage.label((values < AIRY) & body_of_slice(values))
    numbers = np.arange(1, count + 1)
    medians = np.asarray(scipy.ndimage.median(values, pieces, numbers))
    areas = np.asarray(scipy.ndimage.sum_labels(np.ones_like(values), pieces, numbers)) * spacing**2
    lungs = np.isin(pieces, numbers[(areas >= SMALLEST_MM2) & (medians > DENSITY[0]) & (medians < DENSITY[1])])
    near = scipy.ndimage.distance_transform_edt(~lungs) <= REACH_MM / spacing
    filled = scipy.ndimage.binary_fill_holes((scipy.ndimage.distance_transform_edt(near) > REACH_MM / spacing) | lungs)
    return np.asarray(scipy.ndimage.distance_transform_edt(~filled) <= REACH_MM / spacing)


@pytest.mark.parametrize("spacing", [0.7, 1.4])
@pytest.mark.parametrize(("top", "left"), [(0, 0), (60, 0), (85, 37)])
def test_distances_are_reckoned_around_the_lungs_alone_and_the_field_is_that_of_the_whole_slice(
    spacing: float, top: int, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(1).normal(0.0, 30.0, chest(spacing).shape)
    values = (chest(spacing, nodules=((40.0, 150.0), (84.0, 140.0))) + noise).astype(np.float32)
    values = values[round(top / spacing) :, round(left / spacing) :]  # a lung that touches the edge
    expected, sizes = field_of_the_whole_slice(values, spacing), []
    reckoned = scipy.ndimage.distance_transform_edt
    monkeypatch.setattr(scipy.ndimage, "distance_transform_edt", lambda mask: [sizes.append(mask.size), reckoned(mask)][1])
    assert expected.any()
    assert_array_equal(lung_field(values, spacing), expected)
    assert max(sizes) < 0.9 * values.size


def test_a_convex_hull_is_that_of_scikit_image() -> None:
    random = np.random.default_rng(0)
    for _ in range(40):
        rough = random.normal(size=random.integers(5, 60, 2))
        smooth = scipy.ndimage.gaussian_filter(rough, random.uniform(0.5, 5.0))
        mask = smooth > np.quantile(smooth, random.uniform(0.5, 0.98))
        assert_array_equal(convex_hull(mask), convex_hull_image(mask))
    dot = np.zeros((5, 6), dtype=np.bool_)
    dot[2, 3] = True
    assert_array_equal(convex_hull(dot), dot)


def test_thin_slices_of_a_volume_are_read_together_up_to_the_thickness_of_a_slab() -> None:
    thin = replace(slices(*[chest()] * 7), slice_spacing_mm=0.8, is_volume=True)
    assert slabs_of(thin) == [range(3), range(3, 6), range(6, 7)]
    assert [middle_of(slab) for slab in (range(3), range(4, 6), range(6, 7))] == [1, 4, 6]
    assert [len(slabs_of(replace(thin, slice_spacing_mm=mm))[0]) for mm in (0.625, 1.0, 1.25, 1.5, 1.6, 2.5, 5.0)] == [4, 3, 2, 2, 1, 1, 1]
    assert [slab_about(thin, frame) for frame in (0, 3, 6)] == [range(3), range(3, 6), range(6, 7)]
    alone = Picture("a", "", np.zeros((9, 9), np.uint8))
    assert len(slabs_of(replace(thin, is_volume=False))) == 7
    assert slabs_of(alone) == [range(1)]


def test_slices_that_overlap_are_as_thick_as_they_say() -> None:
    overlapping = replace(slices(*[chest()] * 6), slice_spacing_mm=0.8, is_volume=True)
    overlapping.header.SliceThickness = "1.25"
    assert len(slabs_of(overlapping)[0]) == 3
    assert slab_mm(overlapping, 3) == pytest.approx(2.85)
    overlapping.header.SliceThickness = "2.5"
    assert len(slabs_of(overlapping)) == 6


def test_a_slab_is_the_mean_of_its_slices_with_padding_as_air() -> None:
    stack = [np.full((200, 200), value, dtype=np.int16) for value in (-3000, -1000, 24)]
    study = replace(slices(*stack), slice_spacing_mm=0.8, is_volume=True)
    assert plane_of(study, CT, 1).values == pytest.approx((-1024 - 1000 + 24) / 3, abs=0.01)
    assert plane_of(replace(study, is_volume=False), CT, 1).values == pytest.approx(-1000)
