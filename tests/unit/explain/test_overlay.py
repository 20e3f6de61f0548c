"""The picture of a map over its image."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from core.errors import OutOfRange
from core.explain.overlay import overlay_png


def opened(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        return np.asarray(image)


def test_without_opacity_the_image_is_shown_as_it_is() -> None:
    shown = np.random.default_rng(0).random((3, 16, 24), dtype=np.float32)
    pixels = opened(overlay_png(shown, np.ones((16, 24), np.float32), opacity=0.0))
    np.testing.assert_array_equal(pixels, np.rint(np.moveaxis(shown, 0, 2) * 255).astype(np.uint8))


def test_the_least_is_dark_blue_and_the_most_is_yellow_over_a_grey_image() -> None:
    saliency = np.zeros((8, 8), np.float32)
    saliency[0, 0] = 1.0
    pixels = opened(overlay_png(np.full((1, 8, 8), 0.5, np.float32), saliency, opacity=1.0))
    assert pixels[0, 0].tolist() == [0xFE, 0xE8, 0x38]
    assert pixels[7, 7].tolist() == [0x00, 0x22, 0x4E]


def test_the_map_is_mixed_into_the_image_by_its_opacity() -> None:
    pixels = opened(overlay_png(np.ones((1, 4, 4), np.float32), np.zeros((4, 4), np.float32), opacity=0.4))
    assert pixels[0, 0].tolist() == [153, round(0.6 * 255 + 0.4 * 0x22), round(0.6 * 255 + 0.4 * 0x4E)]


@pytest.mark.parametrize("opacity", [-0.1, 1.1])
def test_an_opacity_outside_its_range_is_refused(opacity: float) -> None:
    with pytest.raises(OutOfRange, match="opacity"):
        overlay_png(np.ones((1, 4, 4), np.float32), np.zeros((4, 4), np.float32), opacity)
