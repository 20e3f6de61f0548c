"""Statistics beside the embedding: they see roughness, colour and spread, and nothing that a JPEG alone would change."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from core.types import FloatImage
from models.image_statistics import image_statistics, statistics_length


def smooth(count: int = 4, channels: int = 3, side: int = 64) -> FloatImage:
    """Images without fine detail: a slope in each channel."""
    slope = np.linspace(-1.0, 1.0, side, dtype=np.float32)
    return np.broadcast_to(slope, (count, channels, side, side)).copy()


@pytest.mark.parametrize("channels", [1, 3, 6])
@pytest.mark.parametrize("side", [16, 56, 64, 128])
def test_every_image_of_a_kind_has_as_many_statistics(channels: int, side: int) -> None:
    values = np.random.default_rng(0).normal(size=(2, channels, side, side)).astype(np.float32)
    found = image_statistics(values)
    assert found.shape == (2, statistics_length(channels)) and found.dtype == np.float32
    assert np.isfinite(found).all()


@pytest.mark.parametrize("value", [0.0, 3.0, -2.5])
def test_a_flat_image_has_finite_statistics(value: float) -> None:
    assert np.isfinite(image_statistics(np.full((1, 3, 64, 64), value, np.float32))).all()


def test_each_image_is_described_by_itself() -> None:
    values = np.random.default_rng(1).normal(size=(3, 3, 32, 32)).astype(np.float32)
    np.testing.assert_allclose(image_statistics(values)[1:2], image_statistics(values[1:2]), rtol=1e-5)


def test_mirror_images_and_quarter_turns_are_the_same_to_them() -> None:
    values = np.random.default_rng(2).normal(size=(1, 3, 64, 64)).astype(np.float32)
    plain = image_statistics(values)
    for changed in (values[..., ::-1], values[:, :, ::-1], values.transpose(0, 1, 3, 2)):
        np.testing.assert_allclose(image_statistics(np.ascontiguousarray(changed)), plain, atol=1e-4)


def test_noise_changes_the_finest_scale_most() -> None:
    plain = smooth(1, channels=1)
    noise = np.random.default_rng(3).normal(0.0, 0.2, plain.shape).astype(np.float32)
    grown = (image_statistics(plain + noise) - image_statistics(plain))[0, 4::4]  # energy of each scale follows the four of the channel
    assert grown[0] == grown.max() and grown[0] > 3.0


def test_exchanged_channels_are_seen() -> None:
    values = smooth(1)
    values[:, 2] = 0.3 * values[:, 2] + 0.5
    assert np.abs(image_statistics(values) - image_statistics(values[:, ::-1].copy())).max() > 0.3


def test_a_jpeg_that_halves_the_resolution_of_colours_hardly_changes_them() -> None:
    random = np.random.default_rng(4)
    coarse = random.uniform(0.2, 0.8, (16, 16, 3))
    picture = np.asarray(Image.fromarray((coarse * 255).astype(np.uint8)).resize((64, 64), Image.Resampling.BICUBIC))
    noisy = np.clip(picture + random.normal(0.0, 6.0, picture.shape), 0, 255).astype(np.uint8)
    stored = io.BytesIO()
    Image.fromarray(noisy).save(stored, "JPEG", quality=95, subsampling=2)
    as_values = [np.moveaxis(np.asarray(one, dtype=np.float32) / 255.0, 2, 0)[np.newaxis] for one in (noisy, Image.open(stored))]
    before, after = (image_statistics(values) for values in as_values)
    assert np.abs(before - after).max() < 1.0
