"""Measures how much of each method's map lies inside what readers drew, beside a prior that looks at the middle, and tells the card.

    python -m training.evaluate.localise_maps models/zoo/chest-xray training/recipes/chest-xray.toml --data ../shared/data/chest-xray-adult
    python -m training.evaluate.localise_maps models/zoo/chest-ct training/recipes/chest-ct.toml --data ../shared/data/chest-ct-nodules

Radiographs: those of an index.csv with boxes that radiologists drew. CT: the validation windows that hold a nodule, and what two readers
drew. Energy inside is the share of the map's weight above its zero that lies there (what speaks against the target left out; Wang et al.
2020, "Score-CAM", section 4.4); the pointing game asks whether the strongest place does (Zhang et al. 2018). Of the centred priors at three
widths the best counts.
"""

from __future__ import annotations

import csv
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from core.explain.evidence import MethodResult, no_progress
from core.explain.measure.opponents import REACHES, centred_priors
from core.explain.registry import COMMON, METHODS, usual_methods
from core.explain.targets import target_of
from core.inference.engine import Engine, engine_for
from core.prepare.inputs import to_input
from core.readers import read_picture
from core.types import FloatImage, Mask, Picture
from models.registry import CARD
from training.config.arguments import model_arguments
from training.config.recipe import Recipe, read_recipe
from training.data.nodules import READERS_OF_A_NODULE, read_sides
from training.data.patients import INDEX
from training.data.windows import WITH, cut_once
from training.evaluate.figures import Figure, Weights, estimated
from training.publish.card import add_section

BOXES = "boxes_224px_[label,x,y,w,h]"
PARENT = "pneumonia"
NODULE = "nodule"
SEED = 5
MOST_WINDOWS = 150
"""Windows of CT that are explained; each takes some dozens of passes a method."""
PRIOR = "centred prior"


@dataclass(frozen=True)
class Marked:
    """An image and what was drawn in it. drawn: bool [rows, columns] of the picture's pixels. group: the patient."""

    picture: Picture
    drawn: Mask
    group: str


def boxed_radiographs(folder: Path) -> list[Marked]:
    """Those of an index.csv that have boxes."""
    found = []
    with (folder / INDEX).open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            picture = read_picture(folder / row["file"]) if json.loads(row[BOXES]) else None
            if picture is not None:
                drawn = np.zeros(picture.pixels.shape[:2], dtype=bool)
                for _, left, top, width, height in json.loads(row[BOXES]):
                    drawn[round(top) : round(top + height), round(left) : round(left + width)] = True
                found.append(Marked(picture, drawn, row["patient"]))
    return found


def marked_windows(folder: Path, recipe: Recipe) -> list[Marked]:
    """Validation windows that hold a nodule, at random places of their crops."""
    crops = read_sides([folder], recipe).validation
    windows = cut_once(crops, recipe.preprocess.size, SEED)
    chosen = np.random.default_rng(SEED).permutation(np.flatnonzero(windows.labels == WITH))[:MOST_WINDOWS]
    found = []
    for place in chosen:
        (left, top, width, height), crop = windows.boxes[place], windows.crops[place]
        drawn = crops.readers[crop, top : top + height, left : left + width] >= READERS_OF_A_NODULE
        found.append(Marked(Picture(crops.paths[crop].name, "", windows.images[place]), drawn, crops.patients[crop]))
    return found


