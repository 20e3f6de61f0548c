"""Models are found by id, folder or hub id, and a folder that is not whole is refused with a sentence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from core.errors import BrokenModel, NotFound, Offline, UnsupportedModel
from core.settings import Settings
from core.types import Calibration, Domain
from models import registry
from models.hub import from_hub
from models.registry import ModelCard, find_folder, list_models, load_model, read_card, read_json
from tests.tiny import LABELS, write_tiny_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny")


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A zoo of two models."""
    zoo = tmp_path / "zoo"
    write_tiny_model(zoo / "chest")
    write_tiny_model(zoo / "land", Domain.LAND_COVER)
    monkeypatch.setattr(registry, "settings", lambda: Settings(zoo=zoo))
    return zoo


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of a hub, as it lies on the disk after a download of clinic/chest. Nothing else can be had."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    repository = tmp_path / "hub" / "models--clinic--chest"
    write_tiny_model(repository / "snapshots" / "0123abcd")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123abcd", encoding="utf-8")
    from_hub.cache_clear()
    return repository / "snapshots" / "0123abcd"


def edited(name: str, **changes: Any) -> Callable[[Path], None]:
    """Other values in one of the JSON files of a folder."""

    def edit(folder: Path) -> None:
        values = json.loads((folder / name).read_text(encoding="utf-8"))
        (folder / name).write_text(json.dumps({**values, **changes}), encoding="utf-8")

    return edit


def written(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(content) and None


def spoilt(name: str, array: str, value: float) -> Callable[[Path], None]:
    """One number of a file of arrays exchanged."""

    def spoil(folder: Path) -> None:
        arrays = {key: values.copy() for key, values in load_file(folder / name).items()}
        arrays[array].reshape(-1)[0] = value
        save_file(arrays, folder / name, metadata={"format": "pt"})

    return spoil


def cut(name: str, count: int) -> Callable[[Path], None]:
    """A file without its last bytes."""
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-count]) and None


def promised(folder: Path, *names: str) -> None:
    """A card that says what the folder holds."""
    card = (folder / "README.md").read_text()
    (folder / "README.md").write_text(card.replace("metrics:", f"files: {json.dumps(names)}\nmetrics:", 1))


