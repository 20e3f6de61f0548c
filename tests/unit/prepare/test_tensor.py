"""Size and standardisation of a network's input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from core.prepare.tensor import resize, standardise
from tests.unit.report import examples as ex


def test_shrinking_averages_instead_of_skipping_pixels() -> None:
    stripes = np.tile(np.array([0.0, 1.0], np.float32), (1, 64, 32))
    assert np.abs(resize(stripes, (8, 8)) - 0.5).max() < 0.1


def test_an_image_of_the_models_size_is_left_as_it_is() -> None:
    image = np.random.default_rng(2).random((3, 20, 30)).astype(np.float32)
    np.testing.assert_array_equal(resize(image, (20, 30)), image)


@pytest.mark.parametrize(
    ("shape", "size"),
    [((1, 250, 204), (56, 48)), ((3, 39, 32), (64, 64)), ((2, 50, 70), (50, 30)), ((1, 100, 90), (33, 200)), ((1, 1, 5), (3, 1))],
)
def test_an_image_is_resized_as_torch_resizes_it(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    image = np.random.default_rng(2).random(shape, dtype=np.float32)
    expected = F.interpolate(torch.from_numpy(image)[None], size=size, mode="bilinear", align_corners=False, antialias=True)[0].numpy()
    np.testing.assert_allclose(resize(image, size), expected, rtol=0.0, atol=1e-6)


def test_resizing_keeps_the_mean_the_range_and_the_channels_apart() -> None:
    image = np.random.default_rng(2).random((3, 90, 61)).astype(np.float32)
    image[1] *= 0.2
    resized = resize(image, (32, 32))
    assert (resized.shape, resized.dtype) == ((3, 32, 32), np.float32)
    np.testing.assert_allclose(resized.mean(axis=(1, 2)), image.mean(axis=(1, 2)), atol=0.02)
    assert resized.min() >= image.min()
    assert resized.max() <= image.max()


def test_an_image_standardised_by_itself_forgets_exposure_and_contrast() -> None:
    image = np.random.default_rng(2).random((1, 16, 16)).astype(np.float32)
    values = standardise(image, ex.CHEST)
    np.testing.assert_allclose([values.mean(), values.std()], [0.0, 1.0], atol=1e-5)
    np.testing.assert_allclose(standardise(image * 0.5 + 0.2, ex.CHEST), values, atol=1e-4)


def test_a_constant_image_becomes_zeros() -> None:
    assert np.abs(standardise(np.full((1, 8, 8), 0.37, np.float32), ex.CHEST)).max() < 1e-3


def test_fixed_numbers_are_those_of_the_model_channel_by_channel() -> None:
    model = replace(ex.LAND, mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 0.1))
    values = standardise(np.full((3, 4, 4), 0.6, np.float32), model)
    np.testing.assert_allclose(values[:, 0, 0], [1.0, 1.6, 3.0], rtol=1e-5)
