"""Whether the files of a model folder are of a network that is read here, fit together, and what such a network offers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import BrokenModel, UnsupportedModel, WrongTask
from core.types import Capability, Preprocess
from models.architecture import NetworkConfig
from models.folder import CONFIG, OUTSIDE, PREPROCESS, read_json
from models.image_statistics import statistics_length
from models.kinds import CHANGE, ENCODERS, NAMES, OWN, TEXT
from models.learnt import OodDetector


def check_supported(folder: Path) -> None:
    """Raises UnsupportedModel where config.json names a network that is not read here; what other files lack does not matter then."""
    if not (folder / CONFIG).is_file():
        return
    config = read_json(folder / CONFIG)
    kind = config.get("model_type")
    if kind in (*OWN, *ENCODERS):
        return
    name = ", ".join(map(str, config.get("architectures") or ())) or "no class is named"
    hint = f"Supported are models that `sightline train` writes, and classifiers of {NAMES} that transformers saved."
    if kind == TEXT:
        hint += " A text BERT can be what a training starts from: the key `start` of a recipe."
    raise UnsupportedModel(f"The model in {folder} is of the type {kind!r} ({name}), which is not supported.", hint)


def check_one_image(folder: Path) -> None:
    """Raises WrongTask where the model of a folder compares two dates."""
    if read_json(folder / CONFIG).get("model_type") == CHANGE:
        raise WrongTask(f"The model in {folder} compares two dates: of one image it says nothing.", "`sightline change` compares dates.")


def capabilities_of(config: Mapping[str, Any]) -> frozenset[Capability]:
    """What a model offers to whoever explains it; nothing where it compares two dates. config: its config.json."""
    kind = str(config.get("model_type"))
    if kind == CHANGE:
        return frozenset()
    family = ENCODERS.get(kind)
    has_attention = family is None or family.has_attention
    return frozenset(Capability) if has_attention else frozenset(Capability) - {Capability.ATTENTION}


def check_fit(folder: Path, config: NetworkConfig, preprocess: Preprocess, ood_detector: OodDetector | None) -> None:
    """Raises BrokenModel, naming the first thing that the files of a folder say differently."""
    from core.prepare.domains import image_domain  # which a list of models does without

    channels = len(preprocess.channels)
    dimensions = config.embedding_size + statistics_length(channels)
    is_ct = image_domain(preprocess.domain).is_searched
    faults = {
        f"{PREPROCESS} names {channels} channels, {CONFIG} {config.num_channels}": channels != config.num_channels,
        f"size in {PREPROCESS} is not a multiple of patch_size in {CONFIG}": any(side % config.patch_size for side in preprocess.size),
        f"standardise in {PREPROCESS} is neither image nor fixed": preprocess.standardise not in ("image", "fixed"),
        f"mean and std in {PREPROCESS} are not one a channel": preprocess.standardise == "fixed"
        and not len(preprocess.mean) == len(preprocess.std) == channels,
        f"turns in {PREPROCESS} needs a square size": preprocess.test_time_augmentation and preprocess.size[0] != preprocess.size[1],
        f"a model of CT needs pixel_spacing_mm in {PREPROCESS}": is_ct and not preprocess.pixel_spacing_mm,
        f"a model of CT reads the channel luminance alone, {PREPROCESS} names others": is_ct and preprocess.channels != ("luminance",),
        f"a model of CT needs token_heads or the pooling mean in {CONFIG}": is_ct and config.pooling != "mean" and not config.token_heads,
        f"{OUTSIDE} is not made for {dimensions} features": ood_detector is not None
        and not len(ood_detector.mean) == len(ood_detector.whitening) == dimensions,
        f"examples, weights and whitening in {OUTSIDE} do not fit": ood_detector is not None
        and ood_detector.svm is not None
        and ood_detector.svm.examples.shape != (len(ood_detector.svm.weights), ood_detector.whitening.shape[1]),
    }
    for fault, is_there in faults.items():
        if is_there:
            raise BrokenModel(f"The files of {folder} do not fit together: {fault}.", "Take all of them from one training.")
