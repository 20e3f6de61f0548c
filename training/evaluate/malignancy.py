"""The further question of a CT model: how malignant the readers of a nodule thought it, measured beside what its area alone says.

The ratings are impressions of radiologists, not pathology. A rating in the middle of the scale is left out, and so are nodules that fewer
than three readers drew.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from core.inference.calibration import fit_temperature, probabilities
from models.bert_image import BertImageForImageClassification
from models.classifiers import Classifier
from training.config.recipe import Recipe
from training.data.nodules import READERS_OF_A_RATING, Crops, Sides, area_of, rated
from training.data.windows import WITH, cut_once
from training.evaluate.figures import Figure, auroc, estimated
from training.loop.forward import answer_all

MALIGNANCY = "malignancy"
AREA_AS_KNOWN = 0.90
"""AUROC of the area alone over the whole data set, as its description gives it."""


def calibrate_rating(network: BertImageForImageClassification, crops: Crops, recipe: Recipe) -> None:
    """Divide the weights of the head by the temperature of least loss on these crops, so that its softmax is calibrated as it stands."""
    temperature = rating_temperature(network, crops, recipe)
    if temperature is not None:
        divide_rating(network, temperature)


def rating_temperature(network: Classifier, crops: Crops, recipe: Recipe) -> float | None:
    """The temperature of least loss of the head on one window of each rated crop; None where they do not hold both ratings."""
    logits, ratings, _ = _rated_windows(network, crops, recipe)
    return fit_temperature(logits, ratings) if len(set(ratings.tolist())) == 2 else None


def divide_rating(network: BertImageForImageClassification, temperature: float) -> None:
    """Divide the weights of the head, and with them its logits, by a temperature."""
    with torch.no_grad():
        for weights in network.heads[MALIGNANCY].parameters():
            weights.div_(temperature)


def malignancy_lines(network: Classifier, sides: Sides, recipe: Recipe) -> list[str]:
    """The section of the card: AUROC of the head and of the area alone on the same windows of the validation part."""
    logits, ratings, crops = _rated_windows(network, sides.validation, recipe)
    benign, malignant = int((ratings == 0).sum()), int((ratings == 1).sum())
    first = (
        f"{len(ratings)} windows of validation nodules that at least {READERS_OF_A_RATING} readers drew "
        f"({benign} rated below the middle of the scale, {malignant} above it)."
    )
    if not benign or not malignant:
        return [first, "", "Too few to measure anything."]
    groups = [sides.validation.patients[crop] for crop in crops]
    probs, area = probabilities(logits, None)[:, 1], area_of(sides.validation)[crops]
    by_head = estimated(lambda weights: auroc(weights, ratings == 1, probs), groups)
    by_area = estimated(lambda weights: auroc(weights, ratings == 1, area), groups)
    return [
        f"The head `{MALIGNANCY}` gives the impression of the readers, which is no pathology. {first} "
        f"Over all nodules of the data the area alone reaches {AREA_AS_KNOWN:.2f}.",
        "",
        "| figure | value | 95 % interval |",
        "|---|---|---|",
        f"| AUROC of the head | {_row(by_head)} |",
        f"| AUROC of the area that any reader drew, on the same windows | {_row(by_area)} |",
    ]


def _row(figure: Figure) -> str:
    return f"{figure.value:.3f} | " + ("" if figure.low is None or figure.high is None else f"{figure.low:.3f} to {figure.high:.3f}")


def _rated_windows(network: Classifier, crops: Crops, recipe: Recipe) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """(logits of the head, ratings, crops) of one window of each rated nodule."""
    windows = cut_once(crops, recipe.preprocess.size, recipe.data.seed)
    chosen = (windows.labels == WITH) & rated(crops)[windows.crops]
    images = torch.from_numpy(windows.images[chosen][:, np.newaxis])
    places = windows.crops[chosen]
    if not len(places):
        return np.empty((0, 2), dtype=np.float32), np.empty(0, dtype=np.int64), places
    return answer_all(network, images, recipe.preprocess).heads[MALIGNANCY], crops.malignancy[places], places
