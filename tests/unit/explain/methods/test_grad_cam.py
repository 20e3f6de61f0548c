"""Grad-CAM of tokens against derivatives measured by differences in float64, and against what a head of the mean says of each token."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import AutoModelForImageClassification

from core.errors import OutOfRange
from core.explain.registry import explain
from core.explain.targets import target_of
from core.inference.engine import Engine, engine_for
from core.types import Domain, ModelInput, Target
from tests.tiny import LAYERS, write_tiny_model
from tests.unit.explain.constructed import random_input
from tests.unit.explain.test_variants import VARIANTS, engine_of

METHOD, TOLERANCE = "grad-cam", 1e-5
QUICK = {"removal_steps": 2}
STEP = 1e-4


def by_differences(folder: Path, image: ModelInput, label: int, layer: int) -> NDArray[np.float64]:
    """[tokens]: by how much the logit moves when a token that enters a layer is made longer by a little, over that little."""
    network = AutoModelForImageClassification.from_pretrained(folder).eval().double()
    values, found = torch.from_numpy(image.values)[None].double(), []
    entered = network.bert.encoder.layer[layer]

    def logit(token: int, step: float) -> float:
        def longer(_: object, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
            x = args[0].clone()
            x[:, token] *= 1.0 + step
            return (x, *args[1:])

        hook = entered.register_forward_pre_hook(longer)
        try:
            with torch.no_grad():
                return float(network(pixel_values=values).logits[0, label])
        finally:
            hook.remove()

    tokens = image.values.shape[1] // 8 * (image.values.shape[2] // 8) + network.config.prefix_tokens
    for token in range(tokens):
        found.append((logit(token, STEP) - logit(token, -STEP)) / (2 * STEP))
    return np.array(found)


@pytest.mark.parametrize(("pooling", "layer"), [("cls", 1), ("cls", 0), ("mean", 0), ("mean", 1)])
@pytest.mark.parametrize(("rows", "columns"), [(32, 32), (24, 40)])
def test_each_token_has_the_slope_of_the_logit_by_its_own_length(tmp_path: Path, pooling: str, layer: int, rows: int, columns: int) -> None:
    folder = write_tiny_model(tmp_path / "model", Domain.LAND_COVER, pooling=pooling)
    image = random_input(rows, columns, channels=3)
    expected = by_differences(folder, image, 1, layer)[1 if pooling == "cls" else 0 :]
    found = explain(engine_for(str(folder)), image, METHOD, "Forest", parameters={**QUICK, "layer": layer})
    assert found.tokens is not None and found.tokens.values.shape == (rows // 8, columns // 8)
    assert np.abs(found.tokens.values.ravel() - expected).max() < TOLERANCE
    assert expected.min() < -10 * TOLERANCE < 10 * TOLERANCE < expected.max(), "evidence of both signs, which is kept"


def test_where_a_head_reads_the_mean_each_token_has_its_own_share_of_the_logit(engine: Engine, image: ModelInput) -> None:
    told = engine.forward(image.values[None])
    assert told.token_logits is not None
    bias = engine.model.network.classifier.bias.detach().numpy()  # type: ignore[union-attr]
    for place, label in enumerate(engine.model.labels):
        found = explain(engine, image, METHOD, label, parameters={**QUICK, "layer": LAYERS})
        assert found.tokens is not None
        np.testing.assert_allclose(found.tokens.values, (told.token_logits[0, ..., place] - bias[place]) / 16, atol=1e-6)
        assert float(found.tokens.values.sum()) == pytest.approx(float(told.logits[0, place] - bias[place]), abs=1e-5)


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_the_tokens_that_enter_the_last_layer_are_weighed_unless_others_are_named(tmp_path: Path, image: ModelInput, pooling: str) -> None:
    engine = engine_for(str(write_tiny_model(tmp_path / "model", pooling=pooling)))
    assert explain(engine, image, METHOD, "normal", parameters=QUICK).parameters["layer"] == LAYERS - 1
    if pooling == "mean":
        return
    after = explain(engine, image, METHOD, "normal", parameters={**QUICK, "layer": LAYERS})
    assert not after.saliency.any(), "after the last layer only [CLS] matters, which has no place"


def test_the_answer_of_one_token_is_explained_by_what_enters_the_last_layer(engine: Engine, image: ModelInput) -> None:
    found = explain(engine, image, METHOD, Target("normal", ("normal",), token=(2, 1)), parameters=QUICK)
    assert found.parameters["layer"] == LAYERS - 1
    assert found.tokens is not None and np.count_nonzero(found.tokens.values) == 16


def test_what_speaks_for_one_label_against_another_is_the_difference(engine: Engine, image: ModelInput) -> None:
    def tokens(target: Target | str) -> NDArray[np.float32]:
        found = explain(engine, image, METHOD, target, parameters=QUICK).tokens
        assert found is not None
        return found.values

    both = tokens(target_of(engine, image, "normal", "viral-pneumonia"))
    np.testing.assert_allclose(both, tokens("normal") - tokens("viral-pneumonia"), atol=1e-6)


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("layer", [0, 1, 2])
def test_a_logit_is_shared_out_over_the_grid_of_the_stem_whatever_the_layers_are(tmp_path: Path, name: str, layer: int) -> None:
    engine, image = engine_of(tmp_path, **VARIANTS[name]), random_input(24, 40)
    found = explain(engine, image, METHOD, "normal", parameters={**QUICK, "layer": layer}).tokens
    assert found is not None and found.values.shape == (3, 5)
    if layer == LAYERS:
        bias = float(engine.model.network.classifier.bias.detach()[0])  # type: ignore[union-attr]
        assert float(found.values.sum()) == pytest.approx(float(engine.forward(image.values[None]).logits[0, 0]) - bias, abs=1e-4)


def test_a_layer_that_is_not_there_is_refused(engine: Engine, image: ModelInput) -> None:
    for layer in (-1, LAYERS + 1):
        with pytest.raises(OutOfRange, match=f"from 0 to {LAYERS}"):
            explain(engine, image, METHOD, parameters={**QUICK, "layer": layer})
