"""The lungs of a radiograph are found as radiologists box them, and are not where there is no chest; the body is told from its margin."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from core.prepare.body import body_of_radiograph, body_of_slice
from core.prepare.lung_fields import lung_fields
from core.settings import PROJECT
from core.types import FloatImage
from tests.unit.prepare.ct_slices import chest

ELSEWHERE = PROJECT.parent / "shared" / "data" / "chest-xray-elsewhere"


def film(side: int = 160) -> FloatImage:
    """A bright chest with two dark lungs, and a black margin at both sides."""
    rows, columns = np.mgrid[:side, :side] / side
    values = np.full((side, side), 0.7, dtype=np.float32)
    values[np.abs(columns - 0.5) > 0.42] = 0.0
    for middle in (0.3, 0.7):
        values[((columns - middle) / 0.13) ** 2 + ((rows - 0.45) / 0.28) ** 2 < 1.0] = 0.3
    return np.asarray(ndimage.gaussian_filter(values, 2.0), dtype=np.float32)


def iou(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(0.0, across) * max(0.0, down)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def box_of(mask: np.ndarray) -> tuple[float, ...]:  # type: ignore[type-arg]
    rows, columns = np.nonzero(mask)
    return float(columns.min()), float(rows.min()), float(np.ptp(columns) + 1), float(np.ptp(rows) + 1)


def test_the_lungs_of_a_drawn_chest_are_found_on_either_side() -> None:
    found = lung_fields(film())
    assert found is not None
    assert iou(box_of(found[:, :80]), (0.17 * 160, 0.17 * 160, 0.26 * 160, 0.56 * 160)) > 0.7


@pytest.mark.parametrize("values", [np.zeros((64, 64), np.float32), np.tile(np.linspace(0, 1, 64, dtype=np.float32), (64, 1))])
def test_where_there_are_no_two_dark_fields_no_lungs_are_found(values: FloatImage) -> None:
    assert lung_fields(values) is None


def test_the_lungs_of_films_from_elsewhere_are_found_as_radiologists_boxed_them() -> None:
    if not (ELSEWHERE / "index.csv").is_file():
        pytest.skip("../shared/data/chest-xray-elsewhere is not here")
    with (ELSEWHERE / "index.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["lung_boxes"] not in ("", "[]")]
    overlaps, count = [], 0
    for row in rows:
        pixels = np.asarray(Image.open(ELSEWHERE / row["file"]).convert("L"), dtype=np.float32) / 255
        found, middle = lung_fields(pixels), pixels.shape[1] // 2
        if found is None:
            continue
        count += 1
        for truth in json.loads(row["lung_boxes"]):
            is_left = truth[0] + truth[2] / 2 < middle
            left, *rest = box_of(found[:, :middle] if is_left else found[:, middle:])
            overlaps.append(iou((left if is_left else left + middle, *rest), tuple(truth)))
    assert count / len(rows) >= 0.8
    assert float(np.median(overlaps)) >= 0.7


def test_the_dark_margin_of_a_radiograph_and_a_letter_in_it_are_outside_the_body() -> None:
    values = film()
    values[20:26, 2:5] = 1.0
    body = body_of_radiograph(values)
    assert not body[:, :2].any() and not body[21:25, 2:5].any()
    assert body[72, 48] and body[80, 80]  # a lung, the mediastinum


def test_the_room_is_outside_the_body_of_a_slice_and_the_lungs_are_inside() -> None:
    body = body_of_slice(chest(1.0).astype(np.float32))
    assert body[150, 80] and body[150, 150] and not body[10, 10]
