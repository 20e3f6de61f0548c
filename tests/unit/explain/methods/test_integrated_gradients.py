"""Integrated Gradients against Captum's own call, and what completeness says of the steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients

from core.errors import NotFound, OutOfRange
from core.explain.methods.integrated_gradients import MOST_STEPS, SMALL_ERROR
from core.explain.registry import explain
from core.inference.engine import Engine
from core.types import Explanation, ModelInput

METHOD = "integrated-gradients"


def explained(engine: Engine, image: ModelInput, **parameters: object) -> Explanation:
    return explain(engine, image, METHOD, "viral-pneumonia", parameters={"removal_steps": 2, **parameters})


@pytest.mark.parametrize("quadrature", ["gausslegendre", "riemann_trapezoid"])
def test_attributions_are_those_of_captum_itself(engine: Engine, image: ModelInput, quadrature: str) -> None:
    found = explained(engine, image, steps=20, quadrature=quadrature, internal_batch_size=7)
    assert found.attribution is not None
    assert found.baseline is not None
    expected = IntegratedGradients(lambda x: engine.model.network(pixel_values=x).logits).attribute(
        torch.from_numpy(image.values)[None], torch.from_numpy(found.baseline)[None], target=2, n_steps=20, method=quadrature
    )
    np.testing.assert_allclose(found.attribution, expected[0].detach().numpy(), atol=1e-6)
    assert (found.parameters["steps"], found.parameters["quadrature"]) == (20, quadrature)


def test_the_completeness_error_shrinks_with_the_steps(engine: Engine, image: ModelInput) -> None:
    errors = [explained(engine, image, steps=steps).completeness_error for steps in (8, 32, 128)]
    assert None not in errors
    assert errors[0] > errors[1] > errors[2]


def test_the_completeness_error_is_what_the_sum_misses_relative_to_the_change_of_the_logit(engine: Engine, image: ModelInput) -> None:
    found = explained(engine, image, steps=3)
    assert found.attribution is not None
    assert found.baseline is not None
    with torch.no_grad():
        ends = engine.model.network(pixel_values=torch.from_numpy(np.stack([image.values, found.baseline]))).logits[:, 2]
    gap = float(ends[0] - ends[1])
    assert found.completeness_error == pytest.approx(abs(float(found.attribution.sum()) - gap) / abs(gap), rel=1e-3)


def test_steps_are_spent_until_the_error_is_small(engine: Engine, image: ModelInput) -> None:
    found = explained(engine, image)
    assert found.completeness_error is not None
    assert found.completeness_error <= SMALL_ERROR or found.parameters["steps"] == MOST_STEPS


def test_more_steps_are_taken_where_the_first_attempt_misses_too_much(
    engine: Engine, image: ModelInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.explain.methods.integrated_gradients.FIRST_STEPS", 2)
    assert explained(engine, image, steps=2).completeness_error > SMALL_ERROR  # type: ignore[operator]
    found = explained(engine, image)
    assert found.parameters["steps"] > 2
    assert found.completeness_error is not None
    assert found.completeness_error <= SMALL_ERROR


def test_what_speaks_against_the_target_is_not_shown_as_salient(engine: Engine, image: ModelInput) -> None:
    found = explained(engine, image, steps=16)
    assert found.attribution is not None
    against = found.attribution.sum(axis=0) < 0
    assert against.any()
    assert (found.saliency[against] == 0.0).all()
    assert (found.saliency[~against] > 0.0).all()
    assert (found.low, found.saliency.max()) == (0.0, 1.0)


def test_an_image_that_is_its_own_baseline_has_nothing_to_attribute(engine: Engine, image: ModelInput) -> None:
    found = explained(engine, replace(image, values=np.zeros_like(image.values)))
    assert found.completeness_error == 0.0
    assert not found.saliency.any()


def test_a_quadrature_that_captum_does_not_know_is_named_with_the_known_ones(engine: Engine, image: ModelInput) -> None:
    with pytest.raises(NotFound, match=r"simpson.*gausslegendre"):
        explained(engine, image, quadrature="simpson")


@pytest.mark.parametrize("parameters", [{"steps": 0}, {"steps": 1, "quadrature": "riemann_left"}, {"internal_batch_size": 0}])
def test_steps_and_batches_have_a_least_number(engine: Engine, image: ModelInput, parameters: dict[str, object]) -> None:
    with pytest.raises(OutOfRange):
        explained(engine, image, **parameters)
