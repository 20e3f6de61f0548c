"""Controls stand on the ruler of the true map: their gains are those of the random maps and opponents that it was set beside."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import Cancelled
from core.explain.probes.controls import CONTROLS, control_maps
from core.explain.registry import explain
from core.inference.engine import Engine
from core.types import FoundMap, Gain, ModelInput
from tests.unit.explain.constructed import random_input


class Listener:
    """What was told, in order."""

    def __init__(self) -> None:
        self.heard: list[FoundMap | Gain] = []

    def map_found(self, found: FoundMap) -> None:
        self.heard.append(found)

    def gain_so_far(self, gain: Gain) -> None:
        self.heard.append(gain)


def test_controls_have_the_gains_that_the_map_was_set_beside(engine: Engine, image: ModelInput) -> None:
    explanation = explain(engine, image, "relevance", random_maps=30)
    controls = {each.name: each for each in control_maps(engine, image, explanation)}
    assert tuple(controls) == CONTROLS
    for name, gain in explanation.gain.opponents.items():
        assert controls[name].gain == pytest.approx(gain, abs=1e-12)
    assert all(each.drawn.values.shape == image.values.shape[1:] for each in controls.values())
    assert explanation.gain.random_low - 1.0 <= controls["noise"].gain <= 1.0


@pytest.mark.parametrize("method", ["rollout", "occlusion"])
def test_the_map_is_told_before_it_is_measured_and_is_the_one_of_the_explanation(engine: Engine, method: str) -> None:
    listener = Listener()
    given = random_input(seed=5)
    explanation = explain(engine, given, method, random_maps=30, told=listener)
    first, early = listener.heard
    assert isinstance(first, FoundMap) and not hasattr(first, "gain")
    np.testing.assert_array_equal(first.saliency, explanation.saliency)
    assert isinstance(early, Gain) and early.random_maps == 20
    assert early.value == explanation.gain.value and dict(early.opponents) == dict(explanation.gain.opponents)


def test_the_final_rank_is_the_same_whether_or_not_anybody_listened(engine: Engine) -> None:
    given = random_input(seed=6)
    assert (
        explain(engine, given, "relevance", random_maps=30, told=Listener()).gain
        == explain(engine, given, "relevance", random_maps=30).gain
    )


def test_what_the_listener_raises_ends_the_work(engine: Engine, image: ModelInput) -> None:
    class Impatient(Listener):
        def map_found(self, found: FoundMap) -> None:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        explain(engine, image, "rollout", random_maps=20, told=Impatient())
