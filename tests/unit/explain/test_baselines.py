"""What removed pixels become."""

from __future__ import annotations

import numpy as np

from core.explain.baselines import baseline_of
from core.prepare.tensor import standardise
from core.types import Domain, Preprocess


def test_the_mean_of_a_radiograph_is_the_mean_grey_of_that_radiograph() -> None:
    preprocess = Preprocess(Domain.RADIOGRAPH, (16, 16), ("luminance",), "image")
    shown = np.random.default_rng(0).random((1, 16, 16), dtype=np.float32)
    back = baseline_of("mean", standardise(shown, preprocess)) * shown.std() + shown.mean()
    np.testing.assert_allclose(back, shown.mean(), rtol=1e-6)


def test_the_mean_of_a_scene_is_the_mean_colour_of_the_training_data() -> None:
    mean, std = (0.35, 0.38, 0.41), (0.2, 0.14, 0.12)
    preprocess = Preprocess(Domain.LAND_COVER, (8, 8), ("red", "green", "blue"), "fixed", mean, std)
    meadow = np.full((3, 8, 8), 0.2, dtype=np.float32)
    back = baseline_of("mean", standardise(meadow, preprocess)) * np.array(std)[:, None, None] + np.array(mean)[:, None, None]
    np.testing.assert_allclose(back, np.broadcast_to(np.array(mean)[:, None, None], (3, 8, 8)))


def test_a_blurred_image_keeps_its_brightness_and_loses_its_detail() -> None:
    values = np.random.default_rng(0).normal(1.0, 1.0, (2, 32, 32)).astype(np.float32)
    blurred = baseline_of("blur", values)
    assert blurred.dtype == np.float32
    np.testing.assert_allclose(blurred.mean(axis=(1, 2)), values.mean(axis=(1, 2)), atol=0.1)
    assert blurred.std() < 0.2 * values.std()
