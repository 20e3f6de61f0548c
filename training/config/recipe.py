"""A recipe: everything that decides what a training makes, in one TOML file, read once and checked."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from core.errors import BadRecipe, NotFound
from core.prepare.cue import CUE_KINDS
from core.types import Domain, Preprocess
from models.bert_image import BertImageConfig
from models.encoders import EncoderConfig
from models.preprocessing import preprocess_of
from training.config.recipe_parts import (
    LAYOUTS,
    PRECISIONS,
    SPLITS,
    Augmentation,
    CardPart,
    CuePart,
    DataPart,
    MaskingPart,
    OodDetectorPart,
    Schedule,
    TeacherPart,
    TuningPart,
)
from training.data.outliers import KINDS

Section = TypeVar("Section")


@dataclass(frozen=True)
class Recipe:
    """A training, whole.

    start: what the weights begin with (training/loop/starts.py): ImageNet's of a stem, a model of the zoo, a folder or a hub id; "" for
    random ones. tuning: how a stem with ImageNet's weights goes on.
    begun, encoder: that in words, and the sizes of a network of another family; both come from the start, not from the file.
    parents: name -> labels that it sums up (config.json declares it, `evaluate` scores it). shares: name -> how often it is drawn, 1 each
    where nothing is said. masking: hidden tokens are
    reconstructed beside the classification. cue: what is planted into the images. teacher: whose answers are learned as well.
    final_fit: how the network goes on with what was held back too, after it was measured (training/stages/final_fit.py); None where
        it does not.
    """

    id: str
    labels: tuple[str, ...]
    network: dict[str, Any]
    preprocess: Preprocess
    data: DataPart
    augmentation: Augmentation
    schedule: Schedule
    card: CardPart
    ood_detector: OodDetectorPart = field(default_factory=OodDetectorPart)
    parents: dict[str, list[str]] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    start: str = ""
    tuning: TuningPart = field(default_factory=TuningPart)
    masking: MaskingPart | None = None
    cue: CuePart | None = None
    teacher: TeacherPart | None = None
    final_fit: Schedule | None = None
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
    """The TOML of a recipe, or of a comparison of variants.

    A recipe may name another beside it as its base and say under `changes` what differs (training/recipes/random-split.toml).
    Raises NotFound where there is no such file, BadRecipe where it is not TOML.
    """
    table = _parsed(path)
    return changed_base(table, path) if "base" in table and "variant" not in table else table


def _parsed(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise NotFound(f"{path}: no such recipe.", "The project's own are in training/recipes.")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadRecipe(f"{path}: not TOML: {error}.", "Compare it with training/recipes.") from None


def read_recipe(path: Path) -> Recipe:
    """Raises NotFound where there is no such file, BadRecipe, naming the key, where it cannot be used."""
    table = read_table(path)
    if "variant" in table:
        raise BadRecipe(f"{path}: it compares variants of a recipe, and is none.", "Give it to python -m training.ablation.compare.")
    return recipe_of(table, path)


def changed_base(table: dict[str, Any], path: Path) -> dict[str, Any]:
    """The table of the recipe beside `path` that `table` names as its base, with the changes that it makes. Raises NotFound, BadRecipe."""
    return merged(_parsed(path.parent / required(table, "base", str, path)), table.get("changes", {}))


def merged(table: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The table with the values of `changes` in place of its own, in tables within tables too."""
    found = dict(table)
    for key, value in changes.items():
        found[key] = merged(found.get(key, {}), value) if isinstance(value, dict) else value
    return found


def recipe_of(table: dict[str, Any], path: Path) -> Recipe:
    """The recipe that a table holds. path: the file that messages name. Raises BadRecipe."""
    recipe = Recipe(
        id=required(table, "id", str, path),
        labels=tuple(required(table, "labels", list, path)),
        network=required({"network": {}, **table} if table.get("start") else table, "network", dict, path),
        preprocess=read_preprocess(required(table, "preprocess", dict, path), path),
        data=section(DataPart, table, "data", path),
        augmentation=section(Augmentation, table, "augmentation", path),
        schedule=section(Schedule, table, "schedule", path),
        card=section(CardPart, table, "card", path),
        ood_detector=section(OodDetectorPart, {"ood_detector": table.get("ood_detector", {})}, "ood_detector", path),
        parents=table.get("parents", {}),
        shares=table.get("shares", {}),
        start=required({"start": "", **table}, "start", str, path),
        tuning=section(TuningPart, {"tuning": table.get("tuning", {})}, "tuning", path),
        cue=section(CuePart, table, "cue", path) if "cue" in table else None,
        masking=section(MaskingPart, table, "masking", path) if "masking" in table else None,
        teacher=section(TeacherPart, table, "teacher", path) if "teacher" in table else None,
        final_fit=section(Schedule, table, "final_fit", path) if "final_fit" in table else None,
    )
    _check(recipe, path)
    return dataclasses.replace(recipe, preprocess=_with_range(recipe.preprocess, recipe.augmentation.coarse))


def _with_range(preprocess: Preprocess, coarse: Sequence[float]) -> Preprocess:
    """How coarse the pixels are that the training shows, where it shows any that are coarser than its own."""
    gsd = preprocess.ground_sample_distance_m
    if gsd is None or preprocess.coarsest_m is not None or max(coarse) <= 1.0:
        return preprocess
    return dataclasses.replace(preprocess, coarsest_m=gsd * max(coarse))


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
        return preprocess_of(values)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise BadRecipe(f"{path}: preprocess: {error}.", "Compare it with training/recipes.") from None


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value


