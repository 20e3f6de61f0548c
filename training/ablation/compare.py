"""Compares choices of a training: every variant of a recipe, several seeds, the same number of images seen.

    python -m training.ablation.compare training/recipes/ablation.toml --data ../shared/data/land-cover-sentinel2 --out runs/ablation

A run that has ended leaves a small file in OUT and is not made again; one that was stopped goes on. OUT/table.md holds what there is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import BadRecipe, SightlineError
from core.types import Preprocess
from models.classifiers import Classifier
from training.ablation.table import TABLE, Result, read_results, result_path, table_of, write_result
from training.config.masked_recipe import MaskedRecipe, masked_recipe_of
from training.config.recipe import Recipe, changed_base, merged, read_table, recipe_of, required
from training.data.augment import standardised
from training.data.folders import read_images, split
from training.data.items import labels_of
from training.data.nodules import Crops, read_sides
from training.data.windows import cut_once
from training.evaluate.curves import accuracy_without_tokens
from training.loop.forward import forward_all
from training.loop.masked_trainer import fit_masked
from training.loop.run import CHECKPOINTS
from training.loop.starts import with_start
from training.loop.trainer import fit, run
from training.loop.window_trainer import WindowTrainer
from training.publish.zoo import write_network

PRETRAINED, CLASSIFIER = "pretrained", "classifier"
"""Sub-folders of a run's checkpoints."""
HALF = 0.5
"""Share of the tokens that is left out for the second accuracy."""
TIMED_BATCH, TIMINGS = 32, 5
SHOWN_EVERY = 11
"""One held back image of so many is looked at while a run goes on; all are at its end. Odd: windows of CT have their two labels in turn."""


@dataclass(frozen=True)
class Variant:
    """One row of the table. changes: keys of the recipe and their values; pretraining: the same for masked image modelling before it."""

    name: str
    words: str
    changes: dict[str, Any] = field(default_factory=dict)
    pretraining: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ablation:
    """base: the table of the recipe that every variant changes. path: of the ablation's own file, for messages."""

    path: Path
    base: dict[str, Any]
    seeds: tuple[int, ...]
    variants: tuple[Variant, ...]


Labelled = tuple[Tensor, NDArray[np.int64]]
"""uint8 images [N, channels, rows, columns] and int64 labels [N]."""


@dataclass(frozen=True)
class Images:
    """Decoded once for all runs. train: images, or crops of CT that windows are cut from as they are asked for."""

    train: Labelled | Crops
    held: Labelled

    @property
    def shown(self) -> Labelled:
        """The few of the held back images that are looked at while a run goes on."""
        return self.held[0][::SHOWN_EVERY], self.held[1][::SHOWN_EVERY]


def read_ablation(path: Path) -> Ablation:
    """Raises NotFound where there is no such file, BadRecipe, naming the key, where it cannot be used."""
    table = read_table(path)
    base = changed_base(table, path)
    variants = tuple(Variant(**each) for each in required(table, "variant", list, path))
    names = [variant.name for variant in variants]
    if len(set(names)) < len(names):
        raise BadRecipe(f"{path}: two variants have one name.", "Each needs a name of its own.")
    return Ablation(path, base, tuple(required(table, "seeds", list, path)), variants)


def recipe_for(ablation: Ablation, variant: Variant, seed: int) -> Recipe:
    """The recipe of one run. Raises BadRecipe."""
    table = merged(merged(ablation.base, variant.changes), {"id": f"{variant.name}-{seed}", "schedule": {"seed": seed}})
    return recipe_of(table, ablation.path)


def run_all(ablation: Ablation, data: Sequence[Path], out: Path, only: Sequence[str]) -> None:
    """Make what is missing, the first seed of every variant first. Raises NotFound and BadRecipe."""
    unknown = set(only) - {variant.name for variant in ablation.variants}
    if unknown:
        raise BadRecipe(f"There is no variant {min(unknown)}.", f"Known are {', '.join(variant.name for variant in ablation.variants)}.")
    wanted = [(variant, seed) for seed in ablation.seeds for variant in ablation.variants if not only or variant.name in only]
    missing = [(variant, seed) for variant, seed in wanted if not is_done(ablation, variant, seed, out)]
    if not missing:
        return
    images = read_all(recipe_for(ablation, *wanted[0]), data)
    for variant, seed in missing:
        write_result(out, one_run(ablation, variant, seed, images, out))


def is_done(ablation: Ablation, variant: Variant, seed: int, out: Path) -> bool:
    """Whether the run has ended, by the keys and values that it would have now."""
    path = result_path(out, variant.name, seed)
    return path.is_file() and json.loads(path.read_text(encoding="utf-8"))["digest"] == digest_of(ablation, variant, seed)


def digest_of(ablation: Ablation, variant: Variant, seed: int) -> str:
    """Twelve hexadecimal digits of everything that decides a run."""
    whole = json.dumps([merged(ablation.base, variant.changes), variant.pretraining, seed], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:12]


