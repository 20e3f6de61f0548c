"""What is set into a CT series lies where it is said to lie, as large as the nodule was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.prepare.windowing import modality_values
from core.types import Candidate, Study
from tests.unit.prepare.ct_slices import CT, LUNG, chest, slices
from training.data.nodules import UNRATED, Crops
from training.data.planted import AIRY_HU, DENSE_HU, Planted, middle_crops, plant_of, with_plants
from training.evaluate.planted import Round, false_marks, sensitivity, table

RADIUS_PX = 7.0
"""Of the drawn nodule: 4.9 mm."""


def crop(radius: float = RADIUS_PX) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A bright disc on dark lung, and what four readers drew of it."""
    y, x = np.mgrid[:128, :128]
    is_nodule = np.hypot(y - 64, x - 64) <= radius
    grain = np.random.default_rng(0).integers(-4, 5, (128, 128))
    return np.where(is_nodule, 200, 60 + grain).astype(np.uint8), np.where(is_nodule, 4, 0).astype(np.uint8)


@pytest.fixture(scope="module")
def series() -> Study:
    """Twelve slices of a chest, 2 mm apart."""
    return replace(slices(*[chest()] * 12), slice_spacing_mm=2.0, is_volume=True)


def test_a_nodule_is_set_in_as_a_ball_of_its_own_size_and_density(series: Study) -> None:
    plant = plant_of(*crop(), np.random.default_rng(1), is_sham=False)
    assert plant is not None
    marked, (planted,) = with_plants(series, CT, [plant], np.random.default_rng(1))
    before, after = (np.stack([modality_values(one, frame) for frame in range(12)]) for one in (series, marked))
    assert before[planted.frame, round(planted.row), round(planted.column)] == LUNG  # in a lung, not at its edge
    dense = after > (AIRY_HU + DENSE_HU) / 2
    new = dense & ~(before > (AIRY_HU + DENSE_HU) / 2)
    middle = np.argwhere(new[planted.frame])
    assert np.allclose(middle.mean(axis=0), (planted.row, planted.column), atol=0.6)
    assert new.sum() * 1.4 * 1.4 * 2.0 == pytest.approx(4 / 3 * np.pi * planted.radius_mm**3, rel=0.35)  # its edge is blurred
    assert set(np.flatnonzero(new.any(axis=(1, 2)))) <= {frame for frame in range(12) if abs(frame - planted.frame) * 2.0 < 4.9}
    assert float(np.abs(after - before)[:, :, : int(planted.column) - 20].max()) < 1.0  # the rest is as it was
    assert after.max() <= 60


def test_healthy_tissue_is_set_in_with_no_nodule_in_it(series: Study) -> None:
    plant = plant_of(*crop(), np.random.default_rng(1), is_sham=True)
    assert plant is not None
    marked, (planted,) = with_plants(series, CT, [plant], np.random.default_rng(1))
    assert planted.is_sham
    change = np.abs(modality_values(marked, planted.frame) - modality_values(series, planted.frame))
    assert 0.0 < float(change.max()) < 100.0  # grain of lung for lung


def test_several_lie_apart_from_each_other(series: Study) -> None:
    plants = [plant for _ in range(3) if (plant := plant_of(*crop(), np.random.default_rng(1), is_sham=False)) is not None]
    _, planted = with_plants(series, CT, plants, np.random.default_rng(1))
    places = np.array([(one.row, one.column) for one in planted]) * 1.4
    gaps = np.linalg.norm(places[:, np.newaxis] - places[np.newaxis], axis=2)
    assert len(planted) >= 2
    assert gaps[np.triu_indices(len(planted), 1)].min() > 35.0


def test_a_crop_without_contrast_and_a_nodule_too_large_are_not_planted() -> None:
    image, readers = crop()
    assert plant_of(np.full_like(image, 60), readers, np.random.default_rng(1), is_sham=False) is None
    assert plant_of(*crop(20.0), np.random.default_rng(1), is_sham=False) is None


def test_each_nodule_is_taken_by_the_middle_of_its_slices() -> None:
    image, readers = crop()
    small = np.where(np.arange(128 * 128).reshape(128, 128) < 5, 4, 0).astype(np.uint8)
    names = [f"p/nodule-0_slice-{number}.jpg" for number in (3, 4, 5)] + ["p/nodule-1_slice-9.jpg"]
    crops = Crops(
        tuple(map(Path, names)), ("p",) * 4, np.stack([image] * 4), np.stack([readers, readers, readers, small]), np.full(4, UNRATED)
    )
    assert middle_crops(crops) == [1]


def found(score: float) -> Candidate:
    return Candidate(0.0, 0.0, 0, score, score, None)  # type: ignore[arg-type]


def test_figures_count_nodules_once_and_marks_on_healthy_tissue_as_false() -> None:
    planted = (Planted(0, 0.0, 0.0, 1.5, False), Planted(0, 50.0, 0.0, 4.0, False), Planted(0, 99.0, 0.0, 4.0, True))
    done = [Round(planted, (found(0.9), found(0.8), found(0.7), found(0.6)), (1, 1, 2, None), 50)]
    assert sensitivity(done, 0.5, 0.0) == (1, 2)
    assert sensitivity(done, 0.5, 4.0) == (1, 1)
    assert sensitivity(done, 0.95, 0.0) == (0, 2)
    assert false_marks(done, 0.5) == (1, 1, 50)
    assert false_marks(done, 0.65) == (0, 1, 50)
    assert table(done, 2.0)[2] == "| 0.5 | 0.50 of 2 | 1.00 of 1 | 1.00 of 1 | 4.0 | 1 of 1 |"
