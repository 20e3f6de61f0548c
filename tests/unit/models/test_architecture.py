"""What is read of a configuration without the libraries of its network is what they read of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.settings import PROJECT
from models.architecture import NetworkConfig, StoredConfig
from models.bert_image import BertImageChangeConfig, BertImageConfig
from models.deferred import Deferred
from models.encoders.families import FAMILIES
from models.kinds import CHANGE, CLASSIFIER, ENCODERS
from models.registry import load_model
from tests.tiny import write_tiny_model

ASKED = (*StoredConfig.__dataclass_fields__, "grid", "prefix_tokens", "prefix_names", "embedding_size")


def told(config: NetworkConfig) -> dict[str, object]:
    found = {name: getattr(config, name) for name in ASKED if name != "image_size"}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}


@pytest.mark.parametrize("folder", sorted((PROJECT / "models" / "zoo").glob("*/config.json")), ids=lambda path: path.parent.name)
def test_of_the_models_of_the_zoo(folder: Path) -> None:
    stored = json.loads(folder.read_text(encoding="utf-8"))
    kind = BertImageChangeConfig if stored["model_type"] == CHANGE else BertImageConfig
    assert told(StoredConfig.of(stored)) == told(kind.from_pretrained(folder.parent))


@pytest.mark.parametrize("kind", [BertImageConfig, BertImageChangeConfig])
def test_of_a_configuration_that_leaves_everything_out(kind: type[BertImageConfig]) -> None:
    assert told(StoredConfig.of({"model_type": kind.model_type})) == told(kind())
    assert {BertImageConfig.model_type, BertImageChangeConfig.model_type} == {CLASSIFIER, CHANGE}


def test_the_families_are_those_that_have_a_name() -> None:
    assert list(FAMILIES) == list(ENCODERS)


def test_a_network_that_is_known_is_opened_when_it_is_asked_for(tmp_path: Path) -> None:
    folder = str(write_tiny_model(tmp_path / "model"))
    assert load_model(folder).opened.is_made
    closed = load_model(folder, is_known=lambda identity: True)
    assert not closed.opened.is_made and closed.identity == load_model(folder).identity
    assert closed.network is closed.network and closed.opened.is_made


def test_a_value_that_could_not_be_made_is_made_by_whoever_asks_next() -> None:
    tries: list[int] = []

    def make() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("not now")
        return "made"

    value = Deferred(make)
    with pytest.raises(OSError, match="not now"):
        value.get()
    assert not value.is_made
    assert (value.get(), value.get(), len(tries)) == ("made", "made", 2)
