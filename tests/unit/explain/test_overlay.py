"""The picture of a map over its image."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from core.errors import OutOfRange
from core.explain.overlay import DrawnMap, bar_colours, enlarged, overlay_png
from core.types import FloatImage, MapUnit


def opened(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        return np.asarray(image)


def relevance(values: FloatImage) -> DrawnMap:
    return DrawnMap(values, 0.0, 1.0, MapUnit.RELEVANCE, is_signed=False)


def signed(values: FloatImage) -> DrawnMap:
    return DrawnMap(values, 0.0, 1.0, MapUnit.LOGIT, is_signed=True)


def test_without_opacity_the_image_is_shown_as_it_is() -> None:
    shown = np.random.default_rng(0).random((3, 16, 24), dtype=np.float32)
    pixels = opened(overlay_png(shown, relevance(np.ones((16, 24), np.float32)), opacity=0.0))
    np.testing.assert_array_equal(pixels, np.rint(np.moveaxis(shown, 0, 2) * 255).astype(np.uint8))


@pytest.mark.parametrize("drawn", [relevance, signed])
def test_where_a_map_says_nothing_the_image_is_shown_as_it_is(drawn: object) -> None:
    shown = np.random.default_rng(0).random((3, 16, 24), dtype=np.float32)
    pixels = opened(overlay_png(shown, drawn(np.zeros((16, 24), np.float32)), opacity=1.0))  # type: ignore[operator]
    np.testing.assert_array_equal(pixels, np.rint(np.moveaxis(shown, 0, 2) * 255).astype(np.uint8))


def test_the_most_is_yellow_what_is_for_orange_and_what_is_against_blue() -> None:
    grey, values = np.full((1, 1, 2), 0.5, np.float32), np.array([[1.0, -1.0]], np.float32)
    assert opened(overlay_png(grey, relevance(values), opacity=1.0))[0, 0].tolist() == [0xFE, 0xE8, 0x38]
    both = opened(overlay_png(grey, signed(values), opacity=1.0))[0]
    assert both.tolist() == [[0xFF, 0x8C, 0x1A], [0x2C, 0x5F, 0x9E]]


def test_the_map_is_mixed_into_the_image_by_its_opacity() -> None:
    pixels = opened(overlay_png(np.ones((1, 4, 4), np.float32), relevance(np.ones((4, 4), np.float32)), opacity=0.4))
    assert pixels[0, 0].tolist() == [round(0.6 * 255 + 0.4 * level) for level in (0xFE, 0xE8, 0x38)]


def test_a_map_is_enlarged_without_inventing_what_lies_between() -> None:
    large = enlarged(signed(np.array([[0.5, -1.0]], np.float32)), 4, 8)
    assert large.values.shape == (4, 8) and set(np.unique(large.values)) == {np.float32(0.5), np.float32(-1.0)}


def test_the_bar_is_clear_where_the_map_says_nothing() -> None:
    assert bar_colours(is_signed=False)[0, 3] == 0
    assert bar_colours(is_signed=True)[:, 3].tolist()[4] == 0 and bar_colours(is_signed=True)[[0, -1], 3].tolist() == [255, 255]


@pytest.mark.parametrize("opacity", [-0.1, 1.1])
def test_an_opacity_outside_its_range_is_refused(opacity: float) -> None:
    with pytest.raises(OutOfRange, match="opacity"):
        overlay_png(np.ones((1, 4, 4), np.float32), relevance(np.zeros((4, 4), np.float32)), opacity)
