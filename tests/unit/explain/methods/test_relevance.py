"""Relevance against a second implementation in float64, and on networks of which one knows what they look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import AutoModelForImageClassification

from core.errors import OutOfRange
from core.explain.methods.relevance import relevance, weighted
from core.explain.registry import explain
from core.explain.targets import target_of
from core.inference.engine import Engine, engine_for
from core.types import Domain, ModelInput, Target
from models.bert_image import FormedAttention
from models.bert_image.blocks import blocks_of
from models.bert_image.windows import windows_of
from tests.tiny import write_tiny_model
from tests.unit.explain.constructed import random_input
from tests.unit.explain.test_variants import VARIANTS, engine_of

METHOD, TOLERANCE = "relevance", 1e-5
QUICK = {"removal_steps": 2}


def independent_relevance(folder: Path, image: ModelInput, label: int, start: int = 0) -> NDArray[np.float64]:
    """Equations 5 and 6, written out in float64 from what transformers itself returns; [tokens, tokens] with the identity in it."""
    network = AutoModelForImageClassification.from_pretrained(folder, attn_implementation="eager").eval().double()
    output = network(pixel_values=torch.from_numpy(image.values)[None].double(), output_attentions=True)
    slopes = torch.autograd.grad(output.logits[0, label], output.attentions)
    found = np.eye(output.attentions[0].shape[-1])
    for attention, slope in list(zip(output.attentions, slopes, strict=True))[start:]:
        heads = [np.maximum(0.0, (s * a).numpy()) for a, s in zip(attention[0].detach(), slope[0], strict=True)]
        found = found + (sum(heads) / len(heads)) @ found
    return found


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("pooling", ["cls", "mean"])
@pytest.mark.parametrize(("rows", "columns"), [(32, 32), (24, 40)])
def test_relevance_is_the_same_as_a_second_implementation(tmp_path: Path, pooling: str, rows: int, columns: int, start: int) -> None:
    folder = write_tiny_model(tmp_path / "model", Domain.LAND_COVER, pooling=pooling)
    image = random_input(rows, columns, channels=3)
    joint = independent_relevance(folder, image, 1, start)
    expected = joint[0, 1:] if pooling == "cls" else (joint - np.eye(len(joint))).mean(axis=0)
    found = explain(engine_for(str(folder)), image, METHOD, "Forest", parameters={**QUICK, "start_layer": start})
    assert found.tokens is not None and found.tokens.values.shape == (rows // 8, columns // 8)
    assert np.abs(found.tokens.values.ravel() - expected).max() < TOLERANCE
    assert np.ptp(expected) > 10 * TOLERANCE, "a flat map would prove nothing"
    assert found.tokens.values.min() >= 0.0
    assert (found.parameters["start_layer"], found.parameters["readout"]) == (start, pooling)


def test_the_relevance_of_a_token_is_its_row(tmp_path: Path) -> None:
    folder, image = write_tiny_model(tmp_path / "model"), random_input()
    engine = engine_for(str(folder))
    target = Target("viral-pneumonia", ("viral-pneumonia",), token=(2, 1))
    network = AutoModelForImageClassification.from_pretrained(folder, attn_implementation="eager").eval().double()
    output = network(pixel_values=torch.from_numpy(image.values)[None].double(), output_attentions=True)
    slopes = torch.autograd.grad(output.token_logits[0, 6, 2], output.attentions)
    one, two = ((a[0] * s[0]).clamp(min=0.0).mean(dim=0).detach() for a, s in zip(output.attentions, slopes, strict=True))
    expected = (one + two + two @ one)[6]  # (I + two) (I + one) without I
    found = explain(engine, image, METHOD, target, parameters=QUICK).tokens
    assert found is not None
    np.testing.assert_allclose(found.values.ravel(), expected.numpy(), atol=TOLERANCE)


def test_relevance_depends_on_the_label_and_on_what_it_is_set_against(engine: Engine, image: ModelInput) -> None:
    maps = [explain(engine, image, METHOD, label, parameters=QUICK) for label in engine.model.labels]
    rather = explain(engine, image, METHOD, target_of(engine, image, "normal", "viral-pneumonia"), parameters=QUICK)
    assert all(each.class_specific for each in maps)
    assert len({each.saliency.tobytes() for each in (*maps, rather)}) == 4


def test_of_heads_the_positive_parts_are_meaned() -> None:
    attention = torch.tensor([[[[1.0, 0.0], [0.5, 0.5]], [[0.5, 0.5], [0.0, 1.0]]]])
    slope = torch.tensor([[[[2.0, 9.0], [-4.0, 4.0]], [[4.0, -8.0], [9.0, 1.0]]]])
    assert weighted(FormedAttention(attention), slope).tolist() == [[2.0, 0.0], [0.0, 1.5]]


def test_gradients_of_windows_lie_where_their_attention_lies() -> None:
    windows = windows_of((4, 4), 2, 0, torch.device("cpu"))
    inside = torch.rand(4, 1, 4, 4)
    found = weighted(FormedAttention(inside, windows.whole), torch.ones_like(inside))
    torch.testing.assert_close(found, windows.whole(inside)[0, 0])


def test_a_merge_takes_the_mean_of_the_rows_and_of_what_tokens_have_of_themselves() -> None:
    blocks = blocks_of((2, 2), 2)
    first, second = torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 1, 1)
    found = relevance([FormedAttention(first), FormedAttention(second)], [first, second], {1: blocks}, 0)
    assert found.tolist() == [[0.25] * 4] * 4, "what the one token attends to is a quarter of each of its four"


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize(("rows", "columns"), [(32, 32), (24, 40)])
def test_relevance_lies_on_the_grid_of_the_stem_whatever_the_layers_are(tmp_path: Path, name: str, rows: int, columns: int) -> None:
    found = explain(engine_of(tmp_path, **VARIANTS[name]), random_input(rows, columns), METHOD, "normal", parameters=QUICK).tokens
    assert found is not None and found.values.shape == (rows // 8, columns // 8)
    assert np.ptp(found.values) > 0.0 and np.isfinite(found.values).all()


def test_the_network_is_as_it_was_afterwards(engine: Engine, image: ModelInput) -> None:
    before = engine.forward(image.values[None]).logits
    explain(engine, image, METHOD, parameters=QUICK)
    np.testing.assert_array_equal(engine.forward(image.values[None]).logits, before)
    assert engine.model.network.config._attn_implementation == "sdpa"
    assert all(parameter.grad is None for parameter in engine.model.network.parameters())


def test_a_start_layer_that_is_not_there_is_refused(engine: Engine, image: ModelInput) -> None:
    for start in (-1, 2):
        with pytest.raises(OutOfRange, match="from 0 to 1"):
            explain(engine, image, METHOD, parameters={**QUICK, "start_layer": start})
