"""Checkpoints that are not opened as models, and what is said of each."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    ConvNextConfig,
    ConvNextForImageClassification,
)

from core.errors import BrokenModel, UnsupportedModel
from core.inference.engine import Engine
from core.inference.runtimes import Runtime
from models.registry import load_model, summarise
from tests.tiny_encoders import (
    LABELS,
    PROCESSOR,
    SIDE,
    tiny_encoder,
    write_tiny_encoder,
    written,
)


def test_a_checkpoint_with_a_pickle_alone_is_refused_unopened(tmp_path: Path) -> None:
    folder = write_tiny_encoder(tmp_path)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(BrokenModel, match=r"its weights in pytorch_model\.bin, which is not opened"):
        load_model(str(folder))


def test_a_checkpoint_without_any_word_on_preprocessing_is_refused(tmp_path: Path) -> None:
    folder = write_tiny_encoder(tmp_path)
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(BrokenModel, match=r"has no preprocess\.json.*preprocessor_config\.json"):
        load_model(str(folder))


@pytest.mark.parametrize("family", ["vit", "dinov2_with_registers", "dinov3_vit"])
def test_an_encoder_without_a_head_is_not_supported_and_told_what_it_is_good_for(family: str, tmp_path: Path) -> None:
    folder = write_tiny_encoder(tmp_path, family)
    tiny_encoder(family).base_model.save_pretrained(folder)
    with pytest.raises(UnsupportedModel, match=r"has no classifier.*the key `start` of a recipe"):
        load_model(str(folder))


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("config.json", {"hidden_size": 24}, "does not fit config.json"),
        ("config.json", {"num_hidden_layers": 3}, "does not fit config.json"),
        ("config.json", {"id2label": {"0": "cat", "1": "dog"}}, r"does not fit config\.json: classifier\."),
        ("preprocessor_config.json", {"image_mean": None}, "'image_mean'"),
        ("preprocessor_config.json", {"image_std": [0, 1, 1]}, "image_std must be above 0"),
        ("preprocessor_config.json", {"image_mean": [0.5, 0.5]}, "not one a channel"),
        ("preprocessor_config.json", {"size": 33}, "not a multiple of patch_size"),
        ("preprocessor_config.json", {"size": "large"}, "preprocessor_config.json cannot be used"),
    ],
)
def test_files_that_do_not_fit_are_refused_with_a_sentence(name: str, changes: dict[str, object], words: str, tmp_path: Path) -> None:
    folder = write_tiny_encoder(tmp_path)
    written(folder, name, **changes)
    with pytest.raises(BrokenModel, match=words) as raised:
        load_model(str(folder))
    assert "\n" not in str(raised.value) and raised.value.hint.endswith(".")


def other_network(folder: Path, kind: str) -> None:
    """A sound checkpoint of another network of transformers, as it saves it."""
    text = {"vocab_size": 4, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    made = {
        "text": lambda: BertForSequenceClassification(BertConfig(**text)),
        "text encoder": lambda: BertModel(BertConfig(**text)),
        "convolutions": lambda: ConvNextForImageClassification(ConvNextConfig(hidden_sizes=[8] * 4, depths=[1] * 4)),
    }
    made[kind]().save_pretrained(folder)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("text", r"of the type 'bert' \(BertForSequenceClassification\).*start"),
        ("text encoder", r"of the type 'bert' \(BertModel\).*start"),
        ("convolutions", r"of the type 'convnext' \(ConvNextForImageClassification\).*DINOv2 with registers, DINOv3"),
    ],
)
@pytest.mark.parametrize("beside", ["nothing", "a processor", "a pickle"])
def test_another_network_is_not_supported_whatever_else_its_folder_lacks(kind: str, words: str, beside: str, tmp_path: Path) -> None:
    other_network(tmp_path, kind)
    if beside == "a processor":
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    if beside == "a pickle":
        (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    for opening in (load_model, lambda name: summarise("a", Path(name))):
        with pytest.raises(UnsupportedModel, match=words):
            opening(str(tmp_path))


def test_thirteen_bands_are_not_supported_until_they_are_named(tmp_path: Path) -> None:
    names = [f"band {number}" for number in range(1, 14)]
    folder = write_tiny_encoder(tmp_path, num_channels=13)
    written(folder, "preprocessor_config.json", image_mean=[0.1] * 13, image_std=[0.2] * 13)
    with pytest.raises(UnsupportedModel, match=r"reads 13 channels, and nothing beside it says which.*preprocess\.json"):
        load_model(str(folder))
    written(folder, "preprocess.json", domain="land-cover", channels=names)
    model = load_model(str(folder))
    assert (model.preprocess.channels, len(model.preprocess.mean)) == (tuple(names), 13)
    assert Engine(model, Runtime()).forward(np.zeros((1, 13, SIDE, SIDE), dtype=np.float32)).logits.shape == (1, len(LABELS))
