"""A map under way: rows come in strips of any height, and what is shown is the finished map, thinned, as far as it is done."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image as PillowImage

from core.render import preview as module
from core.render.preview import Preview


@pytest.mark.parametrize("most", [5, 16, 17, 50, 1024])
@pytest.mark.parametrize("heights", [(50,), (1, 2, 3, 4, 40), (7,) * 7 + (1,)])
def test_strips_of_any_height_make_the_whole_map_thinned(most: int, heights: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SIDE", most)
    whole = np.random.default_rng(0).integers(0, 10, (2, 50, 33), dtype=np.uint8)
    preview, top = Preview(33, 50, dates=2), 0
    for height in heights:
        preview.add(top, *whole[:, top : top + height])
        top += height
    step = -(-50 // most)
    assert preview.rows == 50
    assert max(preview.classes(0).shape) <= most
    for date in (0, 1):
        assert_array_equal(preview.classes(date), whole[date, ::step, ::step])


def test_what_is_not_done_yet_and_what_is_hidden_is_clear() -> None:
    preview = Preview(4, 4)
    preview.add(0, np.array([[0, 1, 0, 255]], dtype=np.uint8))
    pixels = np.asarray(PillowImage.open(io.BytesIO(preview.picture(0, [(255, 0, 0), (0, 255, 0)], hidden={1}))).convert("RGBA"))
    assert pixels[0, :, 3].tolist() == [255, 0, 255, 0]
    assert not pixels[1:, :, 3].any()


def test_classes_without_a_colour_are_clear() -> None:
    preview = Preview(4, 2)
    preview.add(0, np.zeros((2, 4), dtype=np.uint8))
    pixels = np.asarray(PillowImage.open(io.BytesIO(preview.picture(0, ()))).convert("RGBA"))
    assert_array_equal(pixels[..., 3], 0)
