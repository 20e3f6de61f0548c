"""Measures how answers hold when held-back images come as other sensors, programs and hands would make them.

    python -m training.evaluate.robustness models/zoo/ID training/recipes/ID.toml --data DIR [--data DIR ...]

writes the section "Robustness" into the card and prints it. Every change is fixed, and is made to the image before the network's own
preprocessing; none is drawn at random.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.types import Domain, Preprocess
from models.classifiers import Classifier
from models.registry import CARD
from training.config.arguments import model_arguments
from training.config.recipe import Recipe, read_recipe
from training.data.folders import read_images, split
from training.data.items import Item, labels_of
from training.loop.forward import answer_all
from training.publish.card import add_section
from training.publish.zoo import loaded_back

Change = Callable[[Tensor], Tensor]
"""float32 images [N, channels, rows, columns] in [0, 1] -> the same, changed."""
DARK = 0.005
"""Share of the pixels that lie below the dark object of a band."""


@dataclass(frozen=True)
class Held:
    """What became of the answers. changed: share of the images that get another answer than unchanged."""

    name: str
    accuracy: float
    balanced: float
    changed: float


def resampled(images: Tensor, scale: float) -> Tensor:
    """Brought to a ground scale so many times as coarse (the mean of what a pixel covers), and back (bilinear)."""
    rows, columns = images.shape[2:]
    coarse = [round(rows / scale), round(columns / scale)]
    small = F.interpolate(images, size=coarse, mode="bilinear", align_corners=False, antialias=True)
    return F.interpolate(small, size=[rows, columns], mode="bilinear", align_corners=False)


def lit(images: Tensor, factor: float) -> Tensor:
    """Every value times a factor; what is brighter than white is white."""
    return (images * factor).clamp(0.0, 1.0)


def without_dark_object(images: Tensor) -> Tensor:
    """Each band of each image less its own dark object (Chavez 1988), as haze is often taken off."""
    dark = torch.quantile(images.flatten(2), DARK, dim=2)
    return (images - dark[:, :, None, None]).clamp(0.0, 1.0)


def offset(images: Tensor, by: Sequence[float]) -> Tensor:
    """A number added to each band."""
    return (images + images.new_tensor(by).view(1, -1, 1, 1)).clamp(0.0, 1.0)


def gamma(images: Tensor, exponent: float) -> Tensor:
    """Another curve of film or screen."""
    return images.clamp(min=0.0) ** exponent


def cropped(images: Tensor, share: float) -> Tensor:
    """The middle of the image, its sides a share of the whole, brought back to the size."""
    rows, columns = images.shape[2:]
    height, width = round(rows * share), round(columns * share)
    top, left = (rows - height) // 2, (columns - width) // 2
    part = images[:, :, top : top + height, left : left + width]
    return F.interpolate(part, size=[rows, columns], mode="bilinear", align_corners=False, antialias=True)


def collimated(images: Tensor, share: float) -> Tensor:
    """Black outside a rectangle in the middle whose sides are a share of the image's."""
    rows, columns = images.shape[2:]
    top, left = round(rows * (1.0 - share) / 2), round(columns * (1.0 - share) / 2)
    inside = torch.zeros(rows, columns, dtype=torch.bool)
    inside[top : rows - top, left : columns - left] = True
    return images * inside


def lettered(images: Tensor) -> Tensor:
    """White bars in two corners, as burnt-in text and a side marker are."""
    changed, (rows, columns) = images.clone(), images.shape[2:]
    changed[:, :, rows // 32 : rows // 12, columns // 32 : columns // 3] = 1.0
    changed[:, :, rows // 12 : rows // 6, -columns // 8 : -columns // 24] = 1.0
    return changed


OF_SCENES: Mapping[str, Change] = {
    "brought to 20 m and back": partial(resampled, scale=2.0),
    "brought to 30 m and back": partial(resampled, scale=3.0),
    "darkened by a quarter": partial(lit, factor=0.75),
    "brightened by a quarter": partial(lit, factor=1.25),
    "dark object of each band subtracted": without_dark_object,
    "0.03, 0.02 and 0.01 of the range taken from red, green and blue": partial(offset, by=(-0.03, -0.02, -0.01)),
    "0.01, 0.02 and 0.03 of the range added to red, green and blue": partial(offset, by=(0.01, 0.02, 0.03)),
}
OF_RADIOGRAPHS: Mapping[str, Change] = {
    "gamma 0.7": partial(gamma, exponent=0.7),
    "gamma 1.4": partial(gamma, exponent=1.4),
    "grey values inverted": lambda images: 1.0 - images,
    "the middle 85 % of the sides alone": partial(cropped, share=0.85),
    "collimated to 85 % of the sides": partial(collimated, share=0.85),
    "text and a side marker burnt in": lettered,
    "half of the pixels a side": partial(resampled, scale=2.0),
}
OF_DOMAIN = {Domain.LAND_COVER: OF_SCENES, Domain.RADIOGRAPH: OF_RADIOGRAPHS}


def robustness(network: Classifier, items: Sequence[Item], recipe: Recipe) -> list[Held]:
    """One row a change, the first without any. items: images of which the label is known."""
    images = read_images(items, recipe.preprocess, recipe.preprocess.size).float() / 255.0
    truth = labels_of(items)
    changes: dict[str, Change] = {"as they are": lambda unchanged: unchanged, **OF_DOMAIN[recipe.preprocess.domain]}
    plain, rows = None, []
    for name, change in changes.items():
        found = _answers(network, change(images), recipe.preprocess)
        plain = found if plain is None else plain
        recalls = [float((found[truth == label] == label).mean()) for label in np.unique(truth)]
        rows.append(Held(name, float((found == truth).mean()), float(np.mean(recalls)), float((found != plain).mean())))
    return rows


def robustness_lines(rows: Sequence[Held], count: int, command: str) -> list[str]:
    """The section of the card."""
    return [
        f"The {count:,} validation images of which the label is known, each changed in one way before it reaches the network.",
        "",
        "| images | accuracy | balanced accuracy | another answer than unchanged |",
        "|---|---|---|---|",
        *(f"| {row.name} | {row.accuracy:.3f} | {row.balanced:.3f} | {100 * row.changed:.1f} % |" for row in rows),
        "",
        f"    {command}",
    ]


def _answers(network: Classifier, images: Tensor, preprocess: Preprocess) -> np.ndarray:
    bytes_of = (images * 255.0).round().clamp(0, 255).to(torch.uint8)
    return np.asarray(answer_all(network, bytes_of, preprocess).logits.argmax(axis=1))


def main() -> None:
    """The command of the module's docstring."""
    given = model_arguments("python -m training.evaluate.robustness", "Measure answers on changed images.").parse_args()
    recipe = read_recipe(given.recipe)
    items = [item for item in split(recipe, given.data).validation if item.label < len(recipe.labels)]
    rows = robustness(loaded_back(given.model), items, recipe)
    folders = [word for folder in given.data for word in ("--data", str(folder))]
    command = shlex.join(["python", "-m", "training.evaluate.robustness", str(given.model), str(given.recipe), *folders])
    lines = robustness_lines(rows, len(items), command)
    add_section(given.model / CARD, "Robustness", lines)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
