"""How a map becomes colours: its zero is clear, signs have two ends, and each side can be drawn alone."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from core.explain.overlay import EvidenceSide, drawn_map
from core.render.heatmap import heat_layer, map_layer
from core.types import Explanation, Gain, MapUnit, RemovalScore, Target, TokenMap, Verdict
from core.ui.explain.maps import map_and_bar


def test_a_map_is_transparent_at_its_zero_and_opaque_at_its_top() -> None:
    pixels = np.asarray(Image.open(io.BytesIO(heat_layer(np.array([[0.0, 0.25, 0.5, 1.0]], dtype=np.float32)))))
    assert pixels.shape == (1, 4, 4)
    assert_array_equal(pixels[0, :, 3], [0, 128, 255, 255])


def explained(attribution: np.ndarray | None = None, high: float = 1.0, **changes: Any) -> Explanation:
    curve = np.zeros(1, np.float32)
    score = RemovalScore(0.0, 0.0, 0.0, 0.0, 0, curve, curve, 1.0, 0.0, False)
    gain = Gain(0.0, 1.0, 0, 0.0, 0.0, {}, Verdict.WITHIN_RANDOM)
    signed = None if attribution is None else attribution.astype(np.float32)
    saliency = np.zeros((1, 1) if signed is None else signed.shape[1:], np.float32)
    target = Target.of_label("cat")
    return Explanation("occlusion", {}, target, saliency, 0.0, high, score, score, gain, "a", "0", attribution=signed, **changes)


def of_tokens(values: list[list[float]], unit: MapUnit, zero: float = 0.0) -> Explanation:
    return explained(tokens=TokenMap(np.array(values, np.float32), (1, 1)), unit=unit, zero=zero)


def test_signed_numbers_have_a_diverging_scale_about_zero() -> None:
    shape = (3, 10, 20)  # all channels share a number, whose mean the method takes
    attribution = np.zeros(shape)
    attribution[:, :, :5], attribution[:, :, 5:10] = 0.2, -0.4
    drawn = drawn_map(explained(attribution, high=0.2))
    assert drawn.limit == pytest.approx(0.4)
    assert_allclose(np.unique(drawn.values), [-1.0, 0.0, 0.5])
    pixels = np.asarray(Image.open(io.BytesIO(map_layer(drawn)))).astype(int)
    speaks_for, against, silent = pixels[0, 0], pixels[0, 7], pixels[0, 15]
    assert silent[3] == 0, "zero is transparent"
    assert against[2] > against[0] and speaks_for[0] > speaks_for[2], "blue against, orange for"
    _, bar = map_and_bar(explained(attribution, high=0.2))
    assert (bar.low, bar.high) == ("-0.4 (against)", "0.4 of the logit (for)")
    assert bar.stops[len(bar.stops) // 2].endswith("00")


def test_either_side_is_drawn_alone_on_the_scale_of_both() -> None:
    attribution = np.zeros((1, 10, 20))
    attribution[:, :, :5], attribution[:, :, 5:10] = 0.2, -0.4
    explanation = explained(attribution, high=0.2)
    for side, kept, ends in (
        (EvidenceSide.FOR, [0.0, 0.5], ("0", "0.4 of the logit (for)")),
        (EvidenceSide.AGAINST, [-1.0, 0.0], ("-0.4 of the logit (against)", "0")),
    ):
        assert_allclose(np.unique(drawn_map(explanation, side).values), kept)
        _, bar = map_and_bar(explanation, side)
        assert (bar.low, bar.high) == ends
        assert bar.stops[0 if side is EvidenceSide.FOR else -1].endswith("00")


def test_tokens_of_grad_cam_have_a_sign_and_those_of_relevance_begin_at_nothing() -> None:
    signed = drawn_map(of_tokens([[0.5, -1.0], [0.0, 0.0]], MapUnit.LOGIT))
    assert signed.is_signed and signed.values[0, 0] > 0 > signed.values[0, 1] and not signed.values[1].any()
    drawn = drawn_map(of_tokens([[0.5, 1.0], [0.0, 0.25]], MapUnit.RELEVANCE))
    assert_allclose(drawn.values, [[0.5, 1.0], [0.0, 0.25]])
    assert map_and_bar(of_tokens([[0.5, 1.0], [0.0, 0.25]], MapUnit.RELEVANCE))[1].high == "1 relevance"


def test_attention_is_drawn_from_an_even_share_and_not_from_its_own_least() -> None:
    drawn = drawn_map(of_tokens([[0.25, 0.30], [0.20, 0.25]], MapUnit.ATTENTION, zero=0.25))
    assert_allclose(drawn.values, [[0.0, 1.0], [0.0, 0.0]], atol=1e-6)
    assert (drawn.zero, drawn.limit) == (1.0, pytest.approx(1.2))
    even = drawn_map(of_tokens([[0.25, 0.25], [0.25, 0.25]], MapUnit.ATTENTION, zero=0.25))
    assert not even.values.any(), "attention that is spread evenly shows nothing"
    _, bar = map_and_bar(of_tokens([[0.25, 0.30], [0.20, 0.25]], MapUnit.ATTENTION, zero=0.25))
    assert (bar.low, bar.high) == ("even share", "1.2 times an even share of attention")


def test_a_map_that_speaks_nowhere_is_empty() -> None:
    drawn = drawn_map(explained(np.zeros((1, 2, 2)), high=0.0))
    assert not drawn.values.any() and drawn.limit == 0.0
