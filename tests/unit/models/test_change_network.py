"""The change network: a logit a pixel, the same both ways, whatever bands are there; and what its folder must hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModel

from core.errors import BrokenModel, WrongTask
from models.bert_image import BertImageChangeConfig, BertImageForChangeDetection
from models.bert_image.configuration import EFFICIENTNET
from models.change_registry import UNCALIBRATED_THRESHOLD, is_change_model, load_change_model
from models.registry import load_model, summarise
from tests.tiny import write_tiny_model
from tests.tiny_change import CHANNELS, SIDE, tiny_change_network, write_tiny_change_model


@pytest.fixture
def dates() -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    before, after = (torch.randn(2, len(CHANNELS), SIDE, SIDE, generator=random) for _ in range(2))
    return before, after


def test_every_pixel_of_the_input_has_a_logit(dates: tuple[torch.Tensor, torch.Tensor]) -> None:
    with torch.no_grad():
        assert tiny_change_network()(*dates).logits.shape == (2, SIDE, SIDE)
        wide = [date.repeat(1, 1, 1, 2) for date in dates]
        assert tiny_change_network()(*wide).logits.shape == (2, SIDE, 2 * SIDE)


def test_exchanging_the_dates_changes_no_logit(dates: tuple[torch.Tensor, torch.Tensor]) -> None:
    network = tiny_change_network()
    with torch.no_grad():
        torch.testing.assert_close(network(*dates).logits, network(*reversed(dates)).logits)


def test_the_stem_that_imagenet_begins_gives_a_logit_for_every_pixel_and_keeps_the_symmetry() -> None:
    sizes = {
        "image_size": 32,
        "hidden_size": 16,
        "num_attention_heads": 2,
        "num_hidden_layers": 1,
        "intermediate_size": 32,
        "patch_size": 8,
    }
    stem = {"stem": EFFICIENTNET, "stem_depth": 11, "stem_scale": 2, "stem_channels": [], "decoder_channels": [8, 8, 8]}
    torch.manual_seed(0)
    network = BertImageForChangeDetection(BertImageChangeConfig(**sizes, **stem)).eval()
    before, after = torch.randn(2, 1, 3, 32, 48)
    with torch.no_grad():
        logits = network(before, after).logits
        assert logits.shape == (1, 32, 48)
        torch.testing.assert_close(network(after, before).logits, logits)
        assert (network(before, before).logits - logits).abs().max() > 0.0


def test_a_difference_is_seen_where_it_lies(dates: tuple[torch.Tensor, torch.Tensor]) -> None:
    network, before = tiny_change_network(), dates[0]
    after = before.clone()
    after[:, :, 8:16, 8:16] += 3.0
    with torch.no_grad():
        moved = (network(before, after).logits - network(before, before).logits).abs().mean(dim=0)
    assert moved[8:16, 8:16].mean() > 2 * moved[24:, 24:].mean() > 0.0


def test_bands_that_are_missing_count_as_the_mean_of_the_scene(dates: tuple[torch.Tensor, torch.Tensor]) -> None:
    fewer = [date.clone() for date in dates]
    for date in fewer:
        date[:, 3:] = 0.0
    with torch.no_grad():
        found = tiny_change_network()(*fewer).logits
    assert found.isfinite().all()


def test_the_loss_is_the_cross_entropy_of_the_pixels(dates: tuple[torch.Tensor, torch.Tensor]) -> None:
    labels = torch.zeros(2, SIDE, SIDE)
    with torch.no_grad():
        output = tiny_change_network()(*dates, labels=labels)
    torch.testing.assert_close(output.loss, torch.nn.functional.softplus(output.logits).mean())


def test_the_auto_classes_open_its_folder(tmp_path: Path) -> None:
    folder = write_tiny_change_model(tmp_path / "tiny")
    assert isinstance(AutoConfig.from_pretrained(folder), BertImageChangeConfig)
    assert isinstance(AutoModel.from_pretrained(folder), BertImageForChangeDetection)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"decoder_channels": [8]}, "decoder_channels"),
        ({"stem": "linear"}, "convolutions and mean"),
        ({"pooling": "cls"}, "convolutions and mean"),
        ({"patch_size": 2, "stem_channels": [8], "decoder_channels": [8]}, "at least 2"),
        ({"stem": EFFICIENTNET, "stem_depth": 11, "stem_scale": 2, "stem_channels": [], "decoder_channels": [8, 8]}, "each of 3 halvings"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_by_name(fields: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        BertImageChangeConfig(**{"image_size": 32, "hidden_size": 16, "num_attention_heads": 2, **fields})


def test_a_folder_is_opened_with_its_threshold(tmp_path: Path) -> None:
    model = load_change_model(str(write_tiny_change_model(tmp_path / "tiny", threshold=0.4)))
    assert (model.id, model.threshold) == ("tiny", 0.4)
    assert model.card.task == "change"
    plain = load_change_model(str(write_tiny_change_model(tmp_path / "plain", calibrated=False)))
    assert (plain.calibration, plain.threshold) == (None, UNCALIBRATED_THRESHOLD)


def test_each_kind_of_model_is_opened_as_what_it_is(tmp_path: Path) -> None:
    change, radiograph = write_tiny_change_model(tmp_path / "change"), write_tiny_model(tmp_path / "chest")
    assert (is_change_model(str(change)), is_change_model(str(radiograph))) == (True, False)
    with pytest.raises(WrongTask, match="compares two dates"):
        load_model(str(change))
    with pytest.raises(WrongTask, match="does not compare two dates"):
        load_change_model(str(radiograph))
    assert summarise("change", change).capabilities == frozenset()
    assert summarise("change", change).labels == ("unchanged", "changed")


@pytest.mark.parametrize(
    ("name", "values", "named"),
    [
        ("calibration.json", {"temperature": 1.0}, "calibration.json"),
        ("calibration.json", {"temperature": 1.0, "offset": 0.0, "threshold": 1.5}, "between 0 and 1"),
        ("calibration.json", {"temperature": 1.0, "offset": 0.0, "threshold": 0.5, "level_quantile": 1.5}, "quantile"),
        ("calibration.json", {"temperature": 1.0, "offset": 0.0, "threshold": 0.5, "lowest_level": 2.0}, "lowest level"),
        ("preprocess.json", {"channels": ["red"]}, "names 1 channels"),
        ("preprocess.json", {"size": [30, 30]}, "multiple of patch_size"),
        ("preprocess.json", {"domain": "land-cover"}, "domain"),
    ],
)
def test_files_that_do_not_fit_together_are_refused(tmp_path: Path, name: str, values: dict[str, object], named: str) -> None:
    folder = write_tiny_change_model(tmp_path / "tiny")
    path = folder / name
    kept = json.loads(path.read_text()) if name == "preprocess.json" else {}
    path.write_text(json.dumps(kept | values))
    with pytest.raises(BrokenModel, match=named):
        load_change_model(str(folder))
