"""Strangers for the OOD detector are what they are called, and unlike what they were made from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.data.outliers import KINDS, made_outliers


def images(channels: int) -> Tensor:
    random = np.random.default_rng(0)
    base = random.integers(20, 200, (6, channels, 1, 1)) + random.integers(0, 30, (6, channels, 24, 20))
    return torch.from_numpy(base.astype(np.uint8))


def made(kind: str, channels: int = 3) -> NDArray[np.uint8]:
    return np.asarray(made_outliers(images(channels), (kind,), 20, seed=1)[kind].numpy())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "permuted"])
def test_each_kind_has_the_size_and_channels_of_the_images(kind: str, channels: int) -> None:
    found = made(kind, channels)
    assert found.shape == (20, channels, 24, 20)
    assert found.dtype == np.uint8
    assert len(np.unique(found.reshape(20, -1), axis=0)) > 1


def test_the_order_of_the_channels_is_wrong_and_their_values_are_not() -> None:
    known = {one.tobytes() for one in images(3).numpy()}
    for one in made("permuted"):
        assert one.tobytes() not in known
        assert any(
            sorted(channel.tobytes() for channel in one) == sorted(channel.tobytes() for channel in other) for other in images(3).numpy()
        )


def test_a_negative_of_a_negative_is_the_image() -> None:
    known = {one.tobytes() for one in images(3).numpy()}
    assert all((255 - one).astype(np.uint8).tobytes() in known for one in made("inverted"))


def test_grey_has_no_colour_and_flat_one_alone() -> None:
    assert (np.ptp(made("grey"), axis=1) == 0).all()
    assert (np.ptp(made("flat"), axis=(2, 3)) == 0).all()


def test_the_same_seed_makes_the_same_outliers() -> None:
    assert (made("drawn") == made("drawn")).all()
    assert (made("noise") == made("noise")).all()


def test_a_scrambled_image_keeps_how_much_there_is_of_each_frequency() -> None:
    one = images(1)[:1]
    one = (one.float() / 2 + 60).to(torch.uint8)  # far from 0 and 255, so that nothing is cut off
    found = made_outliers(one, ("scrambled",), 1, seed=1)["scrambled"].numpy()[0, 0].astype(float)
    before, after = (np.abs(np.fft.fft2(values)) for values in (one.numpy()[0, 0].astype(float), found))
    assert np.corrcoef(before[1:, 1:].ravel(), after[1:, 1:].ravel())[0, 1] > 0.95
    assert not np.allclose(found, one.numpy()[0, 0])


def test_a_mosaic_has_the_pixels_of_its_image_in_other_places() -> None:
    known = {np.sort(one.reshape(3, -1)).tobytes(): one for one in images(3).numpy()}
    for one in made("mosaic"):
        assert not np.array_equal(one, known[np.sort(one.reshape(3, -1)).tobytes()])
