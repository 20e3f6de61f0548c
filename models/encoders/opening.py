"""Opens checkpoints of other families: as they are, or with a new head to be trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from core.errors import BrokenModel, UnsupportedModel
from models.encoders.classifier import ImageEncoderForClassification
from models.encoders.families import FAMILIES, EncoderConfig, encoder_config, network_of
from models.folder import CONFIG, WEIGHTS, check_weights, read_json
from models.networks import loaded

Parents = dict[str, list[str]] | None
HEADS = ("classifier.", "cls_classifier.", "distillation_classifier.", "beit.pooler.")
"""What stands behind the encoder; a checkpoint that was pretrained without labels has none of it."""


def open_encoder(folder: Path, size: tuple[int, int]) -> ImageEncoderForClassification:
    """The classifier of a folder, float32. size: (rows, columns) of its inputs.

    Raises BrokenModel where weights and configuration do not make one, UnsupportedModel for an encoder that has no head.
    """
    inner, loading = loaded(network_of(read_json(folder / CONFIG)), folder)
    absent = sorted(loading["missing_keys"])
    if absent and all(name.startswith(HEADS) for name in absent):
        raise UnsupportedModel(
            f"The model in {folder} has no classifier ({absent[0]} is missing): it was trained without labels, or for another task.",
            "A classifier would be supported. Train one that starts from it: the key `start` of a recipe.",
        )
    _refuse(folder, _missing(loading))
    return _adapted(folder, inner, size)


def encoder_facts(folder: Path, size: tuple[int, int], parents: Parents) -> EncoderConfig:
    """What config.json says of an encoder for inputs of `size` (rows, columns), without its weights. Raises BrokenModel."""
    family = FAMILIES[read_json(folder / CONFIG)["model_type"]]
    try:
        return replace(encoder_config(family.network.config_class.from_pretrained(folder), size), parents=parents)
    except (TypeError, ValueError, OSError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise BrokenModel(f"{folder / CONFIG} cannot be used: {reason}.", "Choose another checkpoint.") from None


def start_encoder(folder: Path, labels: Sequence[str], size: tuple[int, int], parents: Parents) -> ImageEncoderForClassification:
    """The encoder of a folder with a new head for `labels`; the head stays where it has these very labels. Raises BrokenModel.

    parents: name -> labels that it sums up, which the configuration declares. Random numbers are torch's own.
    """
    check_weights(folder)
    given = read_json(folder / CONFIG)
    id2label = dict(enumerate(labels))
    names = {"id2label": id2label, "label2id": {label: index for index, label in id2label.items()}}
    inner, loading = loaded(FAMILIES[given["model_type"]].network, folder, **names)
    missing = _missing(loading)
    _refuse(folder, [name for name in missing if not name.startswith(HEADS)])
    has_these = (given.get("id2label") or {}) == {str(index): label for index, label in id2label.items()}
    if missing or not has_these:
        _begin(inner.classifier, inner.config.initializer_range)
    inner.config.parents = parents
    return _adapted(folder, inner, size)


def _missing(loading: dict[str, Any]) -> list[str]:
    """Weights that the checkpoint does not have, or has in another shape. Those that it has beside are of other tasks."""
    return sorted([*loading["missing_keys"], *(name for name, *_ in loading["mismatched_keys"])])


def _refuse(folder: Path, missing: list[str]) -> None:
    if missing:
        raise BrokenModel(
            f"{folder / WEIGHTS} does not fit {CONFIG}: {missing[0]} and {len(missing) - 1} more.", "Take both from one checkpoint."
        )


def _begin(head: nn.Linear, std: float) -> None:
    nn.init.normal_(head.weight, std=std)
    nn.init.zeros_(head.bias)


def _adapted(folder: Path, inner: PreTrainedModel, size: tuple[int, int]) -> ImageEncoderForClassification:
    try:
        return ImageEncoderForClassification(inner, size).eval()
    except ValueError as error:
        raise BrokenModel(f"The model in {folder} cannot be used: {error}.", "Choose another checkpoint.") from None
