"""The quantised form of a model folder, for eight-bit integers of a CPU: made on the training part, kept where validation holds.

    python -m training.stages.quantise models/zoo/ID training/recipes/ID.toml --data DIR [--data DIR ...] [--foreign DIR ...]

needs nncf (requirements-training.txt). It tries every layer, then those on the token grid alone, with and without SmoothQuant, compares
what each says of the validation part with what the network says in fp32, writes quantised.safetensors where one may be kept (every layer
rather than some, then the one with the fewest other answers; else an earlier file is taken away), and the section "Quantised form" of the
card. Run it again whenever the weights have changed.
"""

from __future__ import annotations

import shlex
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.inference.engine import Engine
from core.inference.runtimes import Runtime
from core.inference.runtimes.base import QUANTISED_PRECISION
from core.types import FloatImage
from models.change_registry import is_change_model, load_change_model
from models.folder import QUANTISED
from models.quantised import write_quantised
from models.registry import CARD, load_model
from training.calibrate.quantised import MANNERS, Loaded, Manner, quantised_form
from training.config.arguments import model_arguments
from training.config.change_recipe import ChangeRecipe, is_change_recipe, read_change_recipe
from training.config.recipe import Recipe, read_recipe
from training.data.augment import standardised
from training.data.city_pixels import CityPixels, CropMaker, divided, read_cities
from training.data.folders import read_images, split
from training.data.items import Item
from training.evaluate.quantised import FURTHEST, MOST_FLIPPED, Judged, abstention_changed, faults, flipped, judged_cities, judged_images
from training.publish.card import add_section

PROGRAM = "python -m training.stages.quantise"
TITLE = "Quantised form"
IMAGES, SEED = 160, 7
"""Images, or pairs of crops, that ranges are found on, and the draw of them."""
A_PASS = 4
"""Images of a pass in which nncf looks at them."""
Judge = Callable[[Engine[Any]], Judged]


@dataclass(frozen=True)
class Tried:
    """A form and what came of it. kept: whether it is the one that is written. why_not: what is worse than it may be."""

    manner: Manner
    judged: Judged
    why_not: tuple[str, ...]
    kept: bool = False


def quantise(folder: Path, recipe_path: Path, data: Sequence[Path], foreign: Sequence[Path], command: str) -> list[Tried]:
    """Write the form of a model folder, and the section of its card. Raises NotFound and BadRecipe, BrokenModel."""
    if is_change_recipe(recipe_path):
        change_recipe = read_change_recipe(recipe_path)
        cities = tuple(city for each in data for city in read_cities(each, change_recipe.preprocess))
        train, held = divided(cities, change_recipe.cities.validation)
        return _written(folder, _crops(train, change_recipe), lambda engine: judged_cities(engine, change_recipe, held), command)
    recipe = read_recipe(recipe_path)
    parts = split(recipe, data)
    return _written(folder, _images(parts.train, recipe), lambda engine: judged_images(engine, recipe, parts.validation, foreign), command)


def _written(folder: Path, passes: Sequence[FloatImage], judge: Judge, command: str) -> list[Tried]:
    model = _loaded(folder)
    (folder / QUANTISED).unlink(missing_ok=True)
    plain = _judged(model, "fp32", judge)
    with tempfile.TemporaryDirectory() as place:
        tried: list[Tried] = []
        for number, manner in enumerate(MANNERS):
            if any(not one.why_not and one.manner.is_whole != manner.is_whole for one in tried):
                break  # every layer can be: there is no need to try fewer
            trial = shutil.copytree(folder, Path(place) / str(number) / folder.name)
            write_quantised(trial, model.weights_hash, quantised_form(model, passes, manner))
            judged = _judged(_loaded(trial), QUANTISED_PRECISION, judge)
            tried.append(Tried(manner, judged, faults(plain, judged)))
            print(_row(tried[-1], plain), flush=True)
        best = _best(tried, plain)
        if best is not None:
            shutil.copy(Path(place) / str(best) / folder.name / QUANTISED, folder / QUANTISED)
            tried[best] = Tried(tried[best].manner, tried[best].judged, (), kept=True)
    add_section(folder / CARD, TITLE, card_lines(tried, plain, command))
    return tried