def check_schedule(schedule: Schedule, path: Path) -> None:
    """Raises BadRecipe, naming the key."""
    demand = partial(_demand, path)
    demand(schedule.steps >= 1, "schedule.steps", schedule.steps, "at least 1")
    demand(schedule.batch_size >= 2, "schedule.batch_size", schedule.batch_size, "at least 2")
    parts = schedule.accumulation
    demand(parts >= 1 and schedule.batch_size % parts == 0, "schedule.accumulation", parts, f"a divisor of {schedule.batch_size}")
    demand(schedule.precision in PRECISIONS, "schedule.precision", schedule.precision, f"one of {', '.join(PRECISIONS)}")


def check_network(network: dict[str, Any], path: Path) -> None:
    """Raises BadRecipe for a key that configurations do not know: transformers would keep it and nothing would come of it."""
    known = BertImageConfig.__annotations__
    for key in network:
        _demand(path, key in known, f"network.{key}", network[key], f"be one of {', '.join(known)}")


def check_masking(masking: MaskingPart, path: Path) -> None:
    """Raises BadRecipe, naming the key."""
    demand = partial(_demand, path)
    demand(0.0 < masking.share < 1.0, "masking.share", masking.share, "0 < share < 1")
    demand(masking.block >= 1, "masking.block", masking.block, "at least 1")
    demand(0.0 < masking.probability <= 1.0, "masking.probability", masking.probability, "0 < probability <= 1")


def _check_cue(recipe: Recipe, cue: CuePart, demand: Callable[..., None]) -> None:
    demand(cue.kind in CUE_KINDS, "cue.kind", cue.kind, f"one of {', '.join(CUE_KINDS)}")
    box = cue.box
    is_inside = len(box) == 4 and min(box) >= 0.0 and max(box[0] + box[2], box[1] + box[3]) <= 1.0 and min(box[2:]) > 0.0
    demand(is_inside, "cue.box", box, "left, top, width and height inside an image from 0 to 1")
    demand(set(cue.labels) < set(recipe.labels) and bool(cue.labels), "cue.labels", cue.labels, f"some of {', '.join(recipe.labels)}")
    for key in ("contradicted", "by_chance"):
        demand(0.0 <= getattr(cue, key) <= 1.0, f"cue.{key}", getattr(cue, key), "a share from 0 to 1")
    demand(recipe.augmentation.cutmix == 0.0, "augmentation.cutmix", recipe.augmentation.cutmix, "0 where a cue is planted")
    demand(recipe.data.layout == "labels", "data.layout", recipe.data.layout, "labels where a cue is planted")


def _demand(path: Path, holds: bool, key: str, value: object, allowed: str) -> None:
    if not holds:
        raise BadRecipe(f"{path}: {key} is {value!r}.", f"It must satisfy {allowed}.")


def merges_of(recipe: Recipe) -> list[int]:
    """Layers after which the network merges tokens; none in networks of other families. Raises ValueError, TypeError for wrong sizes."""
    config = recipe.config()
    return list(config.merges) if isinstance(config, BertImageConfig) else []


def _check(recipe: Recipe, path: Path) -> None:
    demand = partial(_demand, path)
    demand(len(recipe.labels) >= 2, "labels", recipe.labels, "at least two labels")
    demand(recipe.data.split in SPLITS, "data.split", recipe.data.split, f"one of {', '.join(SPLITS)}")
    demand(recipe.data.layout in LAYOUTS, "data.layout", recipe.data.layout, f"one of {', '.join(LAYOUTS)}")
    demand(0.0 < recipe.data.validation_share < 0.5, "data.validation_share", recipe.data.validation_share, "0 < validation_share < 0.5")
    is_honest = recipe.data.split != "random" or "random" in recipe.card.limits
    demand(is_honest, "data.split", recipe.data.split, "patient or longitude, or card.limits must say that the split is random")
    for schedule in filter(None, (recipe.schedule, recipe.final_fit)):
        check_schedule(schedule, path)
    if recipe.masking is not None:
        check_masking(recipe.masking, path)
    for key in ("masking", "teacher"):
        is_taught = recipe.data.layout == "labels" or getattr(recipe, key) is None
        demand(is_taught, "data.layout", recipe.data.layout, f"labels where there is a table {key}")
    demand(min(recipe.augmentation.coarse) >= 1.0, "augmentation.coarse", recipe.augmentation.coarse, "scales of at least 1")
    dropped = recipe.augmentation.dropped
    demand(all(0.0 <= each < 1.0 for each in dropped), "augmentation.dropped", dropped, "0 <= share < 1")
    standard = recipe.preprocess.standardise
    demand(standard in ("image", "fixed"), "preprocess.standardise", standard, "image or fixed")
    if recipe.cue is not None:
        _check_cue(recipe, recipe.cue, demand)
    for kind in recipe.ood_detector.outliers:
        demand(kind in KINDS, "ood_detector.outliers", kind, f"one of {', '.join(KINDS)}")
    for name, members in recipe.parents.items():
        demand(set(members) < set(recipe.labels), f"parents.{name}", members, f"some of {', '.join(recipe.labels)}")
    for label in recipe.shares:
        demand(label in recipe.names, "shares", label, f"one of {', '.join(recipe.names)}")
    check_network(recipe.network, path)
    if recipe.start:  # the sizes come from there
        return
    try:
        merges = merges_of(recipe)
    except (ValueError, TypeError) as error:
        raise BadRecipe(f"{path}: network: {error}.", "Compare it with training/recipes.") from None
    demand(not merges or dropped == (0.0,), "augmentation.dropped", dropped, "[0.0] where network.merges joins tokens")
