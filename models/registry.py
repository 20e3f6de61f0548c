"""Finds models: those of the zoo by id, others by folder or hub id. The facts of a model lie beside its weights."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import NotFound
from core.settings import settings
from core.types import Calibration, Capability, Preprocess
from models.architecture import NetworkConfig, StoredConfig
from models.card import ModelCard as ModelCard
from models.card import read_card as read_card
from models.deferred import Deferred
from models.folder import CALIBRATION as CALIBRATION
from models.folder import CARD as CARD
from models.folder import CONFIG as CONFIG
from models.folder import FILES as FILES
from models.folder import OUTSIDE as OUTSIDE
from models.folder import PREPROCESS as PREPROCESS
from models.folder import SHOWN_DIGITS, Stamp, digest_of, identity_of, stamp_of
from models.folder import WEIGHTS as WEIGHTS
from models.folder import check_files as check_files
from models.folder import hash_of as hash_of
from models.folder import read_json as read_json
from models.folder import read_labels as read_labels
from models.kinds import OWN
from models.learnt import OodDetector as OodDetector
from models.learnt import OutlierSvm as OutlierSvm
from models.learnt import read_calibration, read_ood_detector
from models.preprocessing import read_preprocess as read_preprocess
from models.support import capabilities_of, check_fit, check_one_image, check_supported

if TYPE_CHECKING:
    from models.classifiers import Classifier

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
MOST_SUMMARIES = 64
"""Model folders whose small files are remembered."""


@dataclass(frozen=True)
class ModelSummary:
    """A model as a list shows it; no weights were read."""

    id: str
    folder: Path
    labels: tuple[str, ...]
    preprocess: Preprocess
    card: ModelCard
    capabilities: frozenset[Capability] = frozenset(Capability)

    @property
    def title(self) -> str:
        """What a list calls it: by its card, else by its id, of a folder the last name."""
        return self.card.title or (Path(self.id).name if Path(self.id).is_absolute() else self.id)

    @property
    def is_final_fit(self) -> bool:
        """Whether the network was trained on after the figures of its card were taken, so that they are of earlier weights."""
        return self.card.measured_weights not in ("", hash_of(self.folder))


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to run.

    opened: its network, in evaluation mode, float32. config: the network's configuration, which is there without it.
    is_own: whether it is one of models/bert_image. weights_hash: first 12 hex digits of the sha256 of model.safetensors.
    identity: tells the network from every other (models.folder.identity_of); "" where that is not known.
    token_grid: (rows, columns) of tokens at the input size. patch: (height, width) of a token in pixels of the input.
    """

    id: str
    folder: Path
    opened: Deferred[Classifier]
    config: NetworkConfig
    labels: tuple[str, ...]
    preprocess: Preprocess
    calibration: Calibration | None
    ood_detector: OodDetector | None
    card: ModelCard
    weights_hash: str
    token_grid: tuple[int, int]
    patch: tuple[int, int]
    capabilities: frozenset[Capability] = frozenset(Capability)
    is_own: bool = True
    identity: str = ""

    @property
    def network(self) -> Classifier:
        """The network, opened when it is first asked for: whoever answers from an exported graph never asks."""
        return self.opened.get()

    def with_network(self, network: Any, **changes: Any) -> LoadedModel:
        """The same model with another network of its kind in place of its own. changes: of other fields."""
        return replace(self, opened=Deferred.of(network), identity="", **changes)


def list_models() -> tuple[ModelSummary, ...]:
    """The models of the zoo by id. Raises BrokenModel for a folder there that is not whole."""
    folders = sorted(path.parent for path in settings().zoo.glob(f"*/{CONFIG}"))
    return tuple(summarise(folder.name, folder) for folder in folders)


def summarise(name: str, folder: Path) -> ModelSummary:
    """What the small files of a model folder say; they are read again once one of them changed. Raises BrokenModel, UnsupportedModel."""
    return _summarised(name, folder, stamp_of(folder))


@lru_cache(maxsize=MOST_SUMMARIES)
def _summarised(name: str, folder: Path, stamp: Stamp) -> ModelSummary:
    """A page asks dozens of times in a run. stamp: of the files, so that what is remembered is what they say."""
    check_supported(folder)
    check_files(folder)
    config, preprocess = read_json(folder / CONFIG), read_preprocess(folder)
    card = read_card(folder / CARD)
    return ModelSummary(name, folder, read_labels(config, folder), preprocess, card, capabilities_of(config))


def never(identity: str) -> bool:
    """No network is known: each is opened with its model."""
    return False


def load_model(model: str, device: str = "cpu", is_known: Callable[[str], bool] = never) -> LoadedModel:
    """Open a model by its id in the zoo, by its folder, or by its hub id (which is downloaded, since the user asked for it).

    is_known: whether a network of such an identity was opened before and made sense; one of our own is then opened when it is asked for.
    Raises NotFound, naming the known ids; BrokenModel for a folder that is not whole; UnsupportedModel for a network of another kind;
    Offline where the hub cannot be reached; WrongTask for a model that compares two dates (models/change_registry.py opens those).
    """
    folder = find_folder(model)
    check_supported(folder)
    check_files(folder)
    check_one_image(folder)
    preprocess, ood_detector = read_preprocess(folder), read_ood_detector(folder)
    declared, weights = read_json(folder / CONFIG), digest_of(folder)
    is_own, identity = declared.get("model_type") in OWN, identity_of(folder, weights)
    opened = Deferred(lambda: _opened(folder, preprocess, device))
    if not (is_own and is_known(identity)):
        opened.get()
    config: NetworkConfig = StoredConfig.of(declared) if is_own else opened.get().config
    check_fit(folder, config, preprocess, ood_detector)
    return LoadedModel(
        id=folder.resolve().name if Path(model).is_dir() else model,
        folder=folder,
        opened=opened,
        config=config,
        labels=read_labels(declared, folder),
        preprocess=preprocess,
        calibration=read_calibration(folder),
        ood_detector=ood_detector,
        card=read_card(folder / CARD),
        weights_hash=weights[:SHOWN_DIGITS],
        token_grid=config.grid,
        patch=(config.patch_size, config.patch_size),
        capabilities=capabilities_of(declared),
        is_own=is_own,
        identity=identity,
    )


def _opened(folder: Path, preprocess: Preprocess, device: str) -> Classifier:
    from models.classifiers import open_classifier  # torch and transformers, which an exported graph does without

    return open_classifier(folder, preprocess).to(device)


def find_folder(model: str) -> Path:
    """The folder of a model named as for load_model, which need not be whole. Raises NotFound, Offline."""
    in_zoo = settings().zoo / model
    if re.fullmatch(r"[\w.-]+", model) and (in_zoo / CONFIG).is_file():
        return in_zoo
    if Path(model).is_dir():
        return Path(model)
    if HUB_ID.fullmatch(model):
        from models.hub import from_hub  # transformers and a client, which models on this machine do without

        return from_hub(model)
    known = ", ".join(sorted(path.parent.name for path in settings().zoo.glob(f"*/{CONFIG}"))) or "none"
    raise NotFound(f"There is no model {model!r}.", f"Known are: {known}; or give a model folder or a hub id (owner/name).")
