"""`sightline train`: from a recipe and a folder of labelled images to a whole model folder."""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from core.inference.calibration import fit_conformal_threshold, fit_temperature, probabilities
from core.inference.outside import fit_outside
from core.types import Calibration
from models.bert_image import BertImageForImageClassification
from training.card import write_card
from training.data import Item, Parts, labels_of, read_images, split
from training.figures import held_back, measure
from training.forward import Outputs, forward_all
from training.recipe import Recipe, read_recipe
from training.trainer import fit
from training.zoo import loaded_back, write_calibration, write_network, write_outside

CHECKPOINTS = "checkpoints"
CLOCK = "minutes.json"
"""How long the training took, all its runs together; beside the checkpoints."""


def train(recipe_path: Path, data: Path, out: Path) -> Path:
    """Train by a recipe on DIR/<label>/<files>, calibrate, measure, and write OUT/<id>, a folder as models/zoo holds them.

    Checkpoints lie in OUT/checkpoints/<id>; a run that was stopped goes on from the newest. Progress is printed.
    Raises NotFound and BadRecipe for a recipe or data that cannot be used.
    """
    recipe = read_recipe(recipe_path)
    parts = split(recipe, data)
    work = out / CHECKPOINTS / recipe.id
    began = time.monotonic()
    network = _fitted(recipe, parts, work)
    minutes = _minutes(work, (time.monotonic() - began) / 60.0)
    folder = out / recipe.id
    write_network(folder, network, recipe.preprocess)
    command = shlex.join(["sightline", "train", _shown(recipe_path), "--data", _shown(data), "--out", _shown(out)])
    finish(folder, recipe, parts, command, minutes)
    return folder


def finish(folder: Path, recipe: Recipe, parts: Parts, command: str, minutes: float) -> None:
    """Calibrate, fit the gate and write the card for the network that lies in `folder`, by its weights as they were written."""
    network = loaded_back(folder)
    train, calibration, validation = (_outputs(recipe, network, part) for part in (parts.train, parts.calibration, parts.validation))
    learnt = calibrated(calibration, labels_of(parts.calibration))
    write_calibration(folder, learnt)
    write_outside(folder, fit_outside(train.embeddings, calibration.embeddings))
    held = held_back(parts.validation, validation.logits, learnt)
    figures = measure(held, recipe.labels, learnt, recipe.parents)
    write_card(folder, recipe, parts, figures, held, command, minutes)


def calibrated(outputs: Outputs, labels: NDArray[Any]) -> Calibration:
    """Temperature and the threshold of the 90 % sets, from images that were not trained on."""
    temperature = fit_temperature(outputs.logits, labels)
    plain = Calibration(temperature=temperature, conformal_threshold=1.0)
    return Calibration(temperature, fit_conformal_threshold(probabilities(outputs.logits, plain), labels, plain.coverage))


def _fitted(recipe: Recipe, parts: Parts, work: Path) -> BertImageForImageClassification:
    train = (read_images(parts.train, recipe.preprocess, recipe.data.read_size), labels_of(parts.train))
    held = (_at_network_size(recipe, parts.validation), labels_of(parts.validation))
    return fit(recipe, train, held, work)


def _outputs(recipe: Recipe, network: BertImageForImageClassification, items: tuple[Item, ...]) -> Outputs:
    return forward_all(network, _at_network_size(recipe, items), recipe.preprocess)


def _at_network_size(recipe: Recipe, items: tuple[Item, ...]) -> Tensor:
    return read_images(items, recipe.preprocess, recipe.preprocess.size)


def _minutes(work: Path, this_run: float) -> float:
    """Minutes of this run and of those before it."""
    clock = work / CLOCK
    earlier = float(json.loads(clock.read_text(encoding="utf-8"))) if clock.is_file() else 0.0
    work.mkdir(parents=True, exist_ok=True)
    clock.write_text(json.dumps(earlier + this_run), encoding="utf-8")
    return earlier + this_run


def _shown(path: Path) -> str:
    """A path as a card may show it: without what lies above the project's neighbours."""
    return str(path) if not path.is_absolute() else path.name


