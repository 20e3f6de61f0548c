"""From a recipe and a folder of cities to a change model: trained without the validation cities, then with them if the recipe says so."""

from __future__ import annotations

import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from core.export.staging import staged
from models.bert_image import BertImageForChangeDetection
from models.folder import FILES, hash_of
from models.networks import open_network
from training.calibrate.change_ood_detector import fit_change_detector
from training.config.change_recipe import ChangeRecipe, read_change_recipe
from training.data.city_pixels import CityPixels, divided, read_cities
from training.data.foreign import beside
from training.data.made_cities import made_cities, read_tiles
from training.evaluate.change_figures import measure_change
from training.loop.change_trainer import fit_change, started
from training.loop.devices import is_first
from training.loop.run import CHECKPOINTS, command_of, minutes_of
from training.publish.change_card import write_change_card
from training.publish.zoo import write_calibration, write_network, write_ood_detector

HELD_BACK, FINAL_FIT, MEASURED = "held-back", "final-fit", "measured"
"""Sub-folders of the checkpoints: the training without the validation cities, the one with them, and the network that is measured."""


@dataclass(frozen=True)
class Fitted:
    """measured: the network that never saw the validation cities. final: the one that is shipped; the same where the recipe ends there."""

    measured: BertImageForChangeDetection
    final: BertImageForChangeDetection


def fitted(recipe: ChangeRecipe, cities: Sequence[CityPixels], work: Path, made: Sequence[CityPixels] = ()) -> Fitted:
    """Both trainings, each going on from its newest checkpoint in `work`. made: cities for training alone.

    Raises BadRecipe, NotFound, BrokenModel.
    """
    train, held = divided(cities, recipe.cities.validation)
    measured = fit_change(started(recipe), recipe, recipe.schedule, ((*train, *made), held), work / HELD_BACK)
    if recipe.final_fit is None:
        return Fitted(measured, measured)
    final = fit_change(deepcopy(measured), recipe, recipe.final_fit, ((*cities, *made), ()), work / FINAL_FIT)
    return Fitted(measured, final)


def train_change(recipe_path: Path, data: Sequence[Path], out: Path) -> Path:
    """Train by a recipe of change on every DIR/<city>/, calibrate, measure, and write OUT/<id>, a folder as models/zoo holds them.

    Threshold, calibration and figures come from the network that never saw the validation cities, by its weights as they are shipped
    (float16). Checkpoints lie in OUT/checkpoints/<id>; a run that was stopped goes on from the newest.
    Raises NotFound and BadRecipe for a recipe or data that cannot be used.
    """
    recipe = read_change_recipe(recipe_path)
    cities = tuple(city for folder in data for city in read_cities(folder, recipe.preprocess))
    work = out / CHECKPOINTS / recipe.id
    began = time.monotonic()
    networks = fitted(recipe, cities, work, _made(recipe, data))
    if not is_first():
        return out / recipe.id
    minutes = minutes_of(work, (time.monotonic() - began) / 60.0)
    measured = as_shipped(networks.measured, recipe, work / MEASURED)
    figures = measure_change(measured, divided(cities, recipe.cities.validation), recipe)
    with staged(out / recipe.id, replacing=FILES) as folder:
        write_network(folder, networks.final, recipe.preprocess)
        write_calibration(folder, figures.calibration)
        detector = fit_change_detector(cities, recipe.preprocess)
        if detector is not None:
            write_ood_detector(folder, detector)
        names = [city.name for city in cities]
        write_change_card(folder, recipe, names, figures, hash_of(work / MEASURED), command_of(recipe_path, data, out), minutes)
    return out / recipe.id


def _made(recipe: ChangeRecipe, data: Sequence[Path]) -> list[CityPixels]:
    if not recipe.cities.made:
        return []
    (folder,) = beside(data, (recipe.cities.made_from,))
    return made_cities(read_tiles(folder, recipe.schedule.seed), recipe.cities.made, recipe.preprocess.channels, recipe.schedule.seed)


def as_shipped(network: BertImageForChangeDetection, recipe: ChangeRecipe, folder: Path) -> BertImageForChangeDetection:
    """The network as users would load it. folder: where it is written."""
    write_network(folder, network, recipe.preprocess)
    return open_network(BertImageForChangeDetection, folder).eval()  # type: ignore[no-any-return]
