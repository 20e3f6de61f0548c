"""Patches that a network uses as scratch space are told where a map gathers on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core.explain.high_norm import gathered
from core.explain.registry import explain
from core.inference.engine import Engine, engine_for
from core.report.notices import say
from core.types import ModelInput, Notice
from models.registry import LoadedModel
from tests.tiny_encoders import write_tiny_encoder
from tests.unit.explain.constructed import random_input

CODE, QUICK = "explanation.high-norm-patches", {"removal_steps": 2}


def test_it_is_told_where_long_states_hold_twice_an_even_share_of_the_weight() -> None:
    lengths = np.ones((4, 4), dtype=np.float32)
    lengths[0, :2] = 4.0
    weight = np.ones((4, 4), dtype=np.float32)
    is_long, share = gathered(lengths, weight)
    assert is_long.sum() == 2 and share is None, "they are there, and nothing gathers on them"
    weight[0, 0] = 10.0
    assert gathered(lengths, weight)[1] == pytest.approx(11 / 25)
    assert gathered(np.ones((4, 4), dtype=np.float32), weight)[1] is None, "no state is longer than the rest"
    assert gathered(lengths, np.zeros((4, 4), dtype=np.float32))[1] is None


@pytest.mark.parametrize(("family", "is_told"), [("vit", True), ("dinov2", False)])
def test_a_patch_whose_state_is_long_is_told_where_attention_gathers_on_it(tmp_path: Path, family: str, is_told: bool) -> None:
    """Of these two networks of random weights the one attends to such a patch and the other does not."""
    engine, given = engine_for(str(write_tiny_encoder(tmp_path / family, family))), random_input(channels=3)
    assert not codes(engine, given)

    def lengthen(model: LoadedModel) -> None:
        positions = next(each for name, each in model.network.named_parameters() if "position_embeddings" in name)
        with torch.no_grad():
            positions[0, 1 + 5] += 60.0 * torch.sign(positions[0, 1 + 5])

    engine.run(lengthen)
    told = codes(engine, given)
    assert bool(told) == is_told
    assert not told or "on one patch whose state is far longer" in say(told[0])


def codes(engine: Engine, given: ModelInput) -> list[Notice]:
    found = explain(engine, given, "rollout", "cat", random_maps=20, parameters=QUICK)
    return [each for each in found.assumptions if each.code == CODE]


def test_our_own_networks_take_no_further_pass(engine: Engine, image: ModelInput) -> None:
    assert all(each.code != CODE for each in explain(engine, image, "rollout", "normal", random_maps=20, parameters=QUICK).assumptions)