def removed(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


# ---------------------------------------------------------------- found


def test_a_model_is_found_by_its_folder_and_brings_its_facts(folder: Path) -> None:
    model = load_model(str(folder))
    assert (model.id, model.labels) == ("tiny", LABELS[Domain.RADIOGRAPH])
    assert (model.token_grid, model.patch) == ((4, 4), (8, 8))
    assert model.calibration == Calibration(temperature=1.5, conformal_threshold=0.75, coverage=0.9)
    assert model.preprocess.domain is Domain.RADIOGRAPH and model.preprocess.size == (32, 32)
    assert model.card.title == "Tiny radiograph model" and model.card.metrics == {"accuracy": 0.5}
    assert model.weights_hash == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()[:12]
    assert not model.network.training


def test_a_land_cover_model_that_names_no_lines_has_those_of_eurosat(zoo: Path) -> None:
    assert load_model("land").preprocess.linear == ("Highway", "River")
    assert load_model("chest").preprocess.linear == ()
    path = zoo / "land" / "preprocess.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "linear": ["Road"], "coarsest_m": 20.0}))
    told = load_model("land").preprocess
    assert (told.linear, told.coarsest_m) == (("Road",), 20.0)


def test_a_model_is_found_by_its_id_in_the_zoo(zoo: Path) -> None:
    assert load_model("land").labels == LABELS[Domain.LAND_COVER]
    assert find_folder("chest") == zoo / "chest"


def test_the_zoo_is_listed_by_id_without_reading_weights(zoo: Path) -> None:
    for weights in zoo.glob("*/model.safetensors"):
        weights.write_bytes(b"not weights")
    assert [summary.id for summary in list_models()] == ["chest", "land"]
    assert list_models()[1].labels == LABELS[Domain.LAND_COVER]


def test_a_model_is_found_by_its_hub_id_in_the_local_cache(hub: Path) -> None:
    model = load_model("clinic/chest")
    assert (model.id, model.folder) == ("clinic/chest", hub)
    assert model.calibration is not None and model.ood_detector is not None


def test_a_hub_model_may_lack_what_is_optional(hub: Path) -> None:
    (hub / "calibration.json").unlink()
    (hub / "outside.safetensors").unlink()
    (hub / "README.md").unlink()
    model = load_model("clinic/chest")
    assert (model.calibration, model.ood_detector, model.card.title) == (None, None, "")


def test_a_hub_id_that_cannot_be_fetched_is_named_and_nothing_is_invented(hub: Path) -> None:
    with pytest.raises(Offline, match="clinic/other could not be fetched"):
        load_model("clinic/other")
    (hub / "model.safetensors").unlink()
    with pytest.raises(Offline, match=r"it must hold config\.json, model\.safetensors"):
        load_model("clinic/chest")


def test_an_unknown_name_is_answered_with_the_known_ones(zoo: Path) -> None:
    with pytest.raises(NotFound, match=r"There is no model 'chestt'\. Known are: chest, land"):
        load_model("chestt")


def test_half_precision_on_disk_is_full_precision_in_memory(folder: Path) -> None:
    halves = {name: value.astype(np.float16) for name, value in load_file(folder / "model.safetensors").items()}
    save_file(halves, folder / "model.safetensors", metadata={"format": "pt"})
    assert {parameter.dtype for parameter in load_model(str(folder)).network.parameters()} == {torch.float32}


def test_a_model_is_placed_on_the_device_that_was_asked_for(folder: Path) -> None:
    network = load_model(str(folder), "meta").network
    assert {value.device.type for value in (*network.parameters(), *network.buffers())} == {"meta"}


# ---------------------------------------------------------------- broken


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (removed("model.safetensors"), "has no model.safetensors"),
        (removed("preprocess.json"), "has no preprocess.json"),
        (written("config.json", b"{"), "config.json is not JSON"),
        (written("config.json", b"[]"), "holds no object"),
        (edited("config.json", hidden_size=64), "does not fit config.json: bert.embeddings"),
        (edited("config.json", num_hidden_layers=3), "does not fit config.json: bert.encoder.layer.2"),
        (edited("config.json", num_hidden_layers=1), "does not fit config.json: bert.encoder.layer.1"),
        (edited("config.json", patch_size=7), "multiple of patch_size 7"),
        (edited("config.json", hidden_size="wide"), "cannot be opened"),
        (edited("config.json", id2label={"0": "a", "1": "b"}), "does not fit config.json: classifier"),
        (edited("config.json", id2label={"a": "a"}), "cannot be opened"),
        (written("model.safetensors", b""), "cannot be opened"),
        (written("model.safetensors", b"\x80\x04pickle" * 40), "cannot be opened"),
        (edited("preprocess.json", domain="ct"), "'ct' is not a valid Domain"),
        (edited("preprocess.json", colour=1), "preprocess.json cannot be used"),
        (edited("preprocess.json", size="large"), r"size must be \[rows, columns\]"),
        (edited("preprocess.json", size=[33, 32]), "not a multiple of patch_size"),
        (edited("preprocess.json", channels=["red", "green"]), "names 2 channels, config.json 1"),
        (edited("preprocess.json", standardise="fixed"), "not one a channel"),
        (edited("preprocess.json", standardise="none"), "neither image nor fixed"),
        (edited("calibration.json", temperature=0), "temperature must be above 0"),
        (edited("calibration.json", conformal_threshold="a"), "calibration.json cannot be used"),
        (edited("calibration.json", kind="isotonic"), "calibration.json cannot be used"),
        (written("outside.safetensors", b"{}"), "outside.safetensors cannot be used"),
        (cut("outside.safetensors", 1), "outside.safetensors cannot be used"),
        (cut("model.safetensors", 1), "cannot be opened"),
        (
            spoilt("model.safetensors", "classifier.weight", float("nan")),
            r"model.safetensors holds numbers that are not finite \(classifier",
        ),
        (spoilt("model.safetensors", "classifier.bias", float("inf")), "not finite"),
        (
            spoilt("outside.safetensors", "whitening", float("nan")),
            "outside.safetensors cannot be used: it holds numbers that are not finite",
        ),
        (spoilt("outside.safetensors", "threshold", float("nan")), "outside.safetensors cannot be used"),
        (edited("calibration.json", temperature=float("inf")), "a number is not finite"),
        (written("config.json", b"[" * 100_000), "config.json is not JSON"),
        (edited("config.json", hidden_act="unheard-of"), "cannot be opened"),
        (edited("config.json", patch_size=0), "cannot be opened"),
        (edited("config.json", dtype="float31"), "cannot be opened"),
        (edited("preprocess.json", size=[0, 0]), r"size must be \[rows, columns\]"),
        (edited("preprocess.json", channels=[]), "preprocess.json cannot be used"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused_with_a_sentence(folder: Path, damage: Callable[[Path], None], words: str) -> None:
    damage(folder)
    with pytest.raises(BrokenModel, match=words) as raised:
        load_model(str(folder))
    assert "\n" not in str(raised.value) and raised.value.hint.endswith(".")


@pytest.mark.parametrize("name", ["outside.safetensors", "calibration.json"])
def test_a_file_that_the_card_promises_and_the_folder_lacks_breaks_the_model(folder: Path, name: str) -> None:
    promised(folder, "calibration.json", "outside.safetensors")
    assert load_model(str(folder)).ood_detector is not None
    (folder / name).unlink()
    for opened in (lambda: load_model(str(folder)), lambda: registry.summarise("tiny", folder)):
        with pytest.raises(BrokenModel, match=f"has no {name}, which its card promises"):
            opened()


@pytest.mark.parametrize("model", sorted(Settings().zoo.glob("*/config.json")), ids=lambda config: config.parent.name)
def test_cards_of_the_zoo_promise_calibration_and_ood_detector(model: Path) -> None:
    assert read_card(model.parent / "README.md").files == ("calibration.json", "outside.safetensors")


def test_an_outside_model_of_another_network_is_refused(folder: Path) -> None:
    arrays = {"mean": np.zeros(5, np.float32), "whitening": np.eye(5, dtype=np.float32), "threshold": np.ones(1, np.float32)}
    save_file(arrays, folder / "outside.safetensors")
    with pytest.raises(BrokenModel, match="not made for 116 features"):
        load_model(str(folder))


def test_a_broken_folder_says_nothing_beside_its_error(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    edited("config.json", num_hidden_layers=3)(folder)
    with pytest.raises(BrokenModel):
        load_model(str(folder))
    assert capfd.readouterr() == ("", "")


# ---------------------------------------------------------------- cards


def test_a_card_without_front_matter_is_all_text(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# A model\n", encoding="utf-8")
    card = read_card(tmp_path / "README.md")
    assert (card.title, card.metrics, card.text) == ("", {}, "# A model")


def test_a_card_in_another_encoding_does_not_stop_its_model(folder: Path) -> None:
    (folder / "README.md").write_bytes('---\ntitle: "Röntgen"\n---\n'.encode("latin-1"))
    assert load_model(str(folder)).card.title.startswith("R")


def test_a_folder_named_by_a_dot_has_its_own_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert load_model(".").id == "tiny"


def test_a_model_of_a_kind_that_is_not_read_is_not_called_damaged(folder: Path) -> None:
    edited("config.json", model_type="resnet")(folder)
    with pytest.raises(UnsupportedModel, match="is of the type 'resnet'"):
        load_model(str(folder))


@pytest.mark.parametrize("config", sorted(Settings().zoo.glob("*/config.json")), ids=lambda config: config.parent.name)
def test_a_model_of_the_zoo_with_parent_labels_says_on_whom_their_kinds_were_measured_and_what_it_knows(config: Path) -> None:
    model = registry.summarise(config.parent.name, config.parent)
    members = {label for labels in (read_json(config).get("parents") or {}).values() for label in labels}
    assert {one.label for one in model.preprocess.measured_for} == members
    assert not members or "no other disease" in model.card.knows


def test_the_small_files_of_a_model_are_read_once_and_again_when_they_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_tiny_model(tmp_path / "tiny")
    read: list[Path] = []

    def counted(path: Path) -> ModelCard:
        read.append(path)
        return read_card(path)

    monkeypatch.setattr(registry, "read_card", counted)
    first = registry.summarise("tiny", folder)
    assert registry.summarise("tiny", folder) is first
    assert len(read) == 1
    card = folder / "README.md"
    card.write_text(card.read_text(encoding="utf-8") + "\nMore.\n", encoding="utf-8")
    assert registry.summarise("tiny", folder).card.text != first.card.text
    (folder / "preprocess.json").unlink()
    with pytest.raises(BrokenModel):
        registry.summarise("tiny", folder)
