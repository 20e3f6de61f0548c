"""The recipe of a change model: two dates of some cities, and the pixels that changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import BadRecipe
from core.types import Domain, Preprocess
from models.bert_image import BertImageChangeConfig
from models.preprocessing import is_enlargement
from training.config.recipe import read_preprocess, read_table, required, section
from training.config.recipe_parts import CardPart, Schedule, TuningPart

TASK = "change"
LABELS = ("unchanged", "changed")


@dataclass(frozen=True)
class Cities:
    """How the folders DIR/<city>/ are divided.

    validation: cities that are held back. They choose the threshold, fit the calibration and give the figures of the card.
    made, made_from: how many further cities are put together for the training from the tiles of a folder, which lies beside that of the
        data (training/data/made_cities.py).
    """

    validation: tuple[str, ...]
    made: int = 0
    made_from: str = ""


@dataclass(frozen=True)
class ChangeAugmentation:
    """Random changes of training crops, in standardised values (one deviation of the scene's band is 1); 0 switches a change off.

    changed_share: share of the crops that lie around a pixel that changed.
    resampled: share of the crops that are turned by any angle, zoomed and stretched; the others are only mirrored and turned by quarters.
    zoom: factor of the ground that a crop covers. stretch: largest relative change of one axis.
    shift: deviation in pixels by which the second date is displaced, for dates that do not lie quite on one another.
    exposure, band_exposure: deviation of the logarithm of the factor, of a date and of each of its bands.
    offset, band_offset: deviation of what is added to a date and to each of its bands.
    clouds: share of the crops that get opaque clouds with their shadows at one date, which is no change.
    haze: deviation of what is added smoothly varying over the crop, to one date. noise: largest deviation of noise.
    dropped_bands: share of the crops that lose bands in both dates, any of them or all beyond red, green and blue.
    cutmix: share of the batches in which a rectangle of each crop comes from another (Yun et al. 2019).
    """

    changed_share: float = 0.5
    resampled: float = 0.0
    zoom: tuple[float, float] = (1.0, 1.0)
    stretch: float = 0.0
    shift: float = 0.0
    exposure: float = 0.0
    band_exposure: float = 0.0
    offset: float = 0.0
    band_offset: float = 0.0
    haze: float = 0.0
    clouds: float = 0.0
    noise: float = 0.0
    dropped_bands: float = 0.0
    cutmix: float = 0.0


@dataclass(frozen=True)
class ChangeRecipe:
    """A training of a change model, whole.

    start: a model of the zoo, or a folder, whose stem and layers the encoder begins with; "" for random weights.
    tuning: how a pretrained stem goes on.
    schedule: the training without the validation cities. final_fit: what follows with every city; None where nothing does.
    """

    id: str
    network: dict[str, Any]
    preprocess: Preprocess
    cities: Cities
    augmentation: ChangeAugmentation
    schedule: Schedule
    card: CardPart
    start: str = ""
    final_fit: Schedule | None = None
    tuning: TuningPart = field(default_factory=TuningPart)

    def config(self) -> BertImageChangeConfig:
        """The network's configuration."""
        return BertImageChangeConfig(
            **self.network,
            image_size=list(self.preprocess.size),
            num_channels=len(self.preprocess.channels),
            id2label=dict(enumerate(LABELS)),
            label2id={label: index for index, label in enumerate(LABELS)},
        )


def is_change_recipe(path: Path) -> bool:
    """Whether a recipe names the task of change. Raises NotFound, BadRecipe."""
    return read_table(path).get("task") == TASK


def read_change_recipe(path: Path) -> ChangeRecipe:
    """Raises NotFound where there is no such file, BadRecipe, naming the key, where it cannot be used."""
    table = read_table(path)
    recipe = ChangeRecipe(
        id=required(table, "id", str, path),
        network=required(table, "network", dict, path),
        preprocess=read_preprocess(required(table, "preprocess", dict, path), path),
        cities=section(Cities, table, "cities", path),
        augmentation=section(ChangeAugmentation, table, "augmentation", path),
        schedule=section(Schedule, table, "schedule", path),
        card=section(CardPart, table, "card", path),
        start=str(table.get("start", "")),
        final_fit=section(Schedule, table, "final_fit", path) if "final_fit" in table else None,
        tuning=section(TuningPart, {"tuning": {}, **table}, "tuning", path),
    )
    _check(recipe, path)
    return recipe


def _check(recipe: ChangeRecipe, path: Path) -> None:
    preprocess = recipe.preprocess
    if preprocess.domain is not Domain.CHANGE or preprocess.standardise != "scene":
        raise BadRecipe(f"{path}: preprocess has another domain or standardise.", "A change model has domain change and standardise scene.")
    if not recipe.cities.validation:
        raise BadRecipe(f"{path}: cities.validation is empty.", "Without held back cities no threshold can be chosen.")
    for channel in preprocess.preferred:
        if channel not in preprocess.channels:
            raise BadRecipe(f"{path}: preprocess.preferred names {channel}.", f"It must be one of {', '.join(preprocess.channels)}.")
    for name, schedule in (("schedule", recipe.schedule), ("final_fit", recipe.final_fit)):
        if schedule is not None and (schedule.steps < 1 or schedule.batch_size < 2):
            raise BadRecipe(f"{path}: {name} has steps {schedule.steps}, batch_size {schedule.batch_size}.", "At least 1 and 2.")
    try:
        patch_size = recipe.config().patch_size
    except (ValueError, TypeError) as error:
        raise BadRecipe(f"{path}: network: {error}.", "Compare it with training/recipes.") from None
    if not is_enlargement(preprocess.enlarged, preprocess.size, patch_size):
        wanted = f"0, or at least 1 with sides of a tile that stay multiples of {patch_size}."
        raise BadRecipe(f"{path}: preprocess.enlarged is {preprocess.enlarged}.", wanted)
