"""Masked image modelling: what is hidden does not reach the network, and only what is hidden counts."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForMaskedImageModeling

from models.bert_image import (
    BertImageConfig,
    BertImageForClassificationAndMasking,
    BertImageForImageClassification,
    BertImageForMaskedImageModelling,
)

SIDE, PATCH, CHANNELS = 16, 4, 2
CONVOLUTION = {"stem": "convolution", "stem_channels": [4, 8], "stem_blocks": [0, 1]}
STEMS = [{"pooling": "mean"}, {"pooling": "cls"}, {"pooling": "mean", **CONVOLUTION}]


def config(**changes: object) -> BertImageConfig:
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "initializer_range": 0.3}
    return BertImageConfig(image_size=SIDE, patch_size=PATCH, num_channels=CHANNELS, num_labels=3, **sizes, **changes)


@pytest.fixture
def pixels() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(2, CHANNELS, SIDE, SIDE)


@pytest.fixture
def masked() -> torch.Tensor:
    """The first and the last token of each image."""
    hidden = torch.zeros(2, SIDE // PATCH, SIDE // PATCH, dtype=torch.bool)
    hidden[:, 0, 0] = hidden[:, -1, -1] = True
    return hidden


@pytest.mark.parametrize("changes", STEMS, ids=["linear", "linear with [CLS]", "convolution"])
def test_what_a_hidden_token_holds_does_not_reach_the_reconstruction(
    pixels: torch.Tensor, masked: torch.Tensor, changes: dict[str, object]
) -> None:
    network = BertImageForMaskedImageModelling(config(**changes)).eval()
    other = pixels.clone()
    other[:, :, :PATCH, :PATCH] += 7.0
    assert torch.equal(network(pixels, masked).reconstruction, network(other, masked).reconstruction)
    seen = pixels.clone()
    seen[:, :, PATCH:-PATCH, PATCH:-PATCH] += 7.0
    assert not torch.allclose(network(pixels, masked).reconstruction, network(seen, masked).reconstruction)


def test_the_error_is_that_of_hidden_pixels_alone(pixels: torch.Tensor, masked: torch.Tensor) -> None:
    masking = BertImageForMaskedImageModelling(config(pooling="mean")).masking
    almost = pixels.clone()
    almost[:, :, PATCH:-PATCH, PATCH:-PATCH] += 5.0
    assert masking.error(almost, pixels, masked) == 0.0
    almost[:, :, :PATCH, :PATCH] += 0.5  # one of the two hidden tokens
    assert torch.isclose(masking.error(almost, pixels, masked), torch.tensor(0.25))


def test_each_token_gives_back_the_pixels_of_its_own_place() -> None:
    masking = BertImageForMaskedImageModelling(config(pooling="mean")).masking
    tokens = torch.zeros(1, (SIDE // PATCH) ** 2, 16)
    before = masking.reconstruction(tokens, (4, 4))
    tokens[0, 6] = 1.0  # second row, third column
    changed = (masking.reconstruction(tokens, (4, 4)) != before)[0].any(dim=0)
    expected = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    expected[PATCH : 2 * PATCH, 2 * PATCH : 3 * PATCH] = True
    assert torch.equal(changed, expected)


def test_the_loss_teaches_the_mask_token_and_the_encoder(pixels: torch.Tensor, masked: torch.Tensor) -> None:
    network = BertImageForMaskedImageModelling(config(pooling="mean"))
    network(pixels, masked).loss.backward()
    assert network.masking.token.grad.abs().sum() > 0
    assert network.bert.embeddings.positions.grad.abs().sum() > 0


def test_both_tasks_at_once_are_the_classifier_where_nothing_is_hidden(pixels: torch.Tensor, masked: torch.Tensor) -> None:
    classifier = BertImageForImageClassification(config(pooling="mean")).eval()
    both = BertImageForClassificationAndMasking.around(classifier).eval()
    alone = both.classifier_alone()
    assert type(alone) is BertImageForImageClassification
    assert torch.equal(classifier(pixels).logits, both(pixels).logits)
    assert torch.equal(classifier(pixels).logits, alone(pixels).logits)
    assert both(pixels).reconstruction_loss is None
    hidden = both(pixels, masked=masked)
    assert hidden.reconstruction_loss > 0
    assert not torch.allclose(hidden.logits, alone(pixels).logits)


def test_a_folder_opens_with_the_automatic_class(tmp_path: Path, pixels: torch.Tensor, masked: torch.Tensor) -> None:
    network = BertImageForMaskedImageModelling(config(pooling="mean")).eval()
    network.save_pretrained(tmp_path)
    again = AutoModelForMaskedImageModeling.from_pretrained(tmp_path).eval()
    assert torch.equal(network(pixels, masked).reconstruction, again(pixels, masked).reconstruction)
