"""Attention rollout against a second implementation, written here in numpy from the attention that transformers itself returns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import AutoModelForImageClassification

from core.explain.attention import patch_attention
from core.explain.methods.rollout import followed_by
from core.explain.readout import read_out
from core.explain.registry import explain
from core.inference.engine import Engine, engine_for
from core.types import Domain, ModelInput
from tests.tiny import write_tiny_model
from tests.unit.explain.constructed import random_input

TOLERANCE = 1e-5
QUICK = {"removal_steps": 2}


def eager_attention(folder: Path, image: ModelInput) -> list[NDArray[np.float64]]:
    """[heads, tokens, tokens] a layer, as a stranger would get them."""
    network = AutoModelForImageClassification.from_pretrained(folder, attn_implementation="eager").eval()
    with torch.no_grad():
        output = network(pixel_values=torch.from_numpy(image.values)[None], output_attentions=True)
    return [layer[0].double().numpy() for layer in output.attentions]


def independent_rollout(layers: list[NDArray[np.float64]], pooling: str) -> NDArray[np.float64]:
    """Abnar and Zuidema 2020: from the last layer down, a row vector at a time."""
    tokens = layers[0].shape[-1]
    weight = np.full(tokens, 1.0 / tokens)
    if pooling == "cls":
        weight = np.eye(tokens)[0]
    for layer in reversed(layers):
        mixed = (layer.mean(axis=0) + np.eye(tokens)) / 2.0
        weight = weight @ (mixed / mixed.sum(axis=1, keepdims=True))
    return weight[1:] if pooling == "cls" else weight


@pytest.mark.parametrize("pooling", ["cls", "mean"])
@pytest.mark.parametrize(("rows", "columns"), [(32, 32), (24, 40)])
def test_rollout_is_the_same_as_a_second_implementation(tmp_path: Path, pooling: str, rows: int, columns: int) -> None:
    folder = write_tiny_model(tmp_path / "model", Domain.LAND_COVER, pooling=pooling)
    image = random_input(rows, columns, channels=3)
    expected = independent_rollout(eager_attention(folder, image), pooling).reshape(rows // 8, columns // 8)
    found = explain(engine_for(str(folder)), image, "rollout", parameters=QUICK)
    assert found.tokens is not None
    assert found.tokens.values.shape == (rows // 8, columns // 8)
    assert np.abs(found.tokens.values - expected).max() < TOLERANCE
    assert np.ptp(expected) > 10 * TOLERANCE, "a flat map would prove nothing"
    assert found.saliency.shape == (rows, columns)


def test_layers_are_multiplied_later_ones_from_the_left() -> None:
    random = np.random.default_rng(0)
    first, second = (torch.from_numpy(random.dirichlet(np.ones(3), (1, 3))) for _ in range(2))  # each [1, 3, 3]
    joint = followed_by(followed_by(None, first), second)
    expected = ((second[0] + torch.eye(3)) / 2) @ ((first[0] + torch.eye(3)) / 2)
    torch.testing.assert_close(joint, expected)
    assert not torch.allclose(joint, ((first[0] + torch.eye(3)) / 2) @ ((second[0] + torch.eye(3)) / 2))


def test_the_cls_head_reads_its_own_row_and_the_mean_head_all_rows() -> None:
    joint = torch.arange(9.0, dtype=torch.float64).reshape(3, 3)
    assert read_out(joint, "cls", prefix=1).tolist() == [1.0, 2.0]
    assert read_out(joint, "mean", prefix=0).tolist() == [3.0, 4.0, 5.0]
    assert read_out(joint, "cls-and-mean", prefix=1).tolist() == [3.25, 4.25]  # half the row [1, 2], half the mean of [4, 5] and [7, 8]
    assert read_out(joint, "distilled", prefix=2).tolist() == [3.5]
    assert read_out(joint, "mean-then-norm", prefix=1).tolist() == [5.5, 6.5]


def test_no_attention_is_lost_on_the_way_to_a_mean_head(engine: Engine, image: ModelInput) -> None:
    tokens = explain(engine, image, "rollout", parameters=QUICK).tokens
    assert tokens is not None
    assert tokens.values.sum() == pytest.approx(1.0, abs=1e-6)


def test_rollout_is_the_same_map_for_every_label(engine: Engine, image: ModelInput) -> None:
    maps = [explain(engine, image, "rollout", label, parameters=QUICK) for label in engine.model.labels]
    assert all(not each.class_specific for each in maps)
    np.testing.assert_array_equal(maps[0].saliency, maps[1].saliency)
    assert maps[0].deletion.value != maps[1].deletion.value, "its measurements are those of the label"


def test_the_network_is_as_it_was_after_a_rollout(engine: Engine, image: ModelInput) -> None:
    before = engine.forward(image.values[None]).logits
    explain(engine, image, "rollout", parameters=QUICK)
    np.testing.assert_array_equal(engine.forward(image.values[None]).logits, before)
    assert engine.model.network.config._attn_implementation == "sdpa"
    assert not any(module._forward_hooks for module in engine.model.network.modules())


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_patch_attention_is_what_transformers_returns_without_cls(tmp_path: Path, image: ModelInput, pooling: str) -> None:
    folder = write_tiny_model(tmp_path / "model", pooling=pooling)
    expected = np.stack(eager_attention(folder, image))
    prefix = 1 if pooling == "cls" else 0
    found = patch_attention(engine_for(str(folder)), image)
    assert found.dtype == np.float32
    assert found.shape == (2, 4, 16, 16)
    np.testing.assert_allclose(found, expected[:, :, prefix:, prefix:], atol=1e-6)
