"""The stem that can begin with ImageNet's weights: shapes, one answer in training and in use, and a network like any other of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForImageClassification

from models.bert_image import BertImageConfig, BertImageForImageClassification, attention_captured
from models.bert_image.configuration import EFFICIENTNET
from models.bert_image.efficientnet import EfficientNetStem, InvertedResidual, NormedConvolution, channels_by_halving, stride_of


def sized(**changes: Any) -> BertImageConfig:
    sizes: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    stem = {"stem": EFFICIENTNET, "stem_depth": 4, "stem_scale": 2, "patch_size": 4, "pooling": "mean"}
    return BertImageConfig(**{"image_size": 32, **sizes, **stem, **changes})


def lively(network: BertImageForImageClassification) -> BertImageForImageClassification:
    """Normalisations as a training leaves them, not as they begin."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0.0, 0.1)
            module.running_var.uniform_(0.5, 2.0)
    return network.eval()


def images(side: int = 32) -> Tensor:
    return torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("depth", "channels", "stride"), [(1, 16, 2), (3, 24, 4), (5, 40, 8), (8, 80, 16), (11, 112, 16), (16, 320, 32)])
def test_each_depth_has_the_channels_and_the_stride_of_the_paper(depth: int, channels: int, stride: int) -> None:
    stem = EfficientNetStem(3, 8, depth, 1, keeps=True)
    assert stride_of(depth) == stride
    assert stem.tokens.in_channels == channels and len(stem.blocks) == depth
    assert stem(torch.zeros(1, 3, 64, 96)).shape == (1, 8, 64 // stride, 96 // stride)


@pytest.mark.parametrize("scale", [1, 2])
def test_features_are_what_the_last_block_of_each_resolution_gives(scale: int) -> None:
    torch.manual_seed(0)
    stem = EfficientNetStem(3, 8, 11, scale, keeps=True).eval()
    with torch.no_grad():
        found, tokens = stem.features(images(64))
        torch.testing.assert_close(tokens, stem(images(64)))
        torch.testing.assert_close(stem.tokens(found[-1]), tokens)
    assert [each.shape[1] for each in found] == channels_by_halving(11, scale)
    assert [64 // each.shape[2] for each in found] == [2, 4, 8, 16][: len(found)]


def test_a_token_stands_for_few_pixels_of_an_image_that_is_looked_at_enlarged() -> None:
    network = lively(BertImageForImageClassification(sized()))
    with torch.no_grad():
        output = network(images(), output_hidden_states=True)
    assert network.config.grid == (8, 8)
    assert output.token_logits.shape == (2, 64, 2)
    torch.testing.assert_close(output.token_logits.mean(dim=1), output.logits)


def test_an_input_of_another_size_gives_its_own_grid() -> None:
    network = lively(BertImageForImageClassification(sized()))
    with torch.no_grad():
        assert network(images(48)).token_logits.shape == (2, 144, 2)


def test_kept_statistics_give_the_same_answer_in_training_and_in_use() -> None:
    torch.manual_seed(3)
    network = lively(BertImageForImageClassification(sized(stem_norm_kept=True, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)))
    means = [norm.running_mean.clone() for norm in network.modules() if isinstance(norm, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        used, trained = network(images()).logits, network.train()(images()).logits
    torch.testing.assert_close(trained, used)
    after = [norm.running_mean for norm in network.modules() if isinstance(norm, torch.nn.BatchNorm2d)]
    assert all(torch.equal(one, other) for one, other in zip(means, after, strict=True))


def test_statistics_that_are_not_kept_are_those_of_the_batch() -> None:
    layer = NormedConvolution(3, 8, 3, 2, keeps=False)
    before = layer.norm.running_mean.clone()
    layer.train()(images())
    assert not torch.equal(layer.norm.running_mean, before)


def test_normalisation_that_joined_the_convolution_is_the_same_function() -> None:
    torch.manual_seed(2)
    layer = NormedConvolution(3, 8, 5, 2, keeps=True).eval()
    layer.norm.running_mean.normal_()
    layer.norm.running_var.uniform_(0.5, 2.0)
    padded = torch.nn.functional.pad(images(), (1, 2, 1, 2))
    plain = torch.nn.functional.conv2d(padded, layer.conv.weight, stride=2)
    torch.testing.assert_close(layer(images()), torch.nn.functional.relu6(layer.norm(plain)), atol=1e-5, rtol=1e-4)


def test_a_block_that_keeps_the_shape_adds_its_input() -> None:
    block = InvertedResidual(8, 8, 3, 1, 6, keeps=True).eval()
    torch.nn.init.zeros_(block.project.norm.weight)
    x = torch.randn(1, 8, 4, 4)
    torch.testing.assert_close(block(x), x)


def test_the_network_is_written_and_read_by_transformers_with_attention_as_it_was(tmp_path: Path) -> None:
    network = lively(BertImageForImageClassification(sized()))
    network.save_pretrained(tmp_path)
    again = AutoModelForImageClassification.from_pretrained(tmp_path, attn_implementation="eager").eval()
    with torch.no_grad(), attention_captured(network) as captured:
        plain = network(images())
        seen = again(images(), output_attentions=True)
    torch.testing.assert_close(seen.logits, plain.logits, atol=1e-5, rtol=1e-4)
    assert [tuple(layer.shape) for layer in seen.attentions] == [(2, 2, 64, 64)] * 2
    for mine, theirs in zip(captured, seen.attentions, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-4)


def test_gradients_reach_the_pixels_and_tokens_can_be_dropped() -> None:
    network = lively(BertImageForImageClassification(sized()))
    pixels = images().requires_grad_()
    network(pixels).logits[:, 0].sum().backward()
    assert pixels.grad is not None and float(pixels.grad.abs().sum()) > 0
    with torch.no_grad():
        assert network(images(), keep_tokens=torch.tensor([[0, 5, 9], [1, 2, 3]])).token_logits.shape == (2, 3, 2)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stem_depth": 17}, "stem_depth is 17"),
        ({"patch_size": 8}, "their product must be 8"),
        ({"stem": "linear", "patch_size": 8, "stem_depth": 0}, "are of the stem efficientnet-lite0"),
    ],
)
def test_sizes_that_do_not_fit_are_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        sized(**changes)
