"""What a report takes from a model card."""

from __future__ import annotations

from pathlib import Path

import torch

from core.report.model_facts import model_facts
from core.types import Calibration
from models.bert_image import BertImageConfig, BertImageForImageClassification
from models.deferred import Deferred
from models.registry import LoadedModel, ModelCard
from tests.unit.report import examples as ex

CARD = """# Chest radiographs

What it is for.

## Training data
5,216 radiographs of children
([Kermany et al. 2018](https://example.org), CC BY 4.0).

More about it.

## Limits
- **Children** of one hospital,
  aged 1 to 5.
- Frontal views only.

## Commands
`make`
"""


def loaded(text: str, calibration: Calibration | None) -> LoadedModel:
    config = BertImageConfig(image_size=32, patch_size=16, hidden_size=12, num_hidden_layers=1, num_attention_heads=2, intermediate_size=12)
    with torch.device("meta"):
        network = BertImageForImageClassification(config)
    return LoadedModel(
        id="chest-xray",
        folder=Path("zoo"),
        opened=Deferred.of(network),
        config=config,
        labels=ex.CHEST_LABELS,
        preprocess=ex.CHEST,
        calibration=calibration,
        ood_detector=None,
        card=ModelCard("Chest radiographs of children", "three classes", "CR, DX", "Apache-2.0", {}, text),
        weights_hash="0a1b2c3d4e5f",
        token_grid=(2, 2),
        patch=(16, 16),
    )


def test_a_card_gives_its_data_and_each_limit_as_sentences() -> None:
    facts = model_facts(loaded(CARD, Calibration(1.3, 0.4)))
    assert facts.trained_on == "5,216 radiographs of children (Kermany et al. 2018, CC BY 4.0)."
    assert facts.limits == ("Children of one hospital, aged 1 to 5.", "Frontal views only.")
    assert facts.coverage == 0.9


def test_a_model_without_a_card_or_calibration_still_has_its_facts() -> None:
    facts = model_facts(loaded("", None))
    assert (facts.trained_on, facts.limits, facts.coverage) == ("", (), None)
    assert facts.title == "Chest radiographs of children"
