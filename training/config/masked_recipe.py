"""The recipe of masked image modelling: images without labels, and an encoder that a later training begins with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import BadRecipe
from core.types import Preprocess
from models.bert_image import BertImageConfig
from training.config.recipe import check_masking, check_network, check_schedule, read_preprocess, read_table, required, section
from training.config.recipe_parts import Augmentation, CardPart, MaskingPart, Schedule

TASK = "masked-image"
SPLITS = ("patient", "longitude")


@dataclass(frozen=True)
class ImagesPart:
    """How the files below each folder are divided.

    split: "patient", or "longitude" for folders whose index.csv lists places, others then by patient.
    split, validation_share, seed: as of the recipe that begins with this encoder, so that nothing that it holds back was seen here.
    read_size: (rows, columns) that images are kept at for training.
    """

    split: str
    validation_share: float
    read_size: tuple[int, int]
    seed: int = 7


@dataclass(frozen=True)
class MaskedRecipe:
    """A training by masked image modelling, whole."""

    id: str
    network: dict[str, Any]
    preprocess: Preprocess
    data: ImagesPart
    masking: MaskingPart
    augmentation: Augmentation
    schedule: Schedule
    card: CardPart

    def config(self) -> BertImageConfig:
        """The network's configuration."""
        return BertImageConfig(**self.network, image_size=list(self.preprocess.size), num_channels=len(self.preprocess.channels))


def is_masked_recipe(path: Path) -> bool:
    """Whether a recipe names the task of masked image modelling. Raises NotFound, BadRecipe."""
    return read_table(path).get("task") == TASK


def read_masked_recipe(path: Path) -> MaskedRecipe:
    """Raises NotFound where there is no such file, BadRecipe, naming the key, where it cannot be used."""
    return masked_recipe_of(read_table(path), path)


def masked_recipe_of(table: dict[str, Any], path: Path) -> MaskedRecipe:
    """The recipe that a table holds. path: the file that messages name. Raises BadRecipe."""
    recipe = MaskedRecipe(
        id=required(table, "id", str, path),
        network=required(table, "network", dict, path),
        preprocess=read_preprocess(required(table, "preprocess", dict, path), path),
        data=section(ImagesPart, table, "data", path),
        masking=section(MaskingPart, table, "masking", path),
        augmentation=section(Augmentation, table, "augmentation", path),
        schedule=section(Schedule, table, "schedule", path),
        card=section(CardPart, table, "card", path),
    )
    check_schedule(recipe.schedule, path)
    check_masking(recipe.masking, path)
    check_network(recipe.network, path)
    if recipe.data.split not in SPLITS:
        raise BadRecipe(f"{path}: data.split is {recipe.data.split!r}.", f"It must be one of {', '.join(SPLITS)}.")
    if not 0.0 < recipe.data.validation_share < 0.5:
        raise BadRecipe(
            f"{path}: data.validation_share is {recipe.data.validation_share!r}.", "It must satisfy 0 < validation_share < 0.5."
        )
    try:
        recipe.config()
    except (ValueError, TypeError) as error:
        raise BadRecipe(f"{path}: network: {error}.", "Compare it with training/recipes.") from None
    return recipe
