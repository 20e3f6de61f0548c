"""The strip under a map: one line for all maps of a page, and words for those who do not see it."""

from __future__ import annotations

import base64
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.types import Gain, Verdict
from core.ui.explain.strip import Axis, Marks, axis_of, strip_words
from core.ui.widgets.curves import PlotLine, curves_picture


def gain(value: float, **opponents: float | None) -> Gain:
    told = {"centre": -0.12, "edges": 0.01, "random_weights": None, **opponents}
    return Gain(value, 0.04, 100, -0.03, 0.08, told, Verdict.WITHOUT_OPPONENT)


def test_the_line_holds_zero_and_all_that_stands_on_it() -> None:
    axis = axis_of([gain(0.37), gain(0.02)], [0.63])
    assert axis.low < -0.12 and axis.high > 0.63
    assert axis.place(axis.low) == 0.0 and axis.place(axis.high) == 100.0
    assert axis.place(-0.12) < axis.place(0.0) < axis.place(0.63)


def test_hundredths_do_not_look_like_worlds() -> None:
    axis = axis_of([Gain(0.01, 0.5, 100, -0.01, 0.02, {}, Verdict.WITHIN_RANDOM)])
    assert axis.high - axis.low >= 0.2


def test_what_lies_beyond_the_line_is_drawn_at_its_end() -> None:
    assert Axis(0.0, 1.0).place(7.0) == 100.0


def test_a_strip_is_told_in_words() -> None:
    told = strip_words(Marks(0.37, gain(0.37), {"rollout": 0.02}))
    assert told == "Gain 0.37; random maps -0.03 to 0.08; centred prior -0.12; edges of the image 0.01; Attention rollout 0.02"


def test_letters_that_would_touch_stand_in_rows() -> None:
    def page() -> None:
        from core.types import Gain as Found
        from core.types import Verdict as Judged
        from core.ui.explain.strip import Marks as On
        from core.ui.explain.strip import axis_of as line_of
        from core.ui.explain.strip import gain_strip

        near = Found(0.3, 0.01, 100, -0.1, 0.1, {"centre": 0.200, "edges": 0.201, "random_weights": -0.3}, Judged.SUPPORTED)
        gain_strip(On(0.3, near), line_of([near]))

    (drawn,) = AppTest.from_function(page).run().get("html")
    tops = {letter: top for top, letter in re.findall(r"top:([\d.]+)em\">([CEW])<", drawn.proto.body)}
    assert tops["C"] != tops["E"] and tops["W"] == tops["C"]


def test_curves_are_drawn_from_one_to_zero_over_all_tokens_and_said_in_words() -> None:
    html = curves_picture([PlotLine("deletion", np.array([1.0, 0.5, 0.0], np.float32), "#ffffff")], "share", 'a "plot" <b>')
    coded = re.search(r'base64,([^"]+)"', html)
    assert coded is not None
    root = ElementTree.fromstring(base64.b64decode(coded.group(1)))
    (line,) = [each for each in root if each.tag.endswith("polyline")]
    points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    assert points[0][0] < points[1][0] < points[2][0] and points[0][1] < points[1][1] < points[2][1], "to the right, and down"
    assert points[1][1] == pytest.approx((points[0][1] + points[2][1]) / 2)
    assert "<b>" not in html and "&quot;plot&quot;" in html
