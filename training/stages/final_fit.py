"""The last part of a training: the network goes on with every image, those that had been held back too.

    python -m training.stages.final_fit OUT/ID RECIPE --data DIR [--data DIR ...]

OUT/ID is a folder that `sightline train` wrote, measured by then as it shall be. The weights that were measured are kept in
OUT/checkpoints/ID/measured; OUT/ID gets those that went on by the table final_fit of the recipe. A run that was stopped goes on.

Nothing is left to measure the new weights on, so figures, temperature and sets stay those of the measured network, and the card says so.
What an image flatters that was trained on is taken from the measured network: the threshold of the OOD detector, and the temperature of the
rating of malignancy, are found on images that were trained on, times what held-back images needed more with the measured network.
"""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from core.errors import BadRecipe
from core.inference.ood import Features, ood_score
from models.bert_image import BertImageForImageClassification
from models.classifiers import Classifier
from models.registry import CARD, OodDetector, load_model
from training.calibrate.fit import SHARE_REFUSED, fit_ood_detector
from training.calibrate.ood_detector import by_origin, image_features, outlier_features
from training.config.arguments import model_arguments
from training.config.recipe import Recipe, read_recipe
from training.config.recipe_parts import Schedule
from training.data.folders import read_images, split
from training.data.foreign import beside
from training.data.items import Item, Parts, labels_of
from training.data.nodules import Crops, read_crops, read_sides
from training.evaluate.malignancy import divide_rating, rating_temperature
from training.loop.run import CHECKPOINTS, minutes_of
from training.loop.starts import with_start
from training.loop.trainer import ImageTrainer, run
from training.loop.window_trainer import WindowTrainer
from training.publish.card import add_section, energy_words
from training.publish.zoo import loaded_back, write_network, write_ood_detector

MEASURED, WORK = "measured", "final-fit"
"""Folders in OUT/checkpoints/ID: the network that was measured, and the checkpoints of what follows."""
TITLE = "The weights that are shipped"


def go_on(folder: Path, recipe_path: Path, data: Sequence[Path], command: str) -> None:
    """Train the network of `folder` on every image, and put it, with its OOD detector, in place of the one that was measured.

    Raises NotFound and BadRecipe for a recipe or data that cannot be used, BrokenModel for a folder that is not whole.
    """
    recipe = with_start(read_recipe(recipe_path))
    schedule = _schedule(recipe, recipe_path)
    place = folder.parent / CHECKPOINTS / recipe.id
    if not (place / MEASURED).is_dir():
        shutil.copytree(folder, place / MEASURED)
    measured = loaded_back(place / MEASURED)
    parts = split(recipe, data)
    items = (*parts.train, *parts.calibration, *parts.validation)
    began = time.monotonic()
    final = _trained(measured, replace(recipe, schedule=schedule), items, data, place / WORK)
    minutes = minutes_of(place / WORK, (time.monotonic() - began) / 60.0)
    if recipe.data.layout == "nodules":
        _calibrate_rating(final, loaded_back(place / MEASURED), recipe, data)
    write_network(folder, final, recipe.preprocess)
    known = load_model(str(place / MEASURED)).ood_detector
    if known is not None:
        networks = (loaded_back(folder), loaded_back(place / MEASURED))
        write_ood_detector(folder, _detector(*networks, known, recipe, parts, beside(data, recipe.ood_detector.others)))
    shutil.copy(place / MEASURED / CARD, folder / CARD)
    add_section(folder / CARD, TITLE, card_lines(schedule, len(items), minutes, command))


def margin(measured: OodDetector, trained_on: Sequence[Features]) -> float:
    """How much farther held-back images lay than those trained on, at the share that the OOD detector gives up, for the measured network.

    trained_on: float32 [images, D], one array an origin.
    """
    reached = max(float(np.quantile(ood_score(one, measured), 1.0 - SHARE_REFUSED)) for one in trained_on)
    return measured.threshold / reached


def card_lines(schedule: Schedule, images: int, minutes: float, command: str) -> list[str]:
    """The section of the card that says how the weights differ from those that were measured."""
    time_words = f" ({minutes:.0f} minutes{energy_words(minutes, schedule.threads)})" if minutes >= 1 else ""
    return [
        f"After everything on this card had been measured, the network went on for {schedule.steps:,} steps of {schedule.batch_size} "
        f"images with all {images:,}, those that had been held back included{time_words}. **The weights that are shipped have therefore "
        "seen every image of the data; all figures here, the temperature and the sets are those of the network before these last steps, "
        "which had not.** They say what the same training reaches on images that it has not seen, with fewer images to learn from. The "
        "OOD detector was fitted to the new weights; its threshold allows for images not seen as much as the measured network needed.",
        "",
        f"    {command}",
    ]


def _schedule(recipe: Recipe, path: Path) -> Schedule:
    if recipe.final_fit is None:
        raise BadRecipe(f"{path}: all_images is missing.", "Give the table all_images, with the keys of schedule.")
    return recipe.final_fit


def _trained(network: Classifier, recipe: Recipe, items: Sequence[Item], data: Sequence[Path], work: Path) -> Classifier:
    if recipe.data.layout == "nodules":
        return run(recipe, partial(WindowTrainer, recipe, _every_crop(data, recipe)), None, work, network)
    images = read_images(items, recipe.preprocess, recipe.data.read_size)
    return run(recipe, partial(ImageTrainer, recipe, images, labels_of(items)), None, work, network)


def _every_crop(data: Sequence[Path], recipe: Recipe) -> Crops:
    read_sides(data, recipe)  # refuses what such a training cannot read
    return read_crops(data[0])


def _calibrate_rating(final: Classifier, measured: Classifier, recipe: Recipe, data: Sequence[Path]) -> None:
    """The measured network's rating is calibrated on crops not trained on; the new one's gets what that differs from crops trained on."""
    assert isinstance(final, BertImageForImageClassification)  # the only network with further heads
    seen = rating_temperature(measured, read_sides(data, recipe).train, recipe)
    now = rating_temperature(final, _every_crop(data, recipe), recipe)
    if seen is not None and now is not None:
        divide_rating(final, now / seen)


def _detector(
    final: Classifier, measured: Classifier, known: OodDetector, recipe: Recipe, parts: Parts, others: Sequence[Path]
) -> OodDetector:
    everything = (*parts.train, *parts.calibration, *parts.validation)
    before = by_origin(parts.train, image_features(recipe, measured, parts.train))
    origins = by_origin(everything, image_features(recipe, final, everything))
    detector = fit_ood_detector(origins, origins, outliers=outlier_features(recipe, final, parts.train, others))
    return replace(detector, threshold=detector.threshold * margin(known, before))


def main() -> None:
    """The command of the module's docstring."""
    given = model_arguments("python -m training.stages.final_fit", "Go on with every image after all was measured.").parse_args()
    folders = [word for folder in given.data for word in ("--data", str(folder))]
    command = shlex.join(["python", "-m", "training.stages.final_fit", str(given.model), str(given.recipe), *folders])
    go_on(given.model, given.recipe, given.data, command)


if __name__ == "__main__":
    main()
