"""Finds models: those of the zoo by id, others by folder or hub id. The facts of a model lie beside its weights."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file
from transformers.utils import cached_file

from core.errors import BrokenModel, NotFound, Offline, WrongTask
from core.settings import settings
from core.types import Calibration, Domain, Preprocess
from models.bert_image import BertImageChangeConfig, BertImageConfig, BertImageForImageClassification
from models.image_statistics import statistics_length
from models.networks import open_network

WEIGHTS, CONFIG, PREPROCESS = "model.safetensors", "config.json", "preprocess.json"
CALIBRATION, OUTSIDE, CARD = "calibration.json", "outside.safetensors", "README.md"
NEEDED, OPTIONAL = (CONFIG, WEIGHTS, PREPROCESS), (CALIBRATION, OUTSIDE, CARD)
FILES = NEEDED + OPTIONAL
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
METHODS = ("rollout", "integrated-gradients", "occlusion")
FIRST_METHOD = "integrated-gradients"
"""What explains where nobody chose a method: the one whose maps beat random ones most often (the section Faithfulness of the cards)."""


@dataclass(frozen=True)
class ModelCard:
    """What the front matter of README.md declares, and the text below it. metrics: name -> figure on held-back data."""

    title: str
    task: str
    modality: str
    licence: str
    metrics: Mapping[str, Any]
    text: str


@dataclass(frozen=True)
class OutsideModel:
    """What the features of training images look like (embedding and image statistics), for telling strangers.

    mean: float32 [D]. whitening: float32 [D, K]. With w = (x - mean) @ whitening, the score of x is the length of w, and
    w @ direction + offset added where that is above 0. threshold: scores above it are outside.
    direction: float32 [K], towards strangers that the gate has learnt; None for a gate that knows the distance alone.
    """

    mean: NDArray[np.float32]
    whitening: NDArray[np.float32]
    threshold: float
    direction: NDArray[np.float32] | None = None
    offset: float = 0.0


@dataclass(frozen=True)
class ModelSummary:
    """A model as a list shows it; no weights were read."""

    id: str
    folder: Path
    labels: tuple[str, ...]
    preprocess: Preprocess
    card: ModelCard
    methods: tuple[str, ...] = METHODS

    @property
    def title(self) -> str:
        """What a list calls it: by its card, else by its id, of a folder the last name."""
        return self.card.title or (Path(self.id).name if Path(self.id).is_absolute() else self.id)


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to run.

    network: in evaluation mode, float32. weights_hash: first 12 hex digits of the sha256 of model.safetensors.
    token_grid: (rows, columns) of tokens at the input size. patch: (height, width) of a token in pixels of the input.
    """

    id: str
    folder: Path
    network: BertImageForImageClassification
    labels: tuple[str, ...]
    preprocess: Preprocess
    calibration: Calibration | None
    outside: OutsideModel | None
    card: ModelCard
    weights_hash: str
    token_grid: tuple[int, int]
    patch: tuple[int, int]
    methods: tuple[str, ...] = METHODS


def list_models() -> tuple[ModelSummary, ...]:
    """The models of the zoo by id. Raises BrokenModel for a folder there that is not whole."""
    folders = sorted(path.parent for path in settings().zoo.glob(f"*/{CONFIG}"))
    return tuple(summarise(folder.name, folder) for folder in folders)


def summarise(name: str, folder: Path) -> ModelSummary:
    """What the small files of a model folder say. Raises BrokenModel."""
    check_files(folder)
    labels = read_labels(read_json(folder / CONFIG), folder)
    preprocess = read_preprocess(folder)
    methods = () if preprocess.domain is Domain.CHANGE else METHODS
    return ModelSummary(name, folder, labels, preprocess, read_card(folder / CARD), methods)


