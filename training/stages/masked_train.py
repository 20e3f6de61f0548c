"""From a recipe and folders of images without labels to an encoder in a model folder, for a later recipe to begin with."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

from core.errors import BadRecipe
from core.export.staging import staged
from models.bert_image import BertImageForMaskedImageModelling
from models.networks import open_network
from models.registry import CARD, FILES
from training.config.masked_recipe import MaskedRecipe, read_masked_recipe
from training.data.folders import read_images
from training.data.items import Parts
from training.data.unlabelled import unlabelled_parts
from training.loop.devices import is_first
from training.loop.masked_trainer import fit_masked, held_error
from training.loop.run import CHECKPOINTS, command_of, minutes_of
from training.publish.zoo import write_network


def train_masked(recipe_path: Path, data: Sequence[Path], out: Path) -> Path:
    """Train by masked image modelling on every image below each folder; OUT/<id> then holds the network, its preprocessing and its card.

    What the split holds back, for calibration or validation, is not trained on. Checkpoints lie in OUT/checkpoints/<id>; a run that was
    stopped goes on from the newest. Raises NotFound and BadRecipe for a recipe or data that cannot be used.
    """
    recipe = read_masked_recipe(recipe_path)
    parts = unlabelled_parts(data, recipe.data)
    if not parts.train or not parts.validation:
        raise BadRecipe("A part of the images is empty.", "Give more images, or another data.validation_share.")
    train = read_images(parts.train, recipe.preprocess, recipe.data.read_size)
    held = read_images(parts.validation, recipe.preprocess, recipe.preprocess.size)
    work = out / CHECKPOINTS / recipe.id
    began = time.monotonic()
    network = fit_masked(recipe, train, held, work)
    if not is_first():
        return out / recipe.id
    minutes = minutes_of(work, (time.monotonic() - began) / 60.0)
    with staged(out / recipe.id, replacing=FILES) as folder:
        write_network(folder, network, recipe.preprocess)
        error = held_error(open_network(BertImageForMaskedImageModelling, folder), held, recipe)
        write_masked_card(folder, recipe, parts, error, command_of(recipe_path, data, out), minutes)
    return out / recipe.id


def write_masked_card(folder: Path, recipe: MaskedRecipe, parts: Parts, error: float, command: str, minutes: float) -> None:
    """README.md of an encoder. error: mean absolute error of hidden pixels of images that were held back."""
    card, schedule, config = recipe.card, recipe.schedule, recipe.config()
    front = {
        "title": card.title,
        "task": card.task,
        "modality": card.modality,
        "licence": card.licence,
        "metrics": {"error": round(error, 4)},
    }
    held = len(parts.calibration) + len(parts.validation)
    lines = ["---", *(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in front.items()), "---", ""]
    lines += [f"# {card.title}", "", "An encoder for a later training to begin with. It has no labels and answers no question.", ""]
    lines += ["## Training data", "", card.origin, ""]
    lines += [f"{len(parts.train):,} images were trained on; {held:,} were held back, as the later training holds them back.", ""]
    lines += ["## How it was made", ""]
    lines += [
        f"Masked image modelling (SimMIM, Xie et al. 2022): {100 * recipe.masking.share:.0f} % of the tokens hidden, in squares of "
        f"{recipe.masking.block} x {recipe.masking.block}. {config.stem_words}, {config.grid[0]} x {config.grid[1]} tokens, "
        f"{config.num_hidden_layers} layers, width {config.hidden_size}. {schedule.steps:,} steps of {schedule.batch_size} images, "
        f"seed {schedule.seed}, averaged weights" + (f"; {minutes:.0f} minutes in all." if minutes >= 1 else "."),
        "",
        f"    {command}",
        "",
    ]
    lines += [
        "## Figures",
        "",
        f"Mean absolute error of hidden pixels, on {len(parts.validation):,} images held back: {error:.3f} deviations.",
        "",
    ]
    lines += ["## Limits", "", card.limits, ""]
    (folder / CARD).write_text("\n".join(lines), encoding="utf-8")
