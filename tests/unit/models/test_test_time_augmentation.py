"""The second look at a pair of tiles: enlarged, upside down, and laid on the first where it belongs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from core.errors import BrokenModel
from core.inference.engine import ChangeEngine
from core.inference.runtimes import Runtime
from models.bert_image.test_time_augmentation import averaged_logits
from models.change_registry import load_change_model
from tests.tiny_change import CHANNELS, SIDE, telling, tiny_change_network, write_tiny_change_model


@pytest.fixture(scope="module")
def dates() -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(5)
    before, after = (torch.randn(2, len(CHANNELS), SIDE, SIDE, generator=random) for _ in range(2))
    return before, after


@torch.no_grad()
def test_without_a_factor_there_is_one_look(dates: tuple[torch.Tensor, torch.Tensor]) -> None:
    network = tiny_change_network()
    assert_allclose(averaged_logits(network, *dates, 0.0), network(*dates).logits)


@torch.no_grad()
def test_the_mean_of_both_looks_is_the_same_upside_down(dates: tuple[torch.Tensor, torch.Tensor]) -> None:
    network = tiny_change_network()
    over = [each.flip(2) for each in dates]
    second = network(*over).logits.flip(1)
    assert_allclose(averaged_logits(network, *dates, 1.0), (network(*dates).logits + second) / 2, atol=1e-5)
    assert not np.allclose(second, network(*dates).logits, atol=1e-3)  # or the test could not fail
    assert_allclose(averaged_logits(network, *over, 1.0), averaged_logits(network, *dates, 1.0).flip(1), atol=1e-5)


@torch.no_grad()
def test_the_enlarged_look_lies_on_the_first() -> None:
    network = telling(tiny_change_network())
    before = torch.zeros(1, len(CHANNELS), SIDE, SIDE)
    after = before.clone()
    after[:, :, 2:10, 20:30] = 4.0  # neither in the middle nor the same upside down
    first = network(before, after).logits[0]
    both = averaged_logits(network, before, after, 1.5)[0]
    assert both.shape == first.shape
    inside = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    inside[3:9, 21:29] = True
    outside = torch.ones(SIDE, SIDE, dtype=torch.bool)
    outside[:12, 18:32] = False
    assert_allclose(both[inside], first[inside], atol=0.3)
    assert_allclose(both[outside], first[outside], atol=1e-4)


def test_an_engine_looks_twice_where_its_folder_says_so(tmp_path: Path, dates: tuple[torch.Tensor, torch.Tensor]) -> None:
    folder = write_tiny_change_model(tmp_path / "tiny")
    told = folder / "preprocess.json"
    once = ChangeEngine(load_change_model(str(folder)), Runtime())
    told.write_text(json.dumps({**json.loads(told.read_text()), "enlarged": 1.5}))
    twice = ChangeEngine(load_change_model(str(folder)), Runtime())
    values = [each.numpy() for each in dates]
    with torch.no_grad():
        wanted = averaged_logits(twice.model.network, *dates, 1.5)
    assert_allclose(twice.forward(*values).logits, wanted, atol=1e-4)
    assert not np.allclose(once.forward(*values).logits, wanted, atol=1e-3)


@pytest.mark.parametrize("enlarged", [0.5, 1.01, -2, "twice", True, None, float("nan")])
def test_a_factor_that_does_not_fit_is_refused(tmp_path: Path, enlarged: object) -> None:
    folder = write_tiny_change_model(tmp_path / "tiny")
    told = folder / "preprocess.json"
    told.write_text(json.dumps({**json.loads(told.read_text()), "enlarged": enlarged}))
    with pytest.raises(BrokenModel, match="enlarged"):
        load_change_model(str(folder))
