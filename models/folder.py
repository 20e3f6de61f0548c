"""The files of a model folder: their names, which of them must be there, and what the JSON ones hold."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import BrokenModel
from models.card import read_card

WEIGHTS, CONFIG, PREPROCESS = "model.safetensors", "config.json", "preprocess.json"
PROCESSOR = "preprocessor_config.json"
"""How a checkpoint of transformers says what becomes of an image; it is read where preprocess.json is missing or silent."""
CALIBRATION, OUTSIDE, CARD = "calibration.json", "outside.safetensors", "README.md"
QUANTISED = "quantised.safetensors"
"""Ranges for eight-bit integers (models/quantised.py), bound to the weights by their hash."""
NEEDED, OPTIONAL = (CONFIG, WEIGHTS), (PREPROCESS, PROCESSOR, CALIBRATION, OUTSIDE, QUANTISED, CARD)
FILES = NEEDED + OPTIONAL
SHOWN_DIGITS = 12
"""Hex digits of the hash of weights that travel with a result."""
PICKLES = ("pytorch_model.bin", "tf_model.h5", "flax_model.msgpack")
"""Weights in forms that are not opened: a pickle can run any code, and the others are of other libraries."""
Stamp = tuple[tuple[str, int, int], ...]


def check_files(folder: Path) -> None:
    """Raises BrokenModel for a folder without one of the files that a model needs, or that its card promises."""
    check_weights(folder)
    if not any((folder / name).is_file() for name in (PREPROCESS, PROCESSOR)):
        raise BrokenModel(
            f"The model folder {folder} has no {PREPROCESS}.",
            f"`sightline train` writes whole folders; a checkpoint of transformers brings {PROCESSOR} instead.",
        )
    for name in read_card(folder / CARD).files:
        if name in OPTIONAL and not (folder / name).is_file():
            raise BrokenModel(
                f"The model folder {folder} has no {name}, which its card promises.", "Copy the whole folder, or write it again."
            )


def check_weights(folder: Path) -> None:
    """Raises BrokenModel for a folder without configuration or weights, saying so where the weights are a pickle."""
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    pickles = [name for name in PICKLES if (folder / name).is_file()]
    if missing == [WEIGHTS] and pickles:
        raise BrokenModel(
            f"The model folder {folder} has its weights in {pickles[0]}, which is not opened, and no {WEIGHTS}.",
            "Open it with transformers where you trust it, and save it with save_pretrained, which writes safetensors.",
        )
    if missing:
        raise BrokenModel(f"The model folder {folder} has no {', '.join(missing)}.", "`sightline train` writes whole folders.")


def hash_of(folder: Path) -> str:
    """The first 12 hex digits of the sha256 of the weights."""
    return digest_of(folder)[:SHOWN_DIGITS]


def digest_of(folder: Path) -> str:
    """The sha256 of the weights."""
    return hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()


def identity_of(folder: Path, weights: str) -> str:
    """What tells a network from every other: the sha256 of its weights, as digest_of gives it, and of its configuration."""
    return hashlib.sha256(weights.encode() + (folder / CONFIG).read_bytes()).hexdigest()


def read_labels(config: Mapping[str, Any], folder: Path) -> tuple[str, ...]:
    """The labels of a configuration, in order; one that stands for several classes is told apart by their numbers. Raises BrokenModel."""
    names = config.get("id2label")
    if not isinstance(names, dict) or set(names) != {str(index) for index in range(len(names))}:
        raise BrokenModel(f"{folder / CONFIG} has no id2label from 0.", "It must name every label.")
    labels = [str(names[str(index)]) for index in range(len(names))]
    counts = Counter(labels)
    return tuple(label if counts[label] == 1 else f"{label} ({index})" for index, label in enumerate(labels))


def read_json(path: Path) -> dict[str, Any]:
    """The object that a file of a model holds. Raises BrokenModel."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BrokenModel(f"{path} is not JSON: {error}.", "Write it again with `sightline train`.") from None
    if not isinstance(found, dict):
        raise BrokenModel(f"{path} holds no object.", "Compare it with a model of the zoo.")
    return found


def stamp_of(folder: Path) -> Stamp:
    """(name, time in ns, bytes) of each file of the model: cheaper than its hash, and different when any of them was written anew."""
    found = [(name, (folder / name).stat()) for name in FILES if (folder / name).is_file()]
    return tuple((name, state.st_mtime_ns, state.st_size) for name, state in found)
