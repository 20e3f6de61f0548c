"""What is true of every method."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import Cancelled, InputError, NoAttention, NotFound, OutOfRange
from core.explain.registry import FIRST_METHOD, METHODS, explain, methods_for, ranked_methods
from core.export.explanation import as_values
from core.inference.engine import Engine, engine_for, open_engine
from core.settings import settings
from core.types import Capability, Domain, Explanation, MapUnit, ModelInput, Target, notice
from models.measured import Measurement, MethodRecord, write_measured
from models.registry import load_model
from tests.tiny import write_tiny_model
from tests.unit.explain.constructed import bright_input, quadrant_engine, random_input

ALL = tuple(method for method in METHODS if method != "band-ablation")  # of more than the one band of these models
FEW = {"integrated-gradients": {"steps": 16}, "rise": {"masks": 16}, "smooth-grad": {"samples": 2}}
QUICK = {method: {"removal_steps": 3, **FEW.get(method, {})} for method in METHODS}
OF_PIXELS = ("integrated-gradients", "occlusion", "rise", "saliency", "input-x-gradient", "smooth-grad")
WITH_BASELINE = ("integrated-gradients", "occlusion", "rise", "activation-patching")


def test_a_model_is_explained_by_the_methods_whose_needs_it_offers(engine: Engine) -> None:
    assert methods_for(engine.model) == ALL
    closed = replace(engine.model, capabilities=frozenset({Capability.FORWARD}))
    assert methods_for(closed) == ("occlusion", "rise")
    blind = replace(engine.model, capabilities=frozenset({Capability.FORWARD, Capability.ATTENTION}))
    assert methods_for(blind) == ("rollout", "occlusion", "raw-attention", "rise"), "relevance needs both attention and gradients"
    with pytest.raises(NoAttention, match="It has: occlusion"):
        explain(Engine(closed, engine.runtime), random_input(), "rollout")
    with pytest.raises(NoAttention, match="gives no gradients"):
        explain(Engine(blind, engine.runtime), random_input(), "relevance")


def test_the_method_that_was_supported_most_often_for_an_answer_is_shown_first(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "model")
    assert ranked_methods(load_model(str(folder)), "normal")[0] == FIRST_METHOD, "where nothing was measured"
    records = (
        MethodRecord("relevance", "normal", 12, 0.5, 0.2),
        MethodRecord("occlusion", "normal", 12, 0.75, 0.1),
        MethodRecord("grad-cam", "normal", 12, 0.5, 0.3),
        MethodRecord("rollout", "viral-pneumonia", 12, 1.0, 0.4),
    )
    write_measured(folder, [Measurement("here", 36, engine_for(str(folder)).model.labels, methods=records)])
    model = load_model(str(folder))
    assert ranked_methods(model, "normal")[:3] == ("occlusion", "grad-cam", "relevance")
    assert ranked_methods(model, "viral-pneumonia")[0] == "rollout"
    assert ranked_methods(model, "bacterial-pneumonia")[0] == "rollout", "by the mean over answers that were measured"
    assert set(ranked_methods(model, "normal")) == set(ALL)


@pytest.mark.parametrize("method", ALL)
def test_an_explanation_is_whole(engine: Engine, image: ModelInput, method: str) -> None:
    found = explain(engine, image, method, parameters=QUICK[method])
    assert found.saliency.shape == (32, 32)
    assert found.saliency.dtype == np.float32
    assert found.saliency.min() >= 0.0 and found.saliency.max() == 1.0
    assert found.saliency.min() == 0.0 or found.unit is MapUnit.SENSITIVITY, "a gradient is nowhere nothing"
    assert found.low < found.high
    assert (found.tokens is None) == (found.attribution is not None) == (method in OF_PIXELS)
    assert (found.baseline is not None) == (method in WITH_BASELINE)
    assert (found.completeness_error is not None) == (method == "integrated-gradients")
    assert found.deletion.random_maps == found.insertion.random_maps == settings().random_maps >= 20
    assert (found.runtime, found.precision) == ("torch", "fp32")
    assert (found.model, found.weights) == (engine.model.id, engine.model.weights_hash)
    assert found.parameters["baseline"] == "mean"
    assert found.parameters["removal_steps"] == len(found.deletion.curve) - 1


@pytest.mark.parametrize("method", ALL)
def test_the_most_probable_label_is_explained_unless_another_is_named(engine: Engine, image: ModelInput, method: str) -> None:
    labels = engine.model.labels
    likely = labels[int(engine.forward(image.values[None]).logits[0].argmax())]
    other = next(label for label in labels if label != likely)
    assert explain(engine, image, method, parameters=QUICK[method]).target == Target.of_label(likely)
    assert explain(engine, image, method, other, parameters=QUICK[method]).target == Target.of_label(other)


@pytest.mark.parametrize("method", ["integrated-gradients", "occlusion"])
def test_maps_that_depend_on_the_label_find_what_the_network_reads(engine: Engine, method: str) -> None:
    found = explain(quadrant_engine(engine), bright_input(), method, "normal")
    assert found.saliency[:16, :16].mean() > 3 * found.saliency[16:, 16:].mean()
    assert found.gain.value > 0.3


def test_scenes_of_three_channels_are_explained_too(tmp_path: Path) -> None:
    engine = engine_for(str(write_tiny_model(tmp_path / "model", Domain.LAND_COVER)))
    for method in ALL:
        found = explain(engine, random_input(channels=3), method, "Forest", parameters=QUICK[method])
        assert found.attribution is None or found.attribution.shape == (3, 32, 32)


def test_a_method_that_is_not_there_is_named_with_the_known_ones(engine: Engine, image: ModelInput) -> None:
    with pytest.raises(NotFound, match=r"score-cam.*rollout, relevance, grad-cam"):
        explain(engine, image, "score-cam")


def test_a_label_that_is_not_there_is_named_with_the_known_ones(engine: Engine, image: ModelInput) -> None:
    with pytest.raises(NotFound, match=r"fracture.*normal, bacterial-pneumonia, viral-pneumonia"):
        explain(engine, image, "rollout", "fracture")


def test_parameters_and_baselines_that_are_not_there_are_named_with_the_known_ones(engine: Engine, image: ModelInput) -> None:
    with pytest.raises(NotFound, match=r"'stepps'.*steps, quadrature"):
        explain(engine, image, "integrated-gradients", parameters={"stepps": 3})
    with pytest.raises(NotFound, match=r"'black'.*mean, blur"):
        explain(engine, image, "rollout", parameters={"baseline": "black"})


def test_fewer_than_twenty_random_maps_are_refused(engine: Engine, image: ModelInput) -> None:
    with pytest.raises(OutOfRange, match="at least 20"):
        explain(engine, image, "rollout", random_maps=5)


def test_what_could_not_become_an_input_is_refused(engine: Engine, image: ModelInput) -> None:
    empty = replace(image, values=np.empty((1, 0, 0), np.float32), refusal=notice("input.no-image", modality="SEG"))
    with pytest.raises(InputError, match="no input to explain"):
        explain(engine, empty, "rollout")


@pytest.mark.parametrize("method", ALL)
def test_progress_never_goes_back_and_ends_at_its_total(engine: Engine, image: ModelInput, method: str) -> None:
    told: list[tuple[int, int]] = []
    explain(engine, image, method, parameters={"removal_steps": 3}, progress=lambda done, total: told.append((done, total)))
    assert len(told) > 2
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == told[-1][1]
    assert all(done <= total for done, total in told)


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize("after", [1, 3])
def test_a_user_who_stops_is_obeyed_at_once_and_the_next_one_is_served(engine: Engine, image: ModelInput, method: str, after: int) -> None:
    calls = 0

    def stop(done: int, total: int) -> None:
        nonlocal calls
        calls += 1
        if calls == after:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        explain(engine, image, method, parameters=QUICK[method], progress=stop)
    assert calls == after
    assert explain(engine, image, method, parameters=QUICK[method]).saliency.max() == 1.0


def test_two_explanations_at_once_are_the_same_as_one_after_the_other(engine: Engine) -> None:
    asked = [(random_input(seed=seed), method) for seed in (5, 6) for method in ALL]

    def one(what: tuple[ModelInput, str]) -> Explanation:
        return explain(engine, what[0], what[1], "normal", parameters=QUICK[what[1]])

    alone = [one(what) for what in asked]
    with ThreadPoolExecutor(len(asked)) as pool:
        together = list(pool.map(one, asked))
    for first, second in zip(alone, together, strict=True):
        np.testing.assert_array_equal(first.saliency, second.saliency)
        np.testing.assert_allclose(first.deletion.curve, second.deletion.curve, atol=1e-6)
        assert first.insertion.random_mean == pytest.approx(second.insertion.random_mean, abs=1e-6)


def test_an_explanation_says_that_memory_ran_out(tmp_path: Path, image: ModelInput) -> None:
    engine = open_engine(str(write_tiny_model(tmp_path / "model")))

    def full(_: object, args: object, kwargs: dict[str, torch.Tensor]) -> None:
        if len(kwargs["pixel_values"]) > 8:
            raise torch.OutOfMemoryError("CUDA out of memory")

    engine.model.network.register_forward_pre_hook(full, with_kwargs=True)
    found = explain(engine, image, "occlusion", parameters=QUICK["occlusion"])
    assert found.assumptions == engine.notices
    assert "8 are computed at a time" in as_values(image, found)["assumptions"][-1]


def test_an_explanation_says_what_computed_its_map(engine: Engine, image: ModelInput) -> None:
    by_openvino = Engine(engine.model, replace(engine.runtime, library="openvino"))
    told = {
        method: explain(by_openvino, image, method, parameters=QUICK[method]).runtime for method in ("occlusion", "grad-cam", "rollout")
    }
    assert told == {"occlusion": "openvino", "grad-cam": "torch", "rollout": "torch"}
