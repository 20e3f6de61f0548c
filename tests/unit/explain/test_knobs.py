"""What may be turned is what the methods have: every parameter that changes a map or its measurement, each of a kind."""

from __future__ import annotations

import pytest

from core.explain.knobs import COSTS_ONLY, KnobKind, method_knobs, turned
from core.explain.registry import COMMON, METHODS, explain
from core.inference.engine import Engine
from core.types import ModelInput


@pytest.mark.parametrize("method", METHODS)
def test_every_parameter_that_matters_can_be_turned(method: str) -> None:
    names = {knob.name for knob in method_knobs([method])}
    assert names == {*METHODS[method].defaults, *COMMON, "random_maps"} - COSTS_ONLY


def test_a_knob_of_several_methods_is_there_once_and_names_them() -> None:
    knobs = {knob.name: knob for knob in method_knobs(["occlusion", "integrated-gradients"])}
    assert len(knobs) == len(method_knobs(["occlusion", "integrated-gradients"]))
    assert knobs["baseline"].methods == ("occlusion", "integrated-gradients")
    assert knobs["window"].methods == ("occlusion",) and knobs["window"].kind is KnobKind.SIDES


def test_each_method_gets_its_own_and_the_map_says_so(engine: Engine, image: ModelInput) -> None:
    parameters, maps = turned("occlusion", {"baseline": "blur", "steps": 5, "stride": (4, 8), "random_maps": 21})
    assert parameters == {"baseline": "blur", "stride": (4, 8)} and maps == 21
    made = explain(engine, image, "occlusion", parameters=parameters, random_maps=maps)
    assert made.parameters["stride"] == (4, 8) and made.gain.random_maps == 21
