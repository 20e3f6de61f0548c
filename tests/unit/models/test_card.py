"""Cards: YAML front matter as the hub writes it and as a training writes it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from core.settings import PROJECT
from models.card import front_matter, read_card

HUB = """---
license: apache-2.0
library_name: transformers
pipeline_tag: image-classification
tags:
- vision
- image-classification
datasets:
- imagenet-1k
- imagenet-21k
widget:
- src: https://example.org/tiger.jpg
  example_title: "Tiger: a large one"
model-index:
- name: birds-vit
  results:
  - task:
      type: image-classification
    dataset:
      name: Birds
      type: birds
    metrics:
    - type: accuracy
      value: 0.9312
      name: Accuracy
    - type: f1
      value: 0.92
---

# Birds

Text with --- in it.
"""


def written(folder: Path, text: str) -> Path:
    (folder / "README.md").write_text(text, encoding="utf-8")
    return folder / "README.md"


def test_a_card_of_the_hub_keeps_its_lists_and_nested_keys(tmp_path: Path) -> None:
    card = read_card(written(tmp_path, HUB))
    assert (card.title, card.task, card.licence) == ("birds-vit", "classification", "apache-2.0")
    assert card.tags == ("vision", "image-classification")
    assert card.datasets == ("imagenet-1k", "imagenet-21k")
    assert card.metrics == {"accuracy": 0.9312, "f1": 0.92}
    assert card.text.startswith("# Birds") and card.text.endswith("Text with --- in it.")


@pytest.mark.parametrize(
    ("front", "licence"),
    [
        ("license: other\nlicense_name: dinov3-license", "dinov3-license"),
        ("license:\n- mit\n- cc-by-4.0", "mit, cc-by-4.0"),
        ("licence: Apache-2.0 (weights)\nlicense: mit", "Apache-2.0 (weights)"),
        ("license: other", "other"),
        ("title: a", ""),
    ],
)
def test_the_licence_is_read_in_each_form(front: str, licence: str, tmp_path: Path) -> None:
    assert read_card(written(tmp_path, f"---\n{front}\n---\n# A\n")).licence == licence


@pytest.mark.parametrize(
    "front",
    ["a: b: c", "- only\n- a list", "date: 2020-99-99", "[" * 5000, "!!python/object/apply:os.system ['true']", "a: &a [*a]\ntitle: *a"],
)
def test_front_matter_that_is_none_leaves_the_text(front: str, tmp_path: Path) -> None:
    card = read_card(written(tmp_path, f"---\n{front}\n---\n# A model\n"))
    assert (card.title, dict(card.metrics), card.text) == ("", {}, "# A model")


def test_line_ends_and_byte_order_marks_of_other_systems_are_read(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(b"\xef\xbb\xbf---\r\ntitle: Birds\r\ntags: [a, b]\r\n---\r\n# A\r\n")
    card = read_card(tmp_path / "README.md")
    assert (card.title, card.tags, card.text) == ("Birds", ("a", "b"), "# A")


def test_what_is_written_is_yaml_and_is_read_back(tmp_path: Path) -> None:
    facts = {
        "title": "Nodules: small, and few",
        "task": "classification",
        "modality": "CT",
        "licence": "CC BY 4.0 (weights) # not a comment",
        "metrics": {"accuracy": [0.5, 0.4, 0.6], "ece": [0.07, None, None]},
        "measured_weights": "0123456789e0",  # without quotes it would be a number
    }
    text = "\n".join([*front_matter(facts), "# Title", ""])
    assert yaml.safe_load(text.split("---\n")[1]) == facts
    card = read_card(written(tmp_path, text))
    assert (card.title, card.licence, card.metrics) == (facts["title"], facts["licence"], facts["metrics"])
    assert card.measured_weights == "0123456789e0"


@pytest.mark.parametrize("path", sorted((PROJECT / "models" / "zoo").glob("*/README.md")), ids=lambda path: path.parent.name)
def test_cards_of_the_zoo_are_yaml(path: Path) -> None:
    card = read_card(path)
    assert card.title and card.licence and card.metrics and len(card.measured_weights) == 12
