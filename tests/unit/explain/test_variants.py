"""Explanations of networks with windows, linear attention and merged tokens: by hand where that can be done, and whole everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.explain.attention import between_members, patch_attention
from core.explain.methods.rollout import followed_by, joint_attention
from core.explain.readout import merged
from core.explain.registry import explain
from core.inference.engine import Engine, engine_for
from models.bert_image.blocks import blocks_of
from models.bert_image.windows import windows_of
from tests.tiny import HEADS, LAYERS, write_tiny_model
from tests.unit.explain.constructed import random_input

VARIANTS: dict[str, dict[str, Any]] = {
    "linear": {"attention": "linear", "random_features": 16},
    "windows": {"window_size": 2, "windowed_layers": 1},
    "pyramid": {"merges": [1]},
    "all": {"attention": "linear", "random_features": 16, "window_size": 3, "windowed_layers": 2, "merges": [1]},
}
QUICK = {"removal_steps": 2}


def engine_of(folder: Path, **changes: Any) -> Engine:
    return engine_for(str(write_tiny_model(folder / "model", **changes)))


def joint_of(engine: Engine, rows: int = 32, columns: int = 32) -> torch.Tensor:
    values = torch.from_numpy(random_input(rows, columns).values)[None]
    return engine.run(lambda model: joint_attention(model, values))


# ---------------------------------------------------------------- by hand


def test_one_layer_of_windows_lets_nothing_out_of_a_window(tmp_path: Path) -> None:
    joint = joint_of(engine_of(tmp_path, num_hidden_layers=1, window_size=2, windowed_layers=1))
    window = windows_of((4, 4), 2, 0, torch.device("cpu")).block_of
    inside = window[:, None] == window[None, :]
    assert float(joint[~inside].abs().max()) == 0.0
    assert float(joint[inside].min()) > 0.0
    torch.testing.assert_close(joint.sum(dim=1), torch.ones(16))


def test_a_merge_takes_the_mean_of_the_rows_of_its_tokens() -> None:
    joint = torch.eye(6)  # a grid of 2 x 3 tokens: two blocks, of four tokens and of two
    found = merged(joint, blocks_of((2, 3), 2))
    assert found.tolist() == [[0.25, 0.25, 0.0, 0.25, 0.25, 0.0], [0.0, 0.0, 0.5, 0.0, 0.0, 0.5]]


def test_a_layer_after_a_merge_by_hand() -> None:
    """Two tokens after the merge, each attending to the other alone: half of it stays by the residual connection."""
    joint = merged(torch.eye(8), blocks_of((2, 4), 2))  # blocks 0, 1, 4, 5 and 2, 3, 6, 7
    exchanged = followed_by(joint, torch.tensor([[[0.0, 1.0], [1.0, 0.0]]]))
    assert exchanged.tolist() == [[0.125] * 8, [0.125] * 8]
    kept = followed_by(joint, torch.eye(2)[None])
    assert kept[0].tolist() == [0.25, 0.25, 0.0, 0.0, 0.25, 0.25, 0.0, 0.0]


def test_attention_between_merged_tokens_is_shared_by_their_patches() -> None:
    blocks = blocks_of((2, 3), 2)
    found = between_members(torch.tensor([[[0.2, 0.8], [0.6, 0.4]]]), blocks)[0]
    left, right = [0.05, 0.05, 0.4, 0.05, 0.05, 0.4], [0.15, 0.15, 0.2, 0.15, 0.15, 0.2]
    torch.testing.assert_close(found, torch.tensor([left, left, right, left, left, right]))


# ---------------------------------------------------------------- whole networks


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize(("rows", "columns"), [(32, 32), (24, 40)])
def test_rollout_lies_on_the_grid_of_the_stem_and_loses_nothing(tmp_path: Path, name: str, rows: int, columns: int) -> None:
    engine = engine_of(tmp_path, **VARIANTS[name])
    joint = joint_of(engine, rows, columns)
    tokens = rows * columns // 64
    assert joint.shape == (tokens, tokens)
    torch.testing.assert_close(joint.sum(dim=1), torch.ones(tokens), atol=1e-5, rtol=0.0)
    found = explain(engine, random_input(rows, columns), "rollout", parameters=QUICK).tokens
    assert found is not None and found.values.shape == (rows // 8, columns // 8)
    np.testing.assert_allclose(found.values.ravel(), joint.mean(dim=0).numpy(), atol=1e-6)
    assert np.ptp(found.values) > 0.0


@pytest.mark.parametrize("name", ["pyramid", "all"])
def test_tokens_that_were_merged_have_one_row(tmp_path: Path, name: str) -> None:
    joint = joint_of(engine_of(tmp_path, **VARIANTS[name]))
    assert torch.equal(joint[0], joint[5]) and not torch.equal(joint[0], joint[2])


@pytest.mark.parametrize("name", VARIANTS)
def test_a_clicked_token_shows_its_attention_in_every_layer(tmp_path: Path, name: str) -> None:
    found = patch_attention(engine_of(tmp_path, **VARIANTS[name]), random_input(24, 40))
    assert found.shape == (LAYERS, HEADS, 15, 15)
    np.testing.assert_allclose(found.sum(axis=-1), 1.0, atol=1e-5)


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("method", ["integrated-gradients", "occlusion"])
def test_methods_that_need_no_attention_work_as_on_any_network(tmp_path: Path, name: str, method: str) -> None:
    engine = engine_of(tmp_path, initializer_range=0.1, **VARIANTS[name])
    found = explain(engine, random_input(), method, parameters=QUICK)
    assert found.saliency.shape == (32, 32)
    assert np.ptp(found.saliency) > 0.0
    assert method == "occlusion" or (found.completeness_error is not None and found.completeness_error < 0.05)
