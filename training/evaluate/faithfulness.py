"""Measures what a card must say beside accuracy: what maps of each method are worth, and whether outliers are refused.

    python -m training.evaluate.faithfulness models/zoo/ID training/recipes/ID.toml --data DIR [DIR ...] [--foreign DIR [DIR ...]]

writes the section "Faithfulness" into the card, and what it found into measured.json, by which pages choose the method that they show
first. With --foreign also the section "Out-of-distribution detector": images of other kinds, brought to the model's size and colour mode,
so that the OOD detector must go by their content. Runs in the background: `OMP_NUM_THREADS=1 nice -n 10`, some seconds an image.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import NotFound
from core.explain.registry import explain, usual_methods
from core.inference.engine import Engine, engine_for
from core.inference.ood import features, ood_score
from core.metrics import binary_auroc
from core.prepare.inputs import to_input
from core.readers import read_picture
from core.types import Explanation, ModelInput, Picture
from models.measured import MethodRecord, read_measured, write_measured
from models.registry import CARD, OodDetector
from training.config.arguments import model_arguments
from training.config.recipe import read_recipe
from training.data.augment import standardised
from training.data.folders import read_images, split
from training.data.foreign import measured_pictures
from training.data.items import Item
from training.publish.card import add_section

EXPLAINED_IMAGES = 48
"""Images whose explanations are measured; each takes some thousands of forward passes."""
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
    """Of one method over images of one answer, never pooled over answers.

    record: what measured.json keeps. rank: median p among random maps as smooth. deletion, insertion: mean areas on the token grid.
    completeness_error: median, None where it does not apply.
    """

    record: MethodRecord
    rank: float
    deletion: float
    insertion: float
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


def faithfulness(engine: Engine, items: Sequence[Item], images: int = EXPLAINED_IMAGES) -> list[Faithfulness]:
    """A row for each answer and method, over images drawn from `items` by a fixed seed. Targets are the answers.

    images: in all, the same number for each answer where there are so many.
    """
    found: dict[tuple[str, str], list[Explanation]] = {}
    for label, inputs in answered(engine, items, images).items():
        for given in inputs:  # methods inside: those of one input share its random maps
            for method in usual_methods(engine.model):
                found.setdefault((label, method), []).append(explain(engine, given, method, label))
    return [_summed(label, method, each) for (label, method), each in found.items()]


def answered(engine: Engine, items: Sequence[Item], images: int) -> dict[str, list[ModelInput]]:
    """Inputs by the model's answer, as many of each as `images` divided by its labels; fewer of an answer that is rare."""
    labels = engine.model.labels
    wanted, found = max(1, images // len(labels)), {label: list[ModelInput]() for label in labels}
    for place in np.random.default_rng(SEED).permutation(len(items)):
        given = to_input(_picture(items[place]), engine.model.preprocess)
        of_answer = found[labels[int(engine.forward(given.values[None]).logits[0].argmax())]]
        if len(of_answer) < wanted:
            of_answer.append(given)
        if all(len(each) == wanted for each in found.values()):
            break
    return found


def _summed(label: str, method: str, found: Sequence[Explanation]) -> Faithfulness:
    errors = [one.completeness_error for one in found if one.completeness_error is not None]
    supported, gain = (float(np.mean(each)) for each in zip(*((one.gain.is_supported, one.gain.value) for one in found), strict=True))
    return Faithfulness(
        MethodRecord(method, label, len(found), supported, gain),
        rank=float(np.median([one.gain.p for one in found])),
        deletion=float(np.mean([one.deletion.value for one in found])),
        insertion=float(np.mean([one.insertion.value for one in found])),
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
    """The section of the card. words: of detector_words."""
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
    fewest = min(row.record.count for row in rows)
    return [
        "On validation images by the model's answer, for which each map was made, on the token grid: the share of maps that are supported "
        "(better than random maps as smooth, p of at most 0.05 among 100, and than a centred prior, the edges of the image, and the same "
        "method with random weights), the gain (insertion minus deletion, mean), the median p, deletion (lower is better) and insertion "
        f"(higher is better). A supported map shows what this network uses. Standard error of shares up to {50 / fewest**0.5:.0f} points.",
        "",
        "| answer | images | method | supported | gain | p | deletion | insertion | completeness error, median |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_row(row) for row in sorted(rows, key=lambda row: (row.record.label, -row.record.supported, -row.record.gain))),
        "",
        "The first method of each answer is the one that pages and reports show first.",
        "",
        f"    {command}",
    ]


def _row(row: Faithfulness) -> str:
    error = "" if row.completeness_error is None else f"{100 * row.completeness_error:.1f} %"
    one = row.record
    return (
        f"| {one.label} | {one.count} | {one.method} | {100 * one.supported:.0f} % | {one.gain:.3f} | {row.rank:.2f} "
        f"| {row.deletion:.3f} | {row.insertion:.3f} | {error} |"
    )


def keep_records(folder: Path, rows: Sequence[Faithfulness]) -> None:
    """Into the first measurement of measured.json; nothing where the folder has none."""
    measured = read_measured(folder)
    if measured:
        write_measured(folder, [replace(measured[0], methods=tuple(row.record for row in rows)), *measured[1:]])


PROGRAM = "python -m training.evaluate.faithfulness"


def main() -> None:
    """The command of the module's docstring."""
    parser = model_arguments(PROGRAM, "Measure the maps and the OOD detector of a model.")
    parser.add_argument("--foreign", type=Path, nargs="+", default=[], help="folders of images of other kinds, for the OOD detector")
    parser.add_argument("--images", type=int, default=EXPLAINED_IMAGES, help="images whose maps are measured, in all")
    given = parser.parse_args()
    engine, recipe = engine_for(str(given.model)), read_recipe(given.recipe)
    inside = split(recipe, given.data).validation
    command = [*PROGRAM.split(), str(given.model), str(given.recipe), "--data", *map(str, given.data)]
    if given.foreign:
        if engine.model.ood_detector is None:
            raise NotFound(f"{given.model} has no outside model.", "`sightline train` writes whole folders.")
        words = detector_words(engine.model.ood_detector, recipe.ood_detector.others)
        refused, found = refusals(engine, engine.model.ood_detector, inside, given.foreign)
        told = refusal_lines(words, refused, found, len(inside), shlex.join([*command, "--foreign", *map(str, given.foreign)]))
        add_section(given.model / CARD, "Out-of-distribution detector", told)
    rows = faithfulness(engine, inside, given.images)
    keep_records(given.model, rows)
    add_section(given.model / CARD, "Faithfulness", faithfulness_lines(rows, shlex.join([*command, "--images", str(given.images)])))
    print((given.model / CARD).read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
