"""RISE, activation patching, band ablation, saliency and their like: against loops written out, and finite differences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from transformers import AutoModelForImageClassification

from core.errors import NotFound, OutOfRange, TooLarge, WrongTask
from core.explain.baselines import baseline_of, baselines_of
from core.explain.evidence import no_progress
from core.explain.methods.rise import random_masks
from core.explain.registry import COMMON, METHODS, explain, methods_for, usual_methods
from core.explain.targets import read_logits
from core.inference.engine import Engine, engine_for
from core.settings import Settings
from core.types import Domain, FloatImage, ModelInput, Target
from tests.tiny import PATCH, SIDE, write_tiny_model
from tests.unit.explain.constructed import bright_input, quadrant_engine, random_input
from tests.unit.explain.test_variants import engine_of

TOLERANCE, QUICK = 1e-5, {"removal_steps": 2}


def made(engine: Engine, image: ModelInput, method: str, label: str = "normal", **parameters: object):  # type: ignore[no-untyped-def]
    chosen = METHODS[method]
    return chosen.run(engine, image, Target.of_label(label), {**chosen.defaults, **COMMON, **parameters}, no_progress)


def logit(engine: Engine, values: FloatImage, place: int) -> float:
    return float(read_logits(engine, values[None], Target("", ()))[0, place])


def test_rise_is_the_slope_of_the_logit_by_the_mask(engine: Engine, image: ModelInput) -> None:
    found = made(engine, image, "rise", masks=40, cells=4).pixels
    masks = random_masks((SIDE, SIDE), 4, 0.5, 32, random := np.random.default_rng(0))
    masks = np.concatenate([masks, random_masks((SIDE, SIDE), 4, 0.5, 8, random)])
    numbers = [logit(engine, (mask * image.values).astype(np.float32), 0) for mask in masks]  # the mean of a radiograph is 0
    for row, column in ((0, 0), (9, 20), (31, 31)):
        slope = np.polyfit(masks[:, row, column], numbers, 1)[0]
        assert found[row, column] == pytest.approx(slope, abs=TOLERANCE)


def test_masks_of_rise_show_the_share_that_was_asked_for_and_lie_between_0_and_1() -> None:
    masks = random_masks((40, 24), 5, 0.3, 400, np.random.default_rng(1))
    assert masks.shape == (400, 40, 24) and masks.min() >= 0.0 and masks.max() <= 1.0
    assert masks.mean() == pytest.approx(0.3, abs=0.02)
    assert np.abs(np.diff(masks, axis=1)).max() <= 1 / 8 + 1e-9, "a cell of 8 rows is crossed in no fewer"


@pytest.mark.parametrize(("method", "parameters"), [("rise", {"masks": 600}), ("saliency", {}), ("smooth-grad", {"samples": 4})])
def test_what_a_network_reads_is_found(engine: Engine, method: str, parameters: dict[str, int]) -> None:
    found = made(quadrant_engine(engine), bright_input(), method, **parameters).pixels
    inside = np.zeros((SIDE, SIDE), dtype=bool)
    inside[: SIDE // 2, : SIDE // 2] = True
    assert found[inside].mean() > 4 * abs(found[~inside].mean())


@pytest.mark.parametrize("pooling", ["cls", "mean"])
@pytest.mark.parametrize(("first", "last"), [(1, 1), (1, 2), (2, 2)])
def test_activation_patching_puts_the_states_of_one_patch_into_the_empty_image(tmp_path: Path, pooling: str, first: int, last: int) -> None:
    folder, image = write_tiny_model(tmp_path / "model", pooling=pooling), random_input(24, 40)
    network = AutoModelForImageClassification.from_pretrained(folder).eval().double()
    layers, prefix = network.bert.encoder.layer, int(pooling == "cls")
    source = [network.bert.embeddings(torch.from_numpy(image.values)[None].double())]
    for layer in layers:
        source.append(layer(source[-1]))

    def answer(patch: int | None) -> float:
        x = network.bert.embeddings(torch.zeros(1, 1, 24, 40).double())
        for number, layer in enumerate(layers, start=1):
            x = layer(x)
            if patch is not None and first <= number <= last:
                x[0, prefix + patch] = source[number][0, prefix + patch]
        return float(network.classifier(x[:, 0] if prefix else x.mean(dim=1))[0, 0])

    with torch.no_grad():
        expected = np.array([answer(patch) - answer(None) for patch in range(15)])
    found = made(engine_for(str(folder)), image, "activation-patching", first_layer=first, last_layer=last)
    assert np.abs(found.tokens.values.ravel() - expected).max() < TOLERANCE
    is_read = pooling == "mean" or first == 1  # [CLS] attends to patches in the second layer for the last time
    assert np.ptp(expected) > 10 * TOLERANCE if is_read else not expected.any()


def test_activation_patching_needs_layers_that_hold_all_tokens(engine: Engine, image: ModelInput, tmp_path: Path) -> None:
    for parameters in ({"first_layer": 0}, {"last_layer": 3}, {"first_layer": 2, "last_layer": 1}):
        with pytest.raises(OutOfRange, match="first_layer"):
            made(engine, image, "activation-patching", **parameters)
    with pytest.raises(OutOfRange, match="windows or merged"):
        made(engine_of(tmp_path, window_size=2, windowed_layers=1), image, "activation-patching")


def test_band_ablation_takes_one_band_of_one_token_and_then_whole_bands(tmp_path: Path) -> None:
    engine = engine_for(str(write_tiny_model(tmp_path / "model", Domain.LAND_COVER)))
    image = random_input(channels=3)
    found, whole = made(engine, image, "band-ablation", "AnnualCrop"), logit(engine, image.values, 0)
    for band, row, column in ((0, 0, 0), (1, 2, 3), (2, 3, 1)):
        changed = image.values.copy()
        changed[band, PATCH * row : PATCH * (row + 1), PATCH * column : PATCH * (column + 1)] = 0.0
        assert found.attribution[band, PATCH * row, PATCH * column] == pytest.approx(whole - logit(engine, changed, 0), abs=TOLERANCE)
    for place, name in enumerate(("red", "green", "blue")):
        changed = image.values.copy()
        changed[place] = 0.0
        assert found.by_band[name] == pytest.approx(whole - logit(engine, changed, 0), abs=TOLERANCE)
    assert found.forwards == METHODS["band-ablation"].cost_of(engine.model, image, {**METHODS["band-ablation"].defaults, **COMMON}).forwards


def test_attributions_are_summed_by_band_where_bands_have_their_own(tmp_path: Path) -> None:
    engine, image = engine_for(str(write_tiny_model(tmp_path / "model", Domain.LAND_COVER))), random_input(channels=3)
    found = explain(engine, image, "integrated-gradients", "Forest", random_maps=20, parameters={**QUICK, "steps": 64})
    assert found.attribution is not None and found.by_band is not None and list(found.by_band) == ["red", "green", "blue"]
    assert found.by_band["green"] == pytest.approx(float(found.attribution[1].sum()), abs=TOLERANCE)
    assert explain(engine, image, "occlusion", "Forest", random_maps=20, parameters=QUICK).by_band is None, "bands go together there"
    assert explain(engine, image, "saliency", "Forest", random_maps=20, parameters=QUICK).by_band is None, "slopes do not add up"


def test_a_model_of_one_band_is_not_ablated_by_band(engine: Engine, image: ModelInput) -> None:
    assert "band-ablation" not in methods_for(engine.model)
    with pytest.raises(WrongTask, match="one band"):
        explain(engine, image, "band-ablation", "normal", random_maps=20, parameters=QUICK)


@pytest.mark.parametrize("place", [(0, 3, 4), (0, 20, 11)])
def test_gradients_are_finite_differences(folder: Path, engine: Engine, image: ModelInput, place: tuple[int, int, int]) -> None:
    network = AutoModelForImageClassification.from_pretrained(folder).eval().double()
    values, step = torch.from_numpy(image.values)[None].double(), 1e-5

    def at(change: float) -> float:
        changed = values.clone()
        changed[(0, *place)] += change
        with torch.no_grad():
            return float(network(changed).logits[0, 0])

    slope = (at(step) - at(-step)) / (2 * step)
    assert made(engine, image, "saliency").attribution[place] == pytest.approx(slope, abs=TOLERANCE)
    assert made(engine, image, "saliency").pixels[place[1:]] == pytest.approx(abs(slope), abs=TOLERANCE)
    assert made(engine, image, "input-x-gradient").attribution[place] == pytest.approx(image.values[place] * slope, abs=TOLERANCE)
    assert made(engine, image, "smooth-grad", noise=0.0, samples=3).attribution[place] == pytest.approx(slope, abs=TOLERANCE)


def test_smooth_grad_is_the_mean_of_gradients_under_noise_whatever_the_batch(engine: Engine, image: ModelInput) -> None:
    random, total = np.random.default_rng(0), 0.0
    noise = np.concatenate([random.standard_normal((count, *image.values.shape), dtype=np.float32) for count in (8, 2)])
    for each in noise * np.float32(0.2 * np.ptp(image.values)):
        noisy = ModelInput(image.values + each, image.shown, image.box)
        total = total + made(engine, noisy, "saliency").attribution
    np.testing.assert_allclose(made(engine, image, "smooth-grad", samples=10, noise=0.2).attribution, total / 10, atol=TOLERANCE)


def test_integrated_gradients_from_air_is_captums_in_float64(folder: Path, engine: Engine, image: ModelInput) -> None:
    network = AutoModelForImageClassification.from_pretrained(folder).eval().double()
    values = torch.from_numpy(image.values)[None].double()
    expected = IntegratedGradients(lambda batch: network(batch).logits[:, 0]).attribute(
        values, baselines=torch.full_like(values, float(values.min())), n_steps=32, method="gausslegendre"
    )
    found = made(engine, image, "integrated-gradients", baseline="air", steps=32)
    assert np.abs(found.attribution - expected[0].numpy()).max() < TOLERANCE


def test_each_modality_has_a_baseline_of_its_own(tmp_path: Path, engine: Engine, image: ModelInput) -> None:
    cover = engine_for(str(write_tiny_model(tmp_path / "model", Domain.LAND_COVER))).model.preprocess
    assert baselines_of(engine.model.preprocess) == ("mean", "blur", "air") and baselines_of(cover) == ("mean", "blur", "nodata")
    assert np.unique(baseline_of("air", image.values, engine.model.preprocess)).tolist() == [image.values.min()]
    dark = baseline_of("nodata", random_input(channels=3).values, cover)
    np.testing.assert_allclose(dark[:, 0, 0] * np.array(cover.std) + np.array(cover.mean), 0.0, atol=1e-6)
    with pytest.raises(NotFound, match="mean, blur, nodata"):
        baseline_of("air", random_input(channels=3).values, cover)


def test_deep_lift_is_refused_with_the_reason(engine: Engine, image: ModelInput) -> None:
    with pytest.raises(WrongTask, match="what a transformer multiplies"):
        explain(engine, image, "deep-lift")


def test_a_map_that_would_not_fit_is_refused_before_it_is_begun(engine: Engine, image: ModelInput, monkeypatch: pytest.MonkeyPatch) -> None:
    costs = {name: METHODS[name].cost_of(engine.model, image, {**METHODS[name].defaults, **COMMON}) for name in methods_for(engine.model)}
    assert costs["rollout"].bytes < min(cost.bytes for name, cost in costs.items() if name not in ("rollout", "raw-attention"))
    monkeypatch.setattr("core.explain.cost.settings", lambda: Settings(explain_mb=0))
    with pytest.raises(TooLarge, match="A map by relevance would take about"):
        explain(engine, image, "relevance", random_maps=20, parameters=QUICK)


def test_rollout_of_4096_tokens_fits_where_relevance_does_not(engine: Engine) -> None:
    large = random_input(64 * PATCH, 64 * PATCH)
    cost = {name: METHODS[name].cost_of(engine.model, large, {}).bytes for name in ("rollout", "relevance")}
    assert cost["rollout"] < 2**30 < cost["relevance"]


@pytest.mark.parametrize("method", ["libra-grad", "attn-lrp", "activation-patching", "eigen-cam", "gradient-rollout", "raw-attention"])
def test_maps_do_not_depend_on_what_others_ask_at_the_same_time(engine: Engine, method: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    inputs = [random_input(seed=seed) for seed in range(4)]
    alone = [made(engine, each, method).pixels for each in inputs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda each: made(engine, each, method).pixels, inputs))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_usual_methods_stay_few(engine: Engine) -> None:
    assert usual_methods(engine.model) == ("rollout", "relevance", "grad-cam", "integrated-gradients", "occlusion")
    assert set(usual_methods(engine.model)) < set(methods_for(engine.model))
