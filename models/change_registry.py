"""Opens change models: they compare two dates, and lie in the zoo beside the others."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import BrokenModel, WrongTask
from core.types import ChangeCalibration, Domain, Preprocess
from models.architecture import NetworkConfig, StoredConfig
from models.deferred import Deferred
from models.folder import SHOWN_DIGITS, digest_of, identity_of
from models.image_statistics import statistics_length
from models.kinds import CHANGE
from models.learnt import OodDetector, read_ood_detector
from models.preprocessing import is_enlargement
from models.registry import (
    CALIBRATION,
    CARD,
    CONFIG,
    OUTSIDE,
    PREPROCESS,
    ModelCard,
    check_files,
    find_folder,
    never,
    read_card,
    read_json,
    read_preprocess,
)

if TYPE_CHECKING:
    from models.bert_image import BertImageForChangeDetection

COLOURS = 3
"""Channels that the OOD detector looks at: red, green and blue."""
UNCALIBRATED_THRESHOLD = 0.5
"""Score from which a pixel counts as changed for a model without calibration.json."""


@dataclass(frozen=True)
class LoadedChangeModel:
    """A change model ready to run.

    opened: its network, in evaluation mode, float32. config: the network's configuration, which is there without it.
    weights_hash: first 12 hex digits of the sha256 of model.safetensors.
    identity: tells the network from every other (models.folder.identity_of).
    calibration: None where none was fitted; what the model says is then a score and no probability.
    ood_detector: of the statistics of red, green and blue in a tile of one date; None for a model without one.
    """

    id: str
    folder: Path
    opened: Deferred[BertImageForChangeDetection]
    config: NetworkConfig
    preprocess: Preprocess
    calibration: ChangeCalibration | None
    ood_detector: OodDetector | None
    card: ModelCard
    weights_hash: str
    identity: str = ""
    is_own: bool = True

    @property
    def network(self) -> BertImageForChangeDetection:
        """The network, opened when it is first asked for: whoever answers from an exported graph never asks."""
        return self.opened.get()

    @property
    def patch(self) -> tuple[int, int]:
        """(height, width) of a token in pixels of the input."""
        side = self.config.patch_size
        return side, side

    @property
    def threshold(self) -> float:
        """Probability, or score, from which a pixel counts as changed."""
        return self.calibration.threshold if self.calibration is not None else UNCALIBRATED_THRESHOLD


def is_change_model(model: str) -> bool:
    """Whether a model named as for load_change_model compares two dates. Raises NotFound, Offline, BrokenModel."""
    folder = find_folder(model)
    check_files(folder)
    return read_json(folder / CONFIG).get("model_type") == CHANGE


def load_change_model(model: str, device: str = "cpu", is_known: Callable[[str], bool] = never) -> LoadedChangeModel:
    """Open a change model by its id in the zoo, by its folder, or by its hub id. is_known: as of models.registry.load_model.

    Raises NotFound, naming the known ids; WrongTask for a model that does not compare dates; BrokenModel for a folder that is not whole;
    Offline where the hub cannot be reached.
    """
    if not is_change_model(model):
        raise WrongTask(f"The model {model} does not compare two dates pixel by pixel.", "Choose a change model, or another --method.")
    folder = find_folder(model)
    weights = digest_of(folder)
    identity, opened = identity_of(folder, weights), Deferred(lambda: _opened(folder, device))
    if not is_known(identity):
        opened.get()
    config, preprocess, ood_detector = StoredConfig.of(read_json(folder / CONFIG)), read_preprocess(folder), read_ood_detector(folder)
    _check_fit(folder, config, preprocess, ood_detector)
    return LoadedChangeModel(
        id=folder.resolve().name if Path(model).is_dir() else model,
        folder=folder,
        opened=opened,
        config=config,
        preprocess=preprocess,
        calibration=_calibration(folder),
        ood_detector=ood_detector,
        card=read_card(folder / CARD),
        weights_hash=weights[:SHOWN_DIGITS],
        identity=identity,
    )


def _opened(folder: Path, device: str) -> BertImageForChangeDetection:
    from models.bert_image import BertImageForChangeDetection  # torch and transformers, which an exported graph does without
    from models.networks import open_network

    return open_network(BertImageForChangeDetection, folder).to(device).eval()  # type: ignore[no-any-return]


def _check_fit(folder: Path, config: NetworkConfig, preprocess: Preprocess, ood_detector: OodDetector | None) -> None:
    channels, statistics = len(preprocess.channels), statistics_length(COLOURS)
    faults = {
        f"{PREPROCESS} names {channels} channels, {CONFIG} {config.num_channels}": channels != config.num_channels,
        f"size in {PREPROCESS} is not a multiple of patch_size in {CONFIG}": any(side % config.patch_size for side in preprocess.size),
        f"enlarged in {PREPROCESS} is {preprocess.enlarged}": not is_enlargement(preprocess.enlarged, preprocess.size, config.patch_size),
        f"{OUTSIDE} is not made for {statistics} statistics": ood_detector is not None
        and not len(ood_detector.mean) == len(ood_detector.whitening) == statistics,
        f"domain in {PREPROCESS} is not {Domain.CHANGE.value}": preprocess.domain is not Domain.CHANGE,
    }
    for fault, is_there in faults.items():
        if is_there:
            raise BrokenModel(f"The files of {folder} do not fit together: {fault}.", "Take all of them from one training.")


def _calibration(folder: Path) -> ChangeCalibration | None:
    if not (folder / CALIBRATION).is_file():
        return None
    try:
        values = read_json(folder / CALIBRATION).items()
        calibration = ChangeCalibration(**{name: float(value) for name, value in values if value is not None})
        if not all(math.isfinite(value) for value in vars(calibration).values() if value is not None):
            raise ValueError("a number is not finite")
        if not (calibration.temperature > 0.0 and 0.0 < calibration.threshold < 1.0):
            raise ValueError("the temperature must be above 0, the threshold between 0 and 1")
        if not 0.0 < (0.5 if calibration.level_quantile is None else calibration.level_quantile) < 1.0:
            raise ValueError("the quantile of the level must lie between 0 and 1")
        if not calibration.lowest_level <= calibration.highest_level:
            raise ValueError("the lowest level must not be above the highest")
        return calibration
    except (TypeError, ValueError) as error:
        raise BrokenModel(f"{folder / CALIBRATION} cannot be used: {error}.", "Compare it with a model of the zoo.") from None
