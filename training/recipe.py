"""A recipe: everything that decides what a training makes, in one TOML file, read once and checked."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from core.errors import BadRecipe, NotFound
from core.types import Domain, Preprocess
from models.bert_image import BertImageConfig
from models.encoders import EncoderConfig
from training.strangers import KINDS

SPLITS = ("patient", "longitude")
LAYOUTS = ("labels", "nodules")
Section = TypeVar("Section")


@dataclass(frozen=True)
class DataPart:
    """How a folder of data is laid out and divided.

    layout: "labels" (DIR/<label>/<files>) or "nodules" (crops of CT with what readers drew, training/nodules.py).
    split: "patient" (the patient is in the file's name) or "longitude" (the easternmost images, by DIR/index.csv).
    validation_share: share of the images that is held back; half of it calibrates, the other half gives the figures of the card.
    read_size: (rows, columns) that images are kept at for training; at least the network's, so that crops stay sharp.
    """

    split: str
    validation_share: float
    read_size: tuple[int, int]
    seed: int = 7
    layout: str = "labels"


@dataclass(frozen=True)
class Augmentation:
    """Random changes of training images. Ranges are of factors unless said otherwise; 0 or (1, 1) switches a change off.

    zoom: side of the crop over the side of the image. degrees: largest rotation. stretch: largest relative change of one axis.
    shift: largest displacement over the side. turns: quarter turns and mirror images.
    gamma, exposure, channel_exposure, contrast, saturation: deviation of the logarithm of the factor (gamma: of the exponent).
    blur: largest deviation of the Gaussian in pixels. noise: largest deviation in [0, 1]. cutout: largest side of the hole over the side.
    cutmix: share of batches whose images are mixed (Yun et al. 2019).
    dropped: shares of tokens of which one is drawn for each batch and left out (He et al. 2022 leave out more).
    """

    zoom: tuple[float, float] = (1.0, 1.0)
    degrees: float = 0.0
    stretch: float = 0.0
    shift: float = 0.0
    turns: bool = False
    gamma: float = 0.0
    exposure: float = 0.0
    channel_exposure: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    cutout: float = 0.0
    cutmix: float = 0.0
    dropped: tuple[float, ...] = (0.0,)


@dataclass(frozen=True)
class Schedule:
    """How long and how fast. averaging: decay of the running mean of the weights, which is what is kept (Polyak and Juditsky 1992)."""

    steps: int
    batch_size: int
    learning_rate: float = 6e-4
    weight_decay: float = 0.05
    warmup_steps: int = 300
    clip: float = 1.0
    label_smoothing: float = 0.05
    averaging: float = 0.998
    checkpoint_every: int = 150
    validate_every: int = 300
    threads: int = 2
    seed: int = 1


@dataclass(frozen=True)
class GatePart:
    """What the outside gate learns from beside the distance: kinds of training.strangers, and how many images of each."""

    strangers: tuple[str, ...] = ()
    count: int = 300


@dataclass(frozen=True)
class CardPart:
    """What the model card says that no measurement gives. licence_text: the file LICENSE, where the weights have a licence of their own."""

    title: str
    task: str
    modality: str
    licence: str
    origin: str
    limits: str
    licence_text: str = ""


@dataclass(frozen=True)
class Recipe:
    """A training, whole.

    start: what the weights begin with (training/starts.py): a model of the zoo, a folder or a hub id; "" for random ones.
    begun, encoder: that in words, and the sizes of a network of another family; both come from the start, not from the file.
    parents: name -> labels that it sums up (config.json declares it, `evaluate` scores it). shares: name -> how often it is drawn, 1 each
    where nothing is said.
    """

    id: str
    labels: tuple[str, ...]
    network: dict[str, Any]
    preprocess: Preprocess
    data: DataPart
    augmentation: Augmentation
    schedule: Schedule
    card: CardPart
    gate: GatePart = GatePart()
    parents: dict[str, list[str]] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    start: str = ""
    begun: str = "from scratch"
    encoder: EncoderConfig | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What an image of the training may be called: the labels, then the parent labels."""
        return (*self.labels, *self.parents)

    def members(self, name: str) -> tuple[str, ...]:
        """The labels that a name stands for."""
        return tuple(self.parents[name]) if name in self.parents else (name,)

    def config(self) -> BertImageConfig | EncoderConfig:
        """The network's configuration, labels included; of another family's network its sizes."""
        if self.encoder is not None:
            return self.encoder
        id2label = dict(enumerate(self.labels))
        return BertImageConfig(
            **self.network,
            image_size=list(self.preprocess.size),
            num_channels=len(self.preprocess.channels),
            id2label=id2label,
            label2id={label: index for index, label in id2label.items()},
            parents=self.parents or None,
        )


def read_table(path: Path) -> dict[str, Any]:
    """The TOML of a recipe. Raises NotFound where there is no such file, BadRecipe where it is not TOML."""
    if not path.is_file():
        raise NotFound(f"{path}: no such recipe.", "The project's own are in training/recipes.")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadRecipe(f"{path}: not TOML: {error}.", "Compare it with training/recipes.") from None


def read_recipe(path: Path) -> Recipe:
    """Raises NotFound where there is no such file, BadRecipe, naming the key, where it cannot be used."""
    table = read_table(path)
    recipe = Recipe(
        id=required(table, "id", str, path),
        labels=tuple(required(table, "labels", list, path)),
        network=required({"network": {}, **table} if table.get("start") else table, "network", dict, path),
        preprocess=read_preprocess(required(table, "preprocess", dict, path), path),
        data=section(DataPart, table, "data", path),
        augmentation=section(Augmentation, table, "augmentation", path),
        schedule=section(Schedule, table, "schedule", path),
        card=section(CardPart, table, "card", path),
        gate=section(GatePart, {"gate": table.get("gate", {})}, "gate", path),
        parents=table.get("parents", {}),
        shares=table.get("shares", {}),
        start=required({"start": "", **table}, "start", str, path),
    )
    _check(recipe, path)
    return recipe


def required(table: dict[str, Any], key: str, kind: type, path: Path) -> Any:
    """The value of a key that must be there. Raises BadRecipe."""
    if not isinstance(table.get(key), kind):
        raise BadRecipe(f"{path}: {key} is missing or is not of the type {kind.__name__}.", "Compare it with training/recipes.")
    return table[key]


def section(kind: type[Section], table: dict[str, Any], name: str, path: Path) -> Section:
    """A table of the recipe as one of the dataclasses above. Raises BadRecipe for keys that are unknown, missing or of another type."""
    values = required(table, name, dict, path)
    fields = {each.name: each for each in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for key in values:
        if key not in fields:
            raise BadRecipe(f"{path}: {name}.{key} is not known.", f"Known are {', '.join(fields)}.")
    for key, each in fields.items():
        if key not in values and each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING:
            raise BadRecipe(f"{path}: {name}.{key} is missing.", "Compare it with training/recipes.")
    for key, value in values.items():
        _check_number(f"{name}.{key}", value, str(fields[key].type), path)
    return kind(**{key: _frozen(value) for key, value in values.items()})


def _check_number(name: str, value: Any, wanted: str, path: Path) -> None:
    numbers = value if isinstance(value, list) else [value]
    kinds: dict[str, tuple[type, ...]] = {"int": (int,), "str": (str,), "bool": (bool,)}
    right = kinds.get(wanted.removeprefix("tuple[").partition(",")[0], (int, float))
    if wanted.startswith("tuple") != isinstance(value, list) or not all(isinstance(each, right) for each in numbers):
        raise BadRecipe(f"{path}: {name} is {value!r}.", f"It must be of the type {wanted}.")


def read_preprocess(values: dict[str, Any], path: Path) -> Preprocess:
    """The section preprocess. Raises BadRecipe."""
    if values.get("domain") not in list(Domain):
        raise BadRecipe(f"{path}: preprocess.domain is {values.get('domain')!r}.", f"It must be one of {', '.join(Domain)}.")
    try:
        return Preprocess(**{**{key: _frozen(value) for key, value in values.items()}, "domain": Domain(values["domain"])})
    except TypeError as error:
        raise BadRecipe(f"{path}: preprocess: {error}.", "Compare it with training/recipes.") from None


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value


def _check(recipe: Recipe, path: Path) -> None:
    def demand(holds: bool, key: str, value: object, allowed: str) -> None:
        if not holds:
            raise BadRecipe(f"{path}: {key} is {value!r}.", f"It must satisfy {allowed}.")

    demand(len(recipe.labels) >= 2, "labels", recipe.labels, "at least two labels")
    demand(recipe.data.split in SPLITS, "data.split", recipe.data.split, f"one of {', '.join(SPLITS)}")
    demand(recipe.data.layout in LAYOUTS, "data.layout", recipe.data.layout, f"one of {', '.join(LAYOUTS)}")
    demand(0.0 < recipe.data.validation_share < 0.5, "data.validation_share", recipe.data.validation_share, "0 < validation_share < 0.5")
    demand(recipe.schedule.steps >= 1, "schedule.steps", recipe.schedule.steps, "at least 1")
    demand(recipe.schedule.batch_size >= 2, "schedule.batch_size", recipe.schedule.batch_size, "at least 2")
    dropped = recipe.augmentation.dropped
    demand(all(0.0 <= each < 1.0 for each in dropped), "augmentation.dropped", dropped, "0 <= share < 1")
    standard = recipe.preprocess.standardise
    demand(standard in ("image", "fixed"), "preprocess.standardise", standard, "image or fixed")
    for kind in recipe.gate.strangers:
        demand(kind in KINDS, "gate.strangers", kind, f"one of {', '.join(KINDS)}")
    for name, members in recipe.parents.items():
        demand(set(members) < set(recipe.labels), f"parents.{name}", members, f"some of {', '.join(recipe.labels)}")
    for label in recipe.shares:
        demand(label in recipe.names, "shares", label, f"one of {', '.join(recipe.names)}")
    if recipe.start:  # the sizes come from there
        return
    try:
        recipe.config()
    except (ValueError, TypeError) as error:
        raise BadRecipe(f"{path}: network: {error}.", "Compare it with training/recipes.") from None
