"""`sightline train`: from a recipe and a folder of labelled images to a whole model folder."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.inference.calibration import fit_conformal_threshold, fit_temperature, probabilities
from core.inference.outside import fit_outside
from core.types import Calibration
from models.bert_image import BertImageForImageClassification
from training.card import write_card
from training.change_recipe import is_change_recipe
from training.change_train import train_change
from training.data import read_images, split
from training.figures import tested
from training.forward import Outputs, forward_all
from training.items import Item, Parts, labels_of
from training.recipe import Recipe, read_recipe
from training.run import CHECKPOINTS, command_of, minutes_of
from training.trainer import fit
from training.zoo import loaded_back, write_calibration, write_network, write_outside


def train(recipe_path: Path, data: Sequence[Path], out: Path) -> Path:
    """Train by a recipe on each DIR/<label>/<files>, calibrate, measure, and write OUT/<id>, a folder as models/zoo holds them.

    A recipe of change trains on DIR/<city>/ instead (training/change_train.py).

    Checkpoints lie in OUT/checkpoints/<id>; a run that was stopped goes on from the newest. Progress is printed.
    Raises NotFound and BadRecipe for a recipe or data that cannot be used.
    """
    if is_change_recipe(recipe_path):
        return train_change(recipe_path, data, out)
    recipe = read_recipe(recipe_path)
    parts = split(recipe, data)
    work = out / CHECKPOINTS / recipe.id
    began = time.monotonic()
    network = _fitted(recipe, parts, work)
    minutes = minutes_of(work, (time.monotonic() - began) / 60.0)
    folder = out / recipe.id
    write_network(folder, network, recipe.preprocess)
    finish(folder, recipe, parts, command_of(recipe_path, data, out), minutes)
    return folder


def finish(folder: Path, recipe: Recipe, parts: Parts, command: str, minutes: float) -> None:
    """Calibrate, fit the gate and write the card for the network that lies in `folder`, by its weights as they were written."""
    network = loaded_back(folder)
    train, calibration, validation = (_outputs(recipe, network, part) for part in (parts.train, parts.calibration, parts.validation))
    learnt = calibrated(*_with_labels(recipe, parts.calibration, calibration))
    write_calibration(folder, learnt)
    write_outside(folder, fit_outside(train.embeddings, _by_origin(parts.calibration, calibration.embeddings)))
    write_card(folder, recipe, parts, tested(recipe, parts.validation, validation.logits, learnt), command, minutes)


def calibrated(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> Calibration:
    """Temperature and the threshold of the 90 % sets, from images that were not trained on and whose label is known."""
    temperature = fit_temperature(logits, labels)
    plain = Calibration(temperature=temperature, conformal_threshold=1.0)
    return Calibration(temperature, fit_conformal_threshold(probabilities(logits, plain), labels, plain.coverage))


def _with_labels(recipe: Recipe, items: Sequence[Item], outputs: Outputs) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Logits and labels of the images of which more than a parent label is known."""
    labels = labels_of(items)
    known = labels < len(recipe.labels)
    return outputs.logits[known], labels[known]


def _by_origin(items: Sequence[Item], embeddings: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    origins = np.array([item.origin for item in items])
    return [embeddings[origins == origin] for origin in dict.fromkeys(origins.tolist())]


def _fitted(recipe: Recipe, parts: Parts, work: Path) -> BertImageForImageClassification:
    train = (read_images(parts.train, recipe.preprocess, recipe.data.read_size), labels_of(parts.train))
    held = (_at_network_size(recipe, parts.validation), labels_of(parts.validation))
    return fit(recipe, train, held, work)


def _outputs(recipe: Recipe, network: BertImageForImageClassification, items: tuple[Item, ...]) -> Outputs:
    return forward_all(network, _at_network_size(recipe, items), recipe.preprocess)


def _at_network_size(recipe: Recipe, items: tuple[Item, ...]) -> Tensor:
    return read_images(items, recipe.preprocess, recipe.preprocess.size)
