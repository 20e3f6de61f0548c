"""Measures what a card must say beside accuracy: whether outliers are refused, and whether explanations beat random maps.

    python -m training.evaluate.faithfulness models/zoo/ID training/recipes/ID.toml --data DIR [DIR ...] --foreign DIR [DIR ...]

writes the sections "Out-of-distribution detector" and "Faithfulness" into the card. Images of --foreign are of other kinds; they are
brought to the model's size and colour mode, so that the OOD detector must go by their content.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import NotFound
from core.explain.registry import explain, methods_for
from core.inference.engine import Engine, engine_for
from core.inference.ood import features, ood_score
from core.metrics import binary_auroc
from core.prepare.inputs import to_input
from core.readers import read_picture
from core.types import Explanation, Picture
from models.registry import CARD, OodDetector
from training.config.arguments import model_arguments
from training.config.recipe import read_recipe
from training.data.augment import standardised
from training.data.folders import read_images, split
from training.data.foreign import measured_pictures
from training.data.items import Item
from training.publish.card import add_section

EXPLAINED_IMAGES = 48
"""Images whose explanations are measured; each takes some hundreds of forward passes a method."""
BATCH = 64
SEED = 5


@dataclass(frozen=True)
class Refusals:
    """How well the distance tells one foreign folder from held-back images. refused: share of the foreign images."""

    name: str
    count: int
    auroc: float
    refused: float


@dataclass(frozen=True)
class Faithfulness:
    """Of one method over images: mean areas, and the share of images where the map is better than random maps as smooth (p of at most
    0.05). gain: mean of insertion minus deletion. supported: share of images where random maps and every opponent are beaten."""

    method: str
    deletion: float
    deletion_random: float
    deletion_better: float
    insertion: float
    insertion_random: float
    insertion_better: float
    gain: float
    supported: float
    completeness_error: float | None


def refusals(engine: Engine, known: OodDetector, inside: Sequence[Item], foreign: Sequence[Path]) -> tuple[float, list[Refusals]]:
    """(share of inside images refused, one a foreign folder)."""
    own = ood_score(_features(engine, inside), known)
    found = []
    for folder in foreign:
        items = measured_pictures(folder)
        strange = ood_score(_features(engine, items), known)
        is_strange = np.r_[np.zeros(len(own), dtype=bool), np.ones(len(strange), dtype=bool)]
        auroc = binary_auroc(is_strange, np.r_[own, strange].astype(np.float32))
        score = float("nan") if auroc is None else auroc
        found.append(Refusals("/".join(folder.parts[-2:]), len(items), score, float((strange > known.threshold).mean())))
    return float((own > known.threshold).mean()), found


def faithfulness(engine: Engine, items: Sequence[Item]) -> list[Faithfulness]:
    """One row a method, over images drawn from `items` by a fixed seed. Targets are the most probable labels."""
    chosen = np.random.default_rng(SEED).permutation(len(items))[:EXPLAINED_IMAGES]
    inputs = [to_input(_picture(items[place]), engine.model.preprocess) for place in chosen]
    return [_summed(method, [explain(engine, given, method) for given in inputs]) for method in methods_for(engine.model)]


def _summed(method: str, found: Sequence[Explanation]) -> Faithfulness:
    errors = [one.completeness_error for one in found if one.completeness_error is not None]
    return Faithfulness(
        method,
        deletion=float(np.mean([one.deletion.value for one in found])),
        deletion_random=float(np.mean([one.deletion.random_mean for one in found])),
        deletion_better=float(np.mean([one.deletion.is_better for one in found])),
        insertion=float(np.mean([one.insertion.value for one in found])),
        insertion_random=float(np.mean([one.insertion.random_mean for one in found])),
        insertion_better=float(np.mean([one.insertion.is_better for one in found])),
        gain=float(np.mean([one.gain.value for one in found])),
        supported=float(np.mean([one.gain.is_supported for one in found])),
        completeness_error=float(np.median(errors)) if errors else None,
    )


def _features(engine: Engine, items: Sequence[Item]) -> NDArray[np.float32]:
    preprocess = engine.model.preprocess
    images = read_images(items, preprocess, preprocess.size)
    batches = (standardised(images[start : start + BATCH].float() / 255.0, preprocess) for start in range(0, len(images), BATCH))
    return np.concatenate([features(batch.numpy(), engine.forward(batch.numpy()).embeddings) for batch in batches])


def _picture(item: Item) -> Picture:
    """The file, or the piece of it that is meant."""
    picture = read_picture(item.path)
    if item.box is None:
        return picture
    left, top, width, height = item.box
    return replace(picture, pixels=picture.pixels[top : top + height, left : left + width])


def refusal_lines(words: str, refused: float, found: Sequence[Refusals], count: int, command: str) -> list[str]:
    """The section of the card. words: of gate_words."""
    return [
        f"{words}, threshold from the calibration part. {100 * refused:.1f} % of the {count:,} validation images are refused.",
        "Foreign images were brought to the model's own size and colour mode first; headers were not looked at.",
        "",
        "| foreign images | n | AUROC inside against foreign | refused |",
        "|---|---|---|---|",
        *(f"| {detector.name} | {detector.count:,} | {detector.auroc:.3f} | {100 * detector.refused:.1f} % |" for detector in found),
        "",
        f"    {command}",
    ]


def detector_words(known: OodDetector, others: Sequence[str]) -> str:
    """What the OOD detector goes by. others: folders of which it learnt from other pictures than those that it is measured on."""
    distance = "Distance of embedding and image statistics from the training's"
    if known.svm is None:
        return distance
    taught = f" (among them other pictures of {', '.join(others)} than those below)" if others else ""
    return f"{distance}, or the score of a support vector machine that learnt from outliers{taught}, whichever is larger"


def faithfulness_lines(rows: Sequence[Faithfulness], command: str) -> list[str]:
    """The section of the card."""
    return [
        f"On {EXPLAINED_IMAGES} validation images, on the token grid: gain (insertion minus deletion) and the share of images where it is "
        "supported: better than random maps as smooth (p of at most 0.05 among them) and than a centred prior, the edges of the image, and "
        "the same method with random weights. Beside it deletion (lower is better) and insertion (higher is better) with the mean of those "
        f"random maps and the share with a p of at most 0.05 (standard error of shares up to {50 / EXPLAINED_IMAGES**0.5:.0f} points).",
        "",
        "| method | gain | supported | deletion | random | better | insertion | random | better | completeness error, median |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(_row(row) for row in rows),
        "",
        f"    {command}",
    ]


def _row(row: Faithfulness) -> str:
    error = "" if row.completeness_error is None else f"{100 * row.completeness_error:.1f} %"
    return (
        f"| {row.method} | {row.gain:.3f} | {100 * row.supported:.0f} % "
        f"| {row.deletion:.3f} | {row.deletion_random:.3f} | {100 * row.deletion_better:.0f} % "
        f"| {row.insertion:.3f} | {row.insertion_random:.3f} | {100 * row.insertion_better:.0f} % | {error} |"
    )


PROGRAM = "python -m training.evaluate.faithfulness"


def main() -> None:
    """The command of the module's docstring."""
    parser = model_arguments(PROGRAM, "Measure the OOD detector and faithfulness of a model.")
    parser.add_argument("--foreign", type=Path, nargs="+", required=True, help="folders of images of other kinds")
    given = parser.parse_args()
    engine = engine_for(str(given.model))
    if engine.model.ood_detector is None:
        raise NotFound(f"{given.model} has no outside model.", "`sightline train` writes whole folders.")
    recipe = read_recipe(given.recipe)
    inside = split(recipe, given.data).validation
    foreign = [str(folder) for folder in given.foreign]
    command = shlex.join([*PROGRAM.split(), str(given.model), str(given.recipe), "--data", *map(str, given.data), "--foreign", *foreign])
    words = detector_words(engine.model.ood_detector, recipe.ood_detector.others)
    refused, found = refusals(engine, engine.model.ood_detector, inside, given.foreign)
    add_section(given.model / CARD, "Out-of-distribution detector", refusal_lines(words, refused, found, len(inside), command))
    add_section(given.model / CARD, "Faithfulness", faithfulness_lines(faithfulness(engine, inside), command))
    print((given.model / CARD).read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