def load_model(model: str, device: str = "cpu") -> LoadedModel:
    """Open a model by its id in the zoo, by its folder, or by its hub id (which is downloaded, since the user asked for it).

    Raises NotFound, naming the known ids; BrokenModel for a folder that is not whole; Offline where the hub cannot be reached; WrongTask
    for a model that compares two dates (models/change_registry.py opens those).
    """
    folder = find_folder(model)
    check_files(folder)
    network, config = _network(folder)
    preprocess, outside = read_preprocess(folder), _outside(folder)
    _check_fit(folder, config, preprocess, outside)
    return LoadedModel(
        id=folder.resolve().name if Path(model).is_dir() else model,
        folder=folder,
        network=network.to(device).eval(),
        labels=read_labels(read_json(folder / CONFIG), folder),
        preprocess=preprocess,
        calibration=_calibration(folder),
        outside=outside,
        card=read_card(folder / CARD),
        weights_hash=hash_of(folder),
        token_grid=config.grid,
        patch=(config.patch_size, config.patch_size),
    )


def find_folder(model: str) -> Path:
    """The folder of a model named as for load_model, which need not be whole. Raises NotFound, Offline."""
    in_zoo = settings().zoo / model
    if re.fullmatch(r"[\w.-]+", model) and (in_zoo / CONFIG).is_file():
        return in_zoo
    if Path(model).is_dir():
        return Path(model)
    if HUB_ID.fullmatch(model):
        return _from_hub(model)
    known = ", ".join(sorted(path.parent.name for path in settings().zoo.glob(f"*/{CONFIG}"))) or "none"
    raise NotFound(f"There is no model {model!r}.", f"Known are: {known}; or give a model folder or a hub id (owner/name).")


