"""The OOD detector of a classifier: fitted to what it was trained on, to what was held back, and to outliers.

    python -m training.calibrate.ood_detector models/zoo/ID training/recipes/ID.toml --data DIR [DIR ...]

fits the OOD detector of a folder again, without training, and writes its outside.safetensors;
`python -m training.evaluate.faithfulness` then measures it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from core.inference.ood import Features
from models.classifiers import Classifier
from models.registry import OodDetector
from training.calibrate.fit import fit_ood_detector
from training.config.arguments import model_arguments
from training.config.recipe import Recipe, read_recipe
from training.data.cues import with_cues
from training.data.folders import read_images, split
from training.data.foreign import beside, taught_pictures
from training.data.items import Item, Parts, labels_of
from training.data.outliers import made_outliers
from training.loop.forward import forward_all
from training.publish.zoo import loaded_back, write_ood_detector


def fit_classifier_detector(recipe: Recipe, network: Classifier, parts: Parts, others: Sequence[Path]) -> OodDetector:
    """The OOD detector of a network that has not seen the calibration part, which gives the threshold.

    others: folders of other pictures that the OOD detector learns from.
    """
    train, calibration = (_part_features(recipe, network, part) for part in (parts.train, parts.calibration))
    origins = (by_origin(parts.train, train), by_origin(parts.calibration, calibration))
    return fit_ood_detector(*origins, outliers=outlier_features(recipe, network, parts.train, others))


def _part_features(recipe: Recipe, network: Classifier, items: Sequence[Item]) -> Features:
    """float32 [images, D] of a part as the training shows it: where the recipe plants a cue some have it, whatever their label."""
    if recipe.cue is None:
        return image_features(recipe, network, items)
    images = read_images(items, recipe.preprocess, recipe.preprocess.size)
    by_chance = replace(recipe.cue, decides=False)
    marked = with_cues(images, torch.from_numpy(labels_of(items)), by_chance, recipe.labels, recipe.data.seed)
    return forward_all(network, marked, recipe.preprocess).features


def image_features(recipe: Recipe, network: Classifier, items: Sequence[Item]) -> Features:
    """float32 [images, D] of images as they lie."""
    images = read_images(items, recipe.preprocess, recipe.preprocess.size)
    return forward_all(network, images, recipe.preprocess).features


def outlier_features(recipe: Recipe, network: Classifier, items: Sequence[Item], others: Sequence[Path]) -> list[Features]:
    """Of images that the model was not made for, one array a kind: made from some of `items`, and pictures of other folders."""
    detector = recipe.ood_detector
    chosen = np.random.default_rng(recipe.data.seed).permutation(len(items))[: detector.count]
    images = read_images([items[int(place)] for place in chosen], recipe.preprocess, recipe.preprocess.size)
    made = made_outliers(images, detector.outliers, detector.count, recipe.data.seed).values()
    taught = [taught_pictures(folder, detector.count) for folder in others]
    found = [forward_all(network, one, recipe.preprocess).features for one in made]
    return found + [image_features(recipe, network, one) for one in taught if one]


def by_origin(items: Sequence[Item], features: Features) -> list[Features]:
    """Features [images, D] of the items, one array an origin."""
    origins = np.array([item.origin for item in items])
    return [features[origins == origin] for origin in dict.fromkeys(origins.tolist())]


def main() -> None:
    """The command of the module's docstring."""
    given = model_arguments("python -m training.calibrate.ood_detector", "Fit the OOD detector of a model folder again.").parse_args()
    recipe = read_recipe(given.recipe)
    detector = fit_classifier_detector(
        recipe, loaded_back(given.model), split(recipe, given.data), beside(given.data, recipe.ood_detector.others)
    )
    write_ood_detector(given.model, detector)


if __name__ == "__main__":
    main()