def card_lines(tried: Sequence[Tried], plain: Judged, command: str) -> list[str]:
    """The section of the card."""
    names = list(plain.figures)
    bounds = ", ".join(f"{name} by {FURTHEST[name]:g}" for name in names)
    kept = next((one.manner.name for one in tried if one.kept), None)
    what = f"In eight-bit integers (`SIGHTLINE_PRECISION=int8`) the network runs with ranges found on {IMAGES} inputs of the training part"
    lines = [
        f"{what} ({kept})." if kept else "None was kept: in eight-bit integers it says too often something else.",
        "Measured on the validation part with the weights that are shipped, which may have seen it in the end: the differences from the "
        f"same network in fp32 count. A form is kept where no figure is worse by more than it may be ({bounds}) and at most "
        f"{100 * MOST_FLIPPED:.0f} % of what both answer is answered otherwise.",
        "",
        f"| quantised | {' | '.join(names)} | other answers | abstains otherwise | |",
        "|---" * (len(names) + 4) + "|",
        f"| fp32 | {' | '.join(f'{plain.figures[name]:.4f}' for name in names)} | | | |",
        *(_row(one, plain) for one in tried),
    ]
    return [*lines, "", f"    {command}"]


def _row(one: Tried, plain: Judged) -> str:
    figures = " | ".join(f"{one.judged.figures[name] - value:+.4f}" for name, value in plain.figures.items())
    verdict = "kept" if one.kept else f"not: {', '.join(one.why_not)}" if one.why_not else "would hold"
    shares = f"{100 * flipped(plain, one.judged):.2f} % | {100 * abstention_changed(plain, one.judged):.2f} %"
    return f"| {one.manner.name} | {figures} | {shares} | {verdict} |"


def _best(tried: Sequence[Tried], plain: Judged) -> int | None:
    held = [place for place, one in enumerate(tried) if not one.why_not]
    return min(held, key=lambda place: (not tried[place].manner.is_whole, flipped(plain, tried[place].judged)), default=None)


def _judged(model: Loaded, precision: str, judge: Judge) -> Judged:
    engine: Engine[Any] = Engine(model, Runtime(precision=precision, library="openvino"))
    try:
        return judge(engine)
    finally:
        engine.close()


def _loaded(folder: Path) -> Loaded:
    return load_change_model(str(folder)) if is_change_model(str(folder)) else load_model(str(folder))


def _images(items: Sequence[Item], recipe: Recipe) -> list[FloatImage]:
    chosen = np.random.default_rng(SEED).permutation(len(items))[:IMAGES]
    images = read_images([items[int(place)] for place in chosen], recipe.preprocess, recipe.preprocess.size)
    return _passes(standardised(images.float() / 255.0, recipe.preprocess).numpy())


def _crops(cities: Sequence[CityPixels], recipe: ChangeRecipe) -> list[FloatImage]:
    """Both dates of crops, one behind the other, as the network is asked."""
    crops = CropMaker(cities, recipe.preprocess.size, recipe.augmentation, SEED).make(range(IMAGES))
    return _passes(np.concatenate([crops.before.numpy(), crops.after.numpy()], axis=1))


def _passes(values: FloatImage) -> list[FloatImage]:
    """All of one shape; what does not fill the last is left out, unless it is all there is."""
    size = min(A_PASS, len(values))
    return [np.ascontiguousarray(values[start : start + size]) for start in range(0, len(values) - size + 1, size)]


def main() -> None:
    """The command of the module's docstring."""
    parser = model_arguments(PROGRAM, "Make the quantised form of a model folder.")
    parser.add_argument("--foreign", type=Path, nargs="+", default=[], help="folders of images of other kinds, for the OOD detector")
    given = parser.parse_args()
    foreign = ["--foreign", *map(str, given.foreign)] if given.foreign else []
    command = shlex.join([*PROGRAM.split(), str(given.model), str(given.recipe), "--data", *map(str, given.data), *foreign])
    quantise(given.model, given.recipe, given.data, given.foreign, command)
    print((given.model / CARD).read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