def read_all(recipe: Recipe, data: Sequence[Path]) -> Images:
    """The training part, and all that is held back: nothing is calibrated here. Raises NotFound, BadRecipe."""
    if recipe.data.layout == "nodules":
        sides = read_sides(data, recipe)
        windows = [cut_once(side, recipe.preprocess.size, recipe.data.seed) for side in (sides.calibration, sides.validation)]
        pixels = np.concatenate([side.images for side in windows])[:, np.newaxis]
        return Images(sides.train, (torch.from_numpy(pixels), np.concatenate([side.labels for side in windows])))
    parts = split(recipe, data)
    held = parts.calibration + parts.validation
    return Images(
        (read_images(parts.train, recipe.preprocess, recipe.data.read_size), labels_of(parts.train)),
        (read_images(held, recipe.preprocess, recipe.preprocess.size), labels_of(held)),
    )


def one_run(ablation: Ablation, variant: Variant, seed: int, images: Images, out: Path) -> Result:
    """Train one variant with one seed, and measure it. Time is that of the processor, so that other work does not count."""
    recipe = with_start(recipe_for(ablation, variant, seed))
    work = out / CHECKPOINTS / recipe.id
    shutil.rmtree(work, ignore_errors=True)  # of a run that was stopped: its time is not known
    began = time.process_time()
    before = pretraining_for(ablation, variant, seed)
    if before is not None:
        recipe = replace(recipe, start=str(_pretrained(before, images, work / PRETRAINED)))
    network = _fitted(recipe, images, work / CLASSIFIER)
    minutes = (time.process_time() - began) / 60.0
    shutil.rmtree(work)
    held, labels = images.held
    answers = forward_all(network, held, recipe.preprocess).logits.argmax(axis=1)
    half = accuracy_without_tokens(network, held, labels, recipe, shares=(HALF,))
    return Result(
        variant=variant.name,
        seed=seed,
        digest=digest_of(ablation, variant, seed),
        accuracy=float((answers == labels).mean()),
        accuracy_half_dropped=half[0].accuracy if half else None,
        images_seen=sum(each.schedule.steps * each.schedule.batch_size for each in (recipe, before) if each is not None),
        minutes=minutes,
        parameters=sum(each.numel() for each in network.parameters()),
        milliseconds=forward_milliseconds(network, held, recipe.preprocess),
    )


def pretraining_for(ablation: Ablation, variant: Variant, seed: int) -> MaskedRecipe | None:
    """The recipe of the masked image modelling that a variant begins with: the same network and images. Raises BadRecipe."""
    if not variant.pretraining:
        return None
    table = merged(ablation.base, variant.changes)
    shared = {name: table[name] for name in ("network", "preprocess", "augmentation", "schedule", "card")}
    data = {name: value for name, value in table["data"].items() if name in ("split", "validation_share", "read_size", "seed")}
    own = {"id": f"{variant.name}-{seed}", "data": data, "schedule": {"seed": seed}}
    return masked_recipe_of(merged(merged(shared, own), variant.pretraining), ablation.path)


def forward_milliseconds(network: Classifier, images: Tensor, preprocess: Preprocess) -> float:
    """Processor time of a forward pass an image, in batches, the least of a few."""
    x = standardised(images[:TIMED_BATCH].float() / 255.0, preprocess)
    found = []
    with torch.inference_mode():
        for _ in range(TIMINGS):
            began = time.process_time()
            network(pixel_values=x)
            found.append(time.process_time() - began)
    return 1000.0 * min(found) / len(x)


def _fitted(recipe: Recipe, images: Images, work: Path) -> Classifier:
    if isinstance(images.train, Crops):
        return run(recipe, partial(WindowTrainer, recipe, images.train), images.shown, work)
    return fit(recipe, images.train, images.shown, work)


def _pretrained(recipe: MaskedRecipe, images: Images, work: Path) -> Path:
    if isinstance(images.train, Crops):
        raise BadRecipe(f"{recipe.id}: windows of CT have no pretraining here.", "Take the variant's pretraining out.")
    network = fit_masked(recipe, images.train[0], images.shown[0], work)
    folder = work / recipe.id
    write_network(folder, network, recipe.preprocess)
    return folder


def main() -> int:
    """The program: trains what is missing, then writes and prints the table."""
    parser = argparse.ArgumentParser(prog="python -m training.ablation.compare", description="Compare choices of a training.")
    parser.add_argument("ablation", type=Path, help="training/recipes/ablation.toml, or one of your own")
    parser.add_argument("--data", type=Path, action="append", required=True, help="a folder of images by label")
    parser.add_argument("--out", type=Path, required=True, help="where results and checkpoints go")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this variant alone; may be repeated")
    words = parser.parse_args()
    try:
        ablation = read_ablation(words.ablation)
        run_all(ablation, words.data, words.out, words.only)
    except SightlineError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    table = table_of([(variant.name, variant.words) for variant in ablation.variants], read_results(words.out))
    (words.out / TABLE).write_text(table, encoding="utf-8")
    print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
