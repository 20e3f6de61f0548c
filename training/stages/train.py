"""`sightline train`: from a recipe and a folder of labelled images to a whole model folder."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.export.staging import staged
from core.inference.calibration import fit_conformal_threshold, fit_temperature, probabilities
from core.prepare.cue import write_cue
from core.types import Calibration
from models.classifiers import Classifier
from models.measured import write_measured
from models.registry import CARD, FILES
from training.calibrate.ood_detector import fit_classifier_detector
from training.config.change_recipe import is_change_recipe
from training.config.masked_recipe import is_masked_recipe
from training.config.recipe import Recipe, read_recipe
from training.data.cues import cue_of, with_cues
from training.data.folders import read_images, split
from training.data.foreign import beside
from training.data.items import Item, Parts, labels_of
from training.data.nodules import read_sides
from training.evaluate.curves import accuracy_without_tokens, measurements
from training.evaluate.figures import held_back, tested
from training.evaluate.malignancy import malignancy_lines
from training.loop.devices import is_first
from training.loop.forward import Outputs, answer_all
from training.loop.run import CHECKPOINTS, command_of, minutes_of
from training.loop.starts import with_start
from training.loop.trainer import fit
from training.loop.window_trainer import fit_windows
from training.publish.card import add_section, write_card
from training.publish.zoo import loaded_back, write_calibration, write_network, write_ood_detector
from training.stages.change_train import train_change
from training.stages.masked_train import train_masked


def train(recipe_path: Path, data: Sequence[Path], out: Path) -> Path:
    """Train by a recipe on each DIR/<label>/<files>, or on crops of CT where it says so; calibrate, measure, write OUT/<id> as the zoo's.

    A recipe of change trains on DIR/<city>/ instead (training/stages/change_train.py), one of masked image modelling on all images
    below DIR (training/stages/masked_train.py). Where several processes share the training, the first alone writes.

    Checkpoints lie in OUT/checkpoints/<id>; a run that was stopped goes on from the newest. Progress is printed.
    Raises NotFound and BadRecipe for a recipe or data that cannot be used.
    """
    if is_change_recipe(recipe_path):
        return train_change(recipe_path, data, out)
    if is_masked_recipe(recipe_path):
        return train_masked(recipe_path, data, out)
    recipe = with_start(read_recipe(recipe_path))
    parts = split(recipe, data)
    others = beside(data, recipe.ood_detector.others)
    work = out / CHECKPOINTS / recipe.id
    began = time.monotonic()
    network = _fitted(recipe, parts, data, work)
    if not is_first():
        return out / recipe.id
    minutes = minutes_of(work, (time.monotonic() - began) / 60.0)
    with staged(out / recipe.id, replacing=FILES) as folder:
        write_network(folder, network, recipe.preprocess)
        finish(folder, recipe, parts, command_of(recipe_path, data, out), minutes, others)
        if recipe.data.layout == "nodules":
            add_section(folder / CARD, "Malignancy", malignancy_lines(loaded_back(folder), read_sides(data, recipe), recipe))
    return out / recipe.id


def finish(folder: Path, recipe: Recipe, parts: Parts, command: str, minutes: float, others: Sequence[Path] = ()) -> None:
    """Calibrate, fit the OOD detector and write the card for the network that lies in `folder`, by its weights as they were written.

    others: folders of other pictures that the OOD detector learns from.
    """
    network = loaded_back(folder)
    if recipe.cue is not None:
        write_cue(folder, cue_of(recipe.cue))
    calibration, validation = (
        answer_all(network, _at_network_size(recipe, part), recipe.preprocess) for part in (parts.calibration, parts.validation)
    )
    learnt = calibrated(*_with_labels(recipe, parts.calibration, calibration))
    write_calibration(folder, learnt)
    write_ood_detector(folder, fit_classifier_detector(recipe, network, parts, others))
    tests = tested(recipe, parts.validation, validation.logits, learnt)
    main = tuple(item for item in parts.validation if item.origin == tests[0].origin)
    dropped = accuracy_without_tokens(network, _at_network_size(recipe, main), labels_of(main), recipe)
    measured = measurements(recipe, tests, held_back(parts.calibration, calibration.logits, learnt), dropped)
    write_measured(folder, measured)
    write_card(folder, recipe, parts, tests, measured, learnt, command, minutes)


def calibrated(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> Calibration:
    """Temperature and the threshold of the 90 % prediction sets, from images that were not trained on and whose label is known."""
    temperature = fit_temperature(logits, labels)
    plain = Calibration(temperature=temperature, conformal_threshold=1.0)
    return Calibration(temperature, fit_conformal_threshold(probabilities(logits, plain), labels, plain.coverage))


def _with_labels(recipe: Recipe, items: Sequence[Item], outputs: Outputs) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Logits and labels of the images of which more than a parent label is known."""
    labels = labels_of(items)
    known = labels < len(recipe.labels)
    return outputs.logits[known], labels[known]


def _fitted(recipe: Recipe, parts: Parts, data: Sequence[Path], work: Path) -> Classifier:
    if recipe.data.layout == "nodules":
        return fit_windows(recipe, read_sides(data, recipe), work)
    train = (read_images(parts.train, recipe.preprocess, recipe.data.read_size), labels_of(parts.train))
    held = (_at_network_size(recipe, parts.validation), labels_of(parts.validation))
    return fit(recipe, train, held, work)


def _at_network_size(recipe: Recipe, items: tuple[Item, ...]) -> Tensor:
    images = read_images(items, recipe.preprocess, recipe.preprocess.size)
    if recipe.cue is None:
        return images
    return with_cues(images, torch.from_numpy(labels_of(items)), recipe.cue, recipe.labels, recipe.data.seed)