def measured(engine: Engine, images: Sequence[Marked], label: str) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """([images, (energy inside, pointing)] by method, then of the centred prior; [images], the share of the image that is drawn)."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in (*usual_methods(engine.model), *(f"{PRIOR} {r}" for r in REACHES))}
    for each in images:
        given = to_input(each.picture, engine.model.preprocess)
        target, drawn = target_of(engine, given, label), resized(each.drawn, given.values.shape[1:])
        for name in usual_methods(engine.model):
            method = METHODS[name]
            made = method.run(engine, given, target, {**method.defaults, **COMMON}, no_progress)
            found[name].append(inside(weight_of(made), drawn))
        (rows, columns), (height, width) = given.values.shape[1:], engine.model.patch
        for reach, prior in zip(REACHES, centred_priors((rows // height, columns // width)), strict=True):
            found[f"{PRIOR} {reach}"].append(inside(prior.repeat(height, axis=0).repeat(width, axis=1), drawn))
    return {name: np.array(pairs) for name, pairs in found.items()}, np.array([each.drawn.mean() for each in images])


def weight_of(made: MethodResult) -> FloatImage:
    """What of a map lies above its zero, float32 [rows, columns]: attention more than an even share, evidence for the target."""
    return np.asarray(np.maximum(made.pixels - made.zero, 0.0), dtype=np.float32)


def inside(weight: FloatImage, drawn: Mask) -> tuple[float, float]:
    """(share of the weight that lies where something was drawn, share of the strongest pixels that do).

    All pixels of a token share their number, so pointing counts by how many of the strongest lie inside. A flat map is spread evenly.
    """
    if weight.max() <= weight.min():
        return float(drawn.mean()), float(drawn.mean())
    return float(weight[drawn].sum() / weight.sum()), float(drawn[weight == weight.max()].mean())


def resized(drawn: Mask, sides: tuple[int, ...]) -> Mask:
    """The nearest pixel of a mask at each of an input that covers the same ground. sides: (rows, columns)."""
    return np.asarray(Pillow.fromarray(drawn.astype(np.uint8)).resize((sides[1], sides[0]), Pillow.Resampling.NEAREST)) > 0


def best_prior(found: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """The methods, and of the priors the one of the highest energy inside."""
    best = max((name for name in found if name.startswith(PRIOR)), key=lambda name: float(found[name][:, 0].mean()))
    return {**{name: values for name, values in found.items() if not name.startswith(PRIOR)}, PRIOR: found[best]}


def mean_of(weights: Weights, values: NDArray[np.float64]) -> Weights:
    """[draws]: weighted means. weights: [draws, images]."""
    return np.asarray(weights @ values / weights.sum(axis=1))


def lines(found: Mapping[str, NDArray[np.float64]], area: NDArray[np.float64], groups: Sequence[str], what: str, command: str) -> list[str]:
    """The section of the card."""
    rows = []
    for name, values in found.items():
        energy, pointing = (estimated(partial(mean_of, values=values[:, column]), groups) for column in (0, 1))
        rows.append(f"| {name} | {_figure(energy)} | {_figure(pointing)} |")
    return [
        f"{what} Energy inside is the share of a map's weight (above its zero, for the target) inside what was drawn; pointing, whether "
        f"its strongest place lies there. A map that knows nothing would have {area.mean():.3f} in both, the share of the image that was "
        "drawn. 95 % intervals by bootstrap over patients (1,000 draws).",
        "",
        "| map | energy inside | pointing |",
        "|---|---|---|",
        *rows,
        "",
        f"    {command}",
    ]


def _figure(figure: Figure) -> str:
    return f"{figure.value:.3f} ({figure.low or 0.0:.3f} to {figure.high or 0.0:.3f})"


def main() -> None:
    """The command of the module's docstring."""
    given = model_arguments("python -m training.evaluate.localise_maps", "Measure maps against what readers drew.").parse_args()
    engine, recipe = engine_for(str(given.model)), read_recipe(given.recipe)
    is_ct = recipe.data.layout == "nodules"
    images = marked_windows(given.data[0], recipe) if is_ct else boxed_radiographs(given.data[0])
    found, area = measured(engine, images, NODULE if is_ct else PARENT)
    command = shlex.join(
        ["python", "-m", "training.evaluate.localise_maps", str(given.model), str(given.recipe), "--data", *map(str, given.data)]
    )
    what = (
        f"On {len(images)} validation windows that hold a nodule, at random places: what at least {READERS_OF_A_NODULE} readers drew."
        if is_ct
        else f"On {len(images)} radiographs of adults in which radiologists drew boxes around pneumonia. The boxes were in no training; "
        "the images themselves were in that of these weights."
    )
    told = lines(best_prior(found), area, [each.group for each in images], what, command)
    add_section(given.model / CARD, "Localisation of maps", told)
    print("\n".join(told))


if __name__ == "__main__":
    main()