def read_card(path: Path) -> ModelCard:
    """A card whose front matter has one `key: value` a line, values as JSON. What is not declared stays empty."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    found = re.match(r"---\n(.*?)\n---\n(.*)", text, flags=re.DOTALL)
    front, body = (found[1], found[2]) if found else ("", text)
    declared = dict(line.split(": ", 1) for line in front.splitlines() if ": " in line)
    facts = {key: _value(value) for key, value in declared.items()}
    metrics = facts.get("metrics")
    names = ("title", "task", "modality", "licence")
    return ModelCard(
        **{name: str(facts.get(name, "")) for name in names}, metrics=metrics if isinstance(metrics, dict) else {}, text=body.strip()
    )


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


@cache
def _from_hub(model: str) -> Path:
    try:
        paths = [cached_file(model, name) for name in NEEDED]
        for name in OPTIONAL:
            cached_file(model, name, _raise_exceptions_for_missing_entries=False)
    except Exception as error:  # the hub's client lets errors of the library below it through, which have no common class
        raise Offline(
            f"The model {model} could not be fetched from the hub ({type(error).__name__}).",
            f"Check the connection and the name; it must hold {', '.join(NEEDED)}.",
        ) from None
    return Path(str(paths[0])).parent


def check_files(folder: Path) -> None:
    """Raises BrokenModel for a folder without one of the files that a model needs."""
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        raise BrokenModel(f"The model folder {folder} has no {', '.join(missing)}.", "`sightline train` writes whole folders.")


def hash_of(folder: Path) -> str:
    """The first 12 hex digits of the sha256 of the weights."""
    return hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()[:12]


def _network(folder: Path) -> tuple[BertImageForImageClassification, BertImageConfig]:
    kind = read_json(folder / CONFIG).get("model_type")
    if kind == BertImageChangeConfig.model_type:
        raise WrongTask(f"The model in {folder} compares two dates: of one image it says nothing.", "`sightline change` compares dates.")
    if kind != BertImageConfig.model_type:
        raise BrokenModel(f"The model in {folder} is of the type {kind!r}.", f"Models of the type {BertImageConfig.model_type} are read.")
    network = open_network(BertImageForImageClassification, folder)
    return network, network.config


def _check_fit(folder: Path, config: BertImageConfig, preprocess: Preprocess, outside: OutsideModel | None) -> None:
    """Raises BrokenModel, naming the first thing that the files of a folder say differently."""
    channels = len(preprocess.channels)
    dimensions = (config.num_hidden_layers + 1) * config.hidden_size + statistics_length(channels)
    is_ct = preprocess.domain is Domain.CHEST_CT
    faults = {
        f"{PREPROCESS} names {channels} channels, {CONFIG} {config.num_channels}": channels != config.num_channels,
        f"size in {PREPROCESS} is not a multiple of patch_size in {CONFIG}": any(side % config.patch_size for side in preprocess.size),
        f"standardise in {PREPROCESS} is neither image nor fixed": preprocess.standardise not in ("image", "fixed"),
        f"mean and deviation in {PREPROCESS} are not one a channel": preprocess.standardise == "fixed"
        and not len(preprocess.mean) == len(preprocess.deviation) == channels,
        f"turns in {PREPROCESS} needs a square size": preprocess.turns and preprocess.size[0] != preprocess.size[1],
        f"a model of CT needs pixel_spacing_mm in {PREPROCESS}": is_ct and not preprocess.pixel_spacing_mm,
        f"a model of CT needs token_heads or the pooling mean in {CONFIG}": is_ct and config.pooling == "cls" and not config.token_heads,
        f"{OUTSIDE} is not made for {dimensions} features": outside is not None
        and not len(outside.mean) == len(outside.whitening) == dimensions,
        f"direction and whitening in {OUTSIDE} do not fit": outside is not None
        and outside.direction is not None
        and outside.direction.shape != outside.whitening.shape[1:],
    }
    for fault, is_there in faults.items():
        if is_there:
            raise BrokenModel(f"The files of {folder} do not fit together: {fault}.", "Take all of them from one training.")


def read_labels(config: Mapping[str, Any], folder: Path) -> tuple[str, ...]:
    """The labels of a configuration, in order. Raises BrokenModel."""
    names = config.get("id2label")
    if not isinstance(names, dict) or set(names) != {str(index) for index in range(len(names))}:
        raise BrokenModel(f"{folder / CONFIG} has no id2label from 0.", "It must name every label.")
    return tuple(str(names[str(index)]) for index in range(len(names)))


def read_preprocess(folder: Path) -> Preprocess:
    """What preprocess.json says. Raises BrokenModel."""
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in read_json(folder / PREPROCESS).items()
    }
    try:
        if [type(side) for side in values["size"]] != [int, int] or not isinstance(values["channels"], tuple):
            raise ValueError("size must be [rows, columns], channels a list of names")
        return Preprocess(**{**values, "domain": Domain(values["domain"])})
    except (TypeError, KeyError, ValueError) as error:
        raise BrokenModel(f"{folder / PREPROCESS} cannot be used: {error}.", "Compare it with a model of the zoo.") from None


def _calibration(folder: Path) -> Calibration | None:
    if not (folder / CALIBRATION).is_file():
        return None
    try:
        calibration = Calibration(**{name: float(value) for name, value in read_json(folder / CALIBRATION).items()})
        if not calibration.temperature > 0.0:
            raise ValueError("the temperature must be above 0")
        return calibration
    except (TypeError, ValueError) as error:
        raise BrokenModel(f"{folder / CALIBRATION} cannot be used: {error}.", "Compare it with a model of the zoo.") from None


def _outside(folder: Path) -> OutsideModel | None:
    if not (folder / OUTSIDE).is_file():
        return None
    try:
        arrays = load_file(folder / OUTSIDE)
        return OutsideModel(
            mean=arrays["mean"].astype(np.float32),
            whitening=arrays["whitening"].astype(np.float32),
            threshold=float(arrays["threshold"].item()),
            direction=arrays["direction"].astype(np.float32) if "direction" in arrays else None,
            offset=float(arrays["offset"].item()) if "offset" in arrays else 0.0,
        )
    except (SafetensorError, KeyError, ValueError) as error:
        raise BrokenModel(f"{folder / OUTSIDE} cannot be used: {error}.", "Write it again with `sightline train`.") from None


def read_json(path: Path) -> dict[str, Any]:
    """The object that a file of a model holds. Raises BrokenModel."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BrokenModel(f"{path} is not JSON: {error}.", "Write it again with `sightline train`.") from None
    if not isinstance(found, dict):
        raise BrokenModel(f"{path} holds no object.", "Compare it with a model of the zoo.")
    return found
