"""Whether maps depend on weights and target and hold under noise, on networks of which one knows what they look at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from core.errors import Cancelled
from core.explain.measure.opponents import copied, made_random, on_token_grid
from core.explain.measure.sanity import NOISES, parts_of, rank_correlation
from core.explain.registry import COMMON, METHODS, explain, methods_for, sanity_of
from core.export.explanation import as_values
from core.inference.engine import Engine, engine_for
from core.types import ModelInput, Target, notice
from tests.tiny import PATCH
from tests.tiny_encoders import FAMILIES, write_tiny_encoder
from tests.unit.explain.constructed import bright_input, quadrant_engine, random_input
from tests.unit.explain.cue import WITH, cue_engine, cue_inputs

QUICK = {"removal_steps": 2}
FEW = {"integrated-gradients": {"steps": 8}, "rise": {"masks": 16}, "smooth-grad": {"samples": 2}}
ALL = tuple(method for method in METHODS if method != "band-ablation")  # of more than the one band of these models


def test_ranks_are_compared_and_a_flat_map_ranks_nothing() -> None:
    one, other = np.random.default_rng(0).random((2, 4, 5), dtype=np.float32)
    assert rank_correlation(one, other) == pytest.approx(spearmanr(one.ravel(), other.ravel()).statistic)
    assert rank_correlation(one, np.exp(3 * one)) == pytest.approx(1.0)
    assert rank_correlation(one, np.ones_like(one)) == notice("sanity.flat")


def test_the_parts_of_a_network_hold_each_weight_once_from_the_head_to_the_stem(engine: Engine) -> None:
    network = engine.model.network
    parts = parts_of(network)
    assert [name for name, _ in parts] == ["head", "layer 2", "layer 1", "stem"]
    held = [id(weights) for _, each in parts for weights in each]
    assert sorted(held) == sorted(id(weights) for weights in network.parameters())
    assert {id(weights) for weights in parts[0][1]} == {id(weights) for weights in network.classifier.parameters()}  # type: ignore[union-attr]


@pytest.mark.parametrize("family", FAMILIES)
def test_networks_of_other_families_are_parted_too(family: str, tmp_path: Path) -> None:
    network = engine_for(str(write_tiny_encoder(tmp_path / family, family))).model.network
    parts = parts_of(network)
    assert [name for name, _ in parts] == ["head", "layer 2", "layer 1", "stem"]
    assert sum(len(weights) for _, weights in parts) == len(list(network.parameters()))


def test_each_correlation_is_that_of_a_map_with_the_weights_random_up_to_there(engine: Engine, image: ModelInput) -> None:
    explanation = explain(engine, image, "grad-cam", "normal", parameters=QUICK)
    found = sanity_of(engine, image, explanation)
    assert explanation.tokens is not None and found.randomised is not None and found.parts == ("head", "layer 2", "layer 1", "stem")
    with copied(engine) as copy:
        for number, (_, weights) in enumerate(parts_of(copy.model.network)):
            made_random(weights, COMMON["seed"] + number)
            other = METHODS["grad-cam"].run(copy, image, Target.of_label("normal"), {"layer": 1, **COMMON}, lambda done, total: None)
            expected = spearmanr(explanation.tokens.values.ravel(), on_token_grid(other.pixels, (PATCH, PATCH)).ravel()).statistic
            assert found.randomised[number] == pytest.approx(expected, abs=1e-6)


def test_the_weights_in_use_are_never_made_random(engine: Engine, image: ModelInput) -> None:
    before, answer = [each.clone() for each in engine.model.network.parameters()], engine.forward(image.values[None]).logits
    sanity_of(engine, image, explain(engine, image, "relevance", parameters=QUICK))
    assert all(torch.equal(one, other) for one, other in zip(before, engine.model.network.parameters(), strict=True))
    np.testing.assert_array_equal(engine.forward(image.values[None]).logits, answer)


@pytest.mark.parametrize("method", ALL)
def test_every_method_is_checked_as_far_as_it_can_be(engine: Engine, image: ModelInput, method: str) -> None:
    parameters = {**QUICK, **FEW.get(method, {})}
    explanation = explain(engine, image, method, "normal", parameters=parameters)
    assert explanation.sanity is None and as_values(image, explanation)["sanity"] is None, "it is measured when it is asked for"
    told: list[tuple[int, int]] = []
    found = sanity_of(engine, image, explanation, progress=lambda done, total: told.append((done, total)))
    assert (found.randomised is None) == METHODS[method].offered.is_by_passes
    assert told == sorted(told) and told[-1][0] == told[-1][1] == len(found.parts) + NOISES + 1
    logits = engine.forward(image.values[None]).logits[0]
    assert found.other == engine.model.labels[1 + int(np.argmax(logits[1:]))]
    for each in (*(found.randomised or ()), found.stability, found.target):
        assert isinstance(each, float) and -1.0 <= each <= 1.0
    if not METHODS[method].offered.class_specific:
        assert found.target == 1.0 and found.randomised is not None and found.randomised[0] == pytest.approx(1.0)
    else:
        assert found.target != 1.0
    values = as_values(image, replace(explanation, sanity=found))["sanity"]
    assert values["stability"] == found.stability and len(values["randomised"] or ()) == len(found.parts)


def test_what_cannot_be_compared_says_why_and_is_no_number(engine: Engine) -> None:
    constructed, given = quadrant_engine(engine, gain=0.0), bright_input()
    explanation = explain(constructed, given, "integrated-gradients", "normal", parameters={**QUICK, "steps": 8})
    values = as_values(given, replace(explanation, sanity=sanity_of(constructed, given, explanation)))["sanity"]
    assert values["stability"] == values["target"] == "undefined, because a flat map ranks nothing"
    every = Target("all", constructed.model.labels)
    explanation = explain(constructed, given, "integrated-gradients", every, parameters={**QUICK, "steps": 8})
    values = as_values(given, replace(explanation, sanity=sanity_of(constructed, given, explanation)))["sanity"]
    assert values["target"] == "undefined, because the model has no other label" and values["other_label"] is None


@pytest.mark.slow
def test_a_map_that_knows_the_cue_holds_under_noise_and_is_lost_with_the_weights(engine: Engine) -> None:
    knowing = cue_engine(engine, "mean")
    (given, _), *_ = cue_inputs(1)
    explanation = explain(knowing, given, "grad-cam", knowing.model.labels[WITH], parameters=QUICK)
    found = sanity_of(knowing, given, explanation)
    assert isinstance(found.stability, float) and found.stability > 0.95
    assert found.randomised is not None and isinstance(found.randomised[-1], float) and abs(found.randomised[-1]) < 0.6


def test_a_user_who_stops_is_obeyed(engine: Engine, image: ModelInput) -> None:
    def stop(done: int, total: int) -> None:
        if done == 3:
            raise Cancelled("Stopped.")

    explanation = explain(engine, image, "rollout", parameters=QUICK)
    with pytest.raises(Cancelled):
        sanity_of(engine, image, explanation, progress=stop)


def test_hub_models_are_checked_by_each_of_their_methods(tmp_path: Path) -> None:
    engine = engine_for(str(write_tiny_encoder(tmp_path / "vit")))
    given = random_input(channels=3)
    for method in methods_for(engine.model):
        explanation = explain(engine, given, method, "dog", random_maps=20, parameters={**QUICK, **FEW.get(method, {})})
        assert sanity_of(engine, given, explanation).other in ("cat", "crane")
