"""The OOD detector of two dates: it counts whole tiles, lets answers pass unchanged, and stays silent where it cannot judge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.inference.scenes.pair_ood import PairDetector, colour_places, is_full
from core.types import Domain, FloatImage, Preprocess
from models.image_statistics import image_statistics
from models.registry import OodDetector
from training.calibrate.fit import fit_ood_detector

CHANNELS = ("blue", "green", "red", "near infrared")
PREPROCESS = Preprocess(Domain.CHANGE, (32, 32), CHANNELS, "scene", ground_sample_distance_m=10.0)
EVERY_BAND = (0, 1, 2, 3)


def ground(count: int, seed: int) -> FloatImage:
    """Tiles of smooth land whose bands go together: float32 [count, 4, 32, 32]."""
    random = np.random.default_rng(seed)
    coarse = random.normal(size=(count, 1, 4, 4)) + 0.1 * random.normal(size=(count, 4, 4, 4))
    return np.kron(coarse, np.ones((8, 8))).astype(np.float32)


def noise(count: int, seed: int) -> FloatImage:
    return np.random.default_rng(seed).normal(size=(count, 4, 32, 32)).astype(np.float32)


@pytest.fixture(scope="module")
def known() -> OodDetector:
    colours = colour_places(PREPROCESS)
    train, held = (image_statistics(ground(300, seed)[:, colours]) for seed in (1, 2))
    return fit_ood_detector([train], [held])


def test_what_looks_like_the_training_is_inside_and_noise_is_outside_at_its_date_alone(known: OodDetector) -> None:
    detector = PairDetector(known, PREPROCESS, EVERY_BAND)
    detector.look(ground(50, 5), noise(50, 6))
    assert detector.shares is not None
    assert detector.shares[0] < 0.15 and detector.shares[1] == 1.0


def test_shares_are_of_all_tiles_that_went_through(known: OodDetector) -> None:
    detector = PairDetector(known, PREPROCESS, EVERY_BAND)
    for date in (noise(10, 7), ground(30, 8)):
        detector.look(date, date)
    assert detector.shares is not None and 0.25 <= detector.shares[0] <= 0.35


def test_tiles_that_lack_data_are_not_judged(known: OodDetector) -> None:
    detector, empty = PairDetector(known, PREPROCESS, EVERY_BAND), noise(4, 9)
    empty[:, :, :16] = 0.0
    detector.look(empty, empty)
    assert not is_full(empty).any() and is_full(noise(4, 9)).all()
    assert detector.shares is None


@pytest.mark.parametrize("places", [(0, 1), (3,), ()])
def test_without_red_green_and_blue_nothing_is_judged(known: OodDetector, places: tuple[int, ...]) -> None:
    detector = PairDetector(known, PREPROCESS, places)
    detector.look(noise(4, 1), noise(4, 2))
    assert detector.shares is None


def test_a_model_that_reads_no_colours_has_no_detector(known: OodDetector) -> None:
    infrared = replace(PREPROCESS, channels=("near infrared",))
    assert colour_places(infrared) == [] and colour_places(PREPROCESS) == [2, 1, 0]


def test_a_model_without_a_detector_counts_nothing() -> None:
    detector = PairDetector(None, PREPROCESS, EVERY_BAND)
    detector.look(noise(4, 1), noise(4, 2))
    assert detector.shares is None
