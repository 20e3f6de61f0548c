"""Occlusion against Captum's own call."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import Occlusion

from core.errors import OutOfRange
from core.explain.registry import explain
from core.inference.engine import Engine
from core.types import ModelInput
from tests.unit.explain.constructed import bright_input, quadrant_engine, quadrant_map

METHOD = "occlusion"


@pytest.mark.parametrize(
    ("parameters", "window", "stride"),
    [
        ({}, (8, 8), (8, 8)),
        ({"window": (16, 16)}, (16, 16), (8, 8)),
        ({"window": (12, 10), "stride": (5, 7), "perturbations_per_eval": 3, "baseline": "blur"}, (12, 10), (5, 7)),
    ],
)
def test_attributions_are_those_of_captum_itself(
    engine: Engine, image: ModelInput, parameters: dict[str, object], window: tuple[int, int], stride: tuple[int, int]
) -> None:
    found = explain(engine, image, METHOD, "normal", parameters={"removal_steps": 2, **parameters})
    assert found.attribution is not None
    assert found.baseline is not None
    with torch.no_grad():
        expected = Occlusion(lambda x: engine.model.network(pixel_values=x).logits).attribute(
            torch.from_numpy(image.values)[None], (1, *window), (1, *stride), torch.from_numpy(found.baseline)[None], target=0
        )
    np.testing.assert_allclose(found.attribution, expected[0].numpy(), atol=1e-6)
    assert (found.parameters["window"], found.parameters["stride"]) == (window, stride)
    assert found.completeness_error is None


def test_occlusion_finds_the_quadrant_that_the_network_reads(engine: Engine) -> None:
    found = explain(quadrant_engine(engine), bright_input(), METHOD, "normal", parameters={"removal_steps": 2})
    np.testing.assert_array_equal(found.saliency, quadrant_map())
    assert found.high == pytest.approx(8 * 8 * 0.02, rel=1e-5)  # the fall of the logit when a window of 64 ones goes


@pytest.mark.parametrize(
    "parameters",
    [{"window": (33, 8)}, {"window": (0, 8)}, {"window": (8, 8), "stride": (9, 8)}, {"window": (8,)}, {"perturbations_per_eval": 0}],
)
def test_windows_lie_in_the_image_and_leave_no_gap(engine: Engine, image: ModelInput, parameters: dict[str, object]) -> None:
    with pytest.raises(OutOfRange):
        explain(engine, image, METHOD, parameters=parameters)
