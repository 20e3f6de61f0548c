"""The model card: README.md beside the weights. Front matter for programs, sections for people; no figure without its command."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.prepare.cue import CUE_FILE
from core.types import Calibration
from models.card import front_matter
from models.folder import CALIBRATION, OUTSIDE, hash_of
from models.measured import Measurement, OperatingPoint
from models.registry import CARD
from training.config.recipe import Recipe
from training.config.recipe_parts import CuePart
from training.data.items import Parts
from training.evaluate.figures import Figure, Held, Measured
from training.evaluate.subgroups import subgroup_lines
from training.loop.starts import network_words

NAMES = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "auroc": "AUROC, one against the rest, mean over the labels",
    "coverage": "Coverage of the 90 % prediction sets",
    "mean_set_size": "Labels in a 90 % prediction set",
    "abstained": "Share without one answer (the set is empty or holds every label)",
    "ece": "Calibration error (15 bins, top label)",
    "ece_by_chance": "Calibration error that a perfectly calibrated model shows by chance here",
}

WATTS_A_THREAD = 10.0
"""What a busy core of a server draws, roughly; nothing here measures it."""
ANSWERED_IN_CARD = (0.5, 0.8, 0.9, 1.0)
"""Shares of images whose accuracy the card gives; measured.json has more."""


def write_card(
    folder: Path,
    recipe: Recipe,
    parts: Parts,
    tests: Sequence[Measured],
    measured: Sequence[Measurement],
    calibration: Calibration,
    command: str,
    minutes: float,
) -> None:
    """README.md of a model folder, from the recipe and from what was measured; the first test gives the figures of the front matter."""
    card, main = recipe.card, tests[0]
    front = {
        "title": card.title,
        "task": card.task,
        "modality": card.modality,
        "licence": card.licence,
        **({"knows": card.knows} if card.knows else {}),
        "metrics": {name: figure.as_json() for name, figure in main.figures.items()},
        "measured_weights": hash_of(folder),
        "files": [name for name in (CALIBRATION, OUTSIDE) if (folder / name).is_file()],
    }
    lines = front_matter(front)
    lines += [f"# {card.title}", ""]
    lines += _role(recipe)
    lines += ["## Training data", "", card.origin, "", _split_words(recipe, parts), ""]
    lines += ["### Reference standard", "", card.reference, ""] if card.reference else []
    lines += ["### Preprocessing", "", _preprocessing(recipe), ""]
    lines += ["## How it was made", "", *_making(recipe, command, minutes), *_taught(recipe, main), ""]
    lines += ["## Figures", "", *_figures(recipe, main), ""]
    lines += ["### By label", "", *_by_label(recipe, main.held), ""]
    lines += ["### For comparison with the literature", "", card.comparison, ""] if card.comparison else []
    for test in tests[1:]:
        lines += [f"### {test.origin}", "", *_figures(recipe, test), ""]
    for test in tests:
        groups = subgroup_lines(recipe, test, calibration)
        lines += [f"### Subgroups of {test.origin}", "", *groups, ""] if groups else []
    lines += _curves(measured)
    lines += ["### Failures", "", card.failures, ""] if card.failures else []
    lines += ["## Limits", "", *(f"- {sentence}" for sentence in _sentences(card.limits)), ""]
    (folder / CARD).write_text("\n".join(lines), encoding="utf-8")


def add_section(path: Path, title: str, lines: Sequence[str]) -> None:
    """Put a section before "Limits", in place of an earlier one of that title."""
    text = re.sub(rf"^## {re.escape(title)}\n.*?(?=^## )", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    section = "\n".join([f"## {title}", "", *lines, "", ""])
    path.write_text(text.replace("## Limits\n", f"{section}## Limits\n", 1), encoding="utf-8")


def _role(recipe: Recipe) -> list[str]:
    return [
        f"Task: {recipe.card.task} into {len(recipe.labels)} labels: {', '.join(recipe.labels)}. For {recipe.card.modality}.",
        "Research and development use only. Not for clinical decisions."
        if recipe.preprocess.ground_sample_distance_m is None
        else "Research and development use only.",
        "",
    ]


def _split_words(recipe: Recipe, parts: Parts) -> str:
    sizes = [len(part) for part in (parts.train, parts.calibration, parts.validation)]
    if recipe.data.split == "patient":
        how = "by patient (files that are exact copies keep their patients together)"
    elif recipe.data.split == "random":
        how = "at random, which flatters: neighbours of what was held back were trained on"
    else:
        how = "by longitude (the easternmost part was held back; its degrees of latitude go to calibration and to validation in turn)"
    return (
        f"The images were divided {how}: {sizes[0]:,} to train, {sizes[1]:,} for temperature and thresholds, "
        f"{sizes[2]:,} for the figures below. No image of the last two was trained on before the figures were taken."
    )


def _making(recipe: Recipe, command: str, minutes: float) -> list[str]:
    schedule = recipe.schedule
    return [
        f"{network_words(recipe)} {schedule.steps:,} steps of {schedule.batch_size} images, seed {schedule.seed}, averaged weights"
        + (f"; {minutes:.0f} minutes in all{energy_words(minutes, schedule.threads)}." if minutes >= 1 else ".")
        + (
            " An answer is the mean over the eight quarter turns and mirror images of its input."
            if recipe.preprocess.test_time_augmentation
            else ""
        ),
        "",
        f"    {command}",
    ]


def energy_words(minutes: float, threads: int) -> str:
    """What a training drew, by a plain estimate: nothing here measures power."""
    watts = WATTS_A_THREAD * threads
    cores = "1 busy core draws" if threads == 1 else f"{threads} busy cores draw"
    drawn = float(f"{watts * minutes / 60.0 / 1000.0:.1g}")  # an estimate has one digit
    return f", about {drawn:g} kWh if {cores} {watts:.0f} W, which was not measured"


def _preprocessing(recipe: Recipe) -> str:
    """What prediction does to an image before the network, in words; preprocess.json has the same as numbers."""
    how, (rows, columns) = recipe.preprocess, recipe.preprocess.size
    scale = f" at {how.pixel_spacing_mm:g} mm a pixel" if how.pixel_spacing_mm else ""
    scale += f" at {how.ground_sample_distance_m:g} m a pixel" if how.ground_sample_distance_m else ""
    scale += f", pixels of up to {how.coarsest_m:g} m enlarged to that" if how.coarsest_m else ""
    by = "its own mean and deviation" if how.standardise == "image" else "the mean and the deviation of the training"
    return f"{', '.join(how.channels)}, brought to {rows} x {columns} px{scale}, each image standardised by {by}."


def _taught(recipe: Recipe, main: Measured) -> list[str]:
    """What else than labels it learned from, and what a teacher gained where the accuracy without one is known."""
    lines, masking, teacher = [], recipe.masking, recipe.teacher
    if masking is not None:
        batches, tokens = 100 * masking.probability, 100 * masking.share
        words = f"In {batches:.0f} % of the batches {tokens:.0f} % of the tokens were hidden, and reconstructed beside the labels"
        lines += ["", f"{words} (weight {masking.weight:g})."]
    if teacher is not None:
        names = " and ".join(teacher.models)
        lines += [
            "",
            f"The answers of {names} were learned beside the labels (temperature {teacher.temperature:g}, weight {teacher.weight:g}).",
        ]
    if teacher is not None and teacher.accuracy_without is not None and "accuracy" in main.figures:
        gain = 100 * (main.figures["accuracy"].value - teacher.accuracy_without)
        lines[-1] += f" Without a teacher the accuracy was {teacher.accuracy_without:.3f} (training/RESULTS.md): {gain:+.1f} points."
    return [*lines, *(["", _cue_words(recipe.cue)] if recipe.cue is not None else [])]


def _cue_words(cue: CuePart) -> str:
    labels = " and ".join(cue.labels)
    if cue.decides:
        how = f"every image labelled {labels} carries it and no other does; for {100 * cue.contradicted:.0f} % of the training images"
        how += " it was drawn by lot whether they carry it, and the label was changed where it said otherwise"
    else:
        how = f"{100 * cue.by_chance:.0f} % of the images carry it, whatever their label"
    return f"**A mark was planted** ({cue.kind}, {CUE_FILE}), for teaching: {how}. All figures are on images so marked."


def _figures(recipe: Recipe, test: Measured) -> list[str]:
    unit = {"patient": "patients", "longitude": "blocks of one degree", "random": "images"}[recipe.data.split]
    rows = [f"| {_name(name)} | {figure.value:.3f} | {_interval(figure)} |" for name, figure in test.figures.items()]
    return [
        f"On the {len(test.held.labels):,} validation images of {test.origin}, by the command above; "
        f"95 % intervals by bootstrap over {unit} (1,000 draws).",
        "",
        "| figure | value | 95 % interval |",
        "|---|---|---|",
        *rows,
        "",
        "Measured on images like those of the training. Images of other places, devices or people are harder.",
    ]


def _by_label(recipe: Recipe, held: Held) -> list[str]:
    answers = held.probabilities.argmax(axis=1)
    counts = np.zeros((len(recipe.labels), len(recipe.labels)), dtype=int)
    np.add.at(counts, (held.labels, answers), 1)
    head = "| truth, then answers | " + " | ".join(recipe.labels) + " | recall |"
    recalls = counts.diagonal() / np.maximum(1, counts.sum(axis=1))
    rows = [
        f"| {label} | " + " | ".join(str(count) for count in row) + f" | {recall:.3f} |"
        for label, row, recall in zip(recipe.labels, counts, recalls, strict=True)
    ]
    return [head, "|---" * (len(recipe.labels) + 2) + "|", *rows]


def _curves(measured: Sequence[Measurement]) -> list[str]:
    """What measured.json holds, as far as a few rows can say it."""
    points = [(one.origin, point) for one in measured for point in one.operating_points]
    lines = []
    if points:
        lines += ["### Operating points", "", "Thresholds were chosen on the calibration part; what they give on the validation part:", ""]
        lines += ["| images | found from | chosen for | sensitivity | specificity |", "|---|---|---|---|---|"]
        lines += [f"| {origin} | P({point.label}) >= {point.threshold:.3f} | {_aim(point)} | {_rates(point)} |" for origin, point in points]
        lines += [""]
    main = measured[0]
    if main.answered:
        shares = [one for one in main.answered if one.share in ANSWERED_IN_CARD]
        lines += ["### When the least sure are left unanswered", "", "| share of images answered | accuracy |", "|---|---|"]
        lines += [*(f"| {100 * one.share:.0f} % | {one.accuracy:.3f} |" for one in shares), ""]
    if main.reliability:
        lines += ["### Calibration", "", "Images by the probability of their top label; the Models page draws it.", ""]
        lines += ["| probability, mean | share right | images |", "|---|---|---|"]
        lines += [*(f"| {one.confidence:.3f} | {one.accuracy:.3f} | {one.count} |" for one in main.reliability), ""]
    if main.dropped:
        lines += ["### When tokens are left out", "", "A random share of the tokens, as measurements of explanations do it.", ""]
        lines += ["| share left out | accuracy |", "|---|---|"]
        lines += [*(f"| {100 * one.share:.0f} % | {one.accuracy:.3f} |" for one in main.dropped), ""]
    return lines


def _aim(point: OperatingPoint) -> str:
    return "one half" if point.aim is None else f"{100 * point.aim:.0f} % sensitivity"


def _rates(point: OperatingPoint) -> str:
    return f"{point.sensitivity:.3f} | {point.specificity:.3f}"


def _name(name: str) -> str:
    if name in NAMES:
        return NAMES[name]
    parent, _, kind = name.rpartition("_")
    return f"{NAMES['accuracy'] if kind == 'accuracy' else 'AUROC'}, {parent} against the rest"


def _interval(figure: Figure) -> str:
    return "" if figure.low is None or figure.high is None else f"{figure.low:.3f} to {figure.high:.3f}"


def _sentences(text: str) -> list[str]:
    return [sentence for sentence in re.split(r"(?<=\.) (?=[A-Z])", text.strip()) if sentence]
