"""The card of a change model, and its licence: README.md and LICENSE beside the weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.workflows.evaluation.change import ChangeFigures
from models.card import front_matter
from models.registry import CALIBRATION, CARD, OUTSIDE
from training.config.change_recipe import ChangeRecipe
from training.evaluate.change_figures import MeasuredChange
from training.evaluate.figures import Figure
from training.publish.card import energy_words

LICENCE = "LICENSE"


def write_change_card(
    folder: Path, recipe: ChangeRecipe, cities: Sequence[str], measured: MeasuredChange, weights: str, command: str, minutes: float
) -> None:
    """README.md, and LICENSE where the recipe has one. cities: all that the data holds. weights: hash of those that were measured."""
    card = recipe.card
    front = {
        "title": card.title,
        "task": card.task,
        "modality": card.modality,
        "licence": card.licence,
        "metrics": {name: figure.as_json() for name, figure in measured.pooled.items()},
        "measured_weights": weights,
        "files": [name for name in (CALIBRATION, OUTSIDE) if (folder / name).is_file()],
    }
    lines = front_matter(front)
    lines += [f"# {card.title}", ""]
    lines += [f"Task: which pixels changed between two dates. For {card.modality}. Any of these bands may be missing.", ""]
    lines += ["Research and development use only.", ""]
    lines += ["## Training data", "", card.origin, "", _split_words(recipe, cities), ""]
    lines += ["### Reference standard", "", card.reference, ""] if card.reference else []
    lines += ["## How it was made", "", *_making(recipe, command, minutes), ""]
    lines += ["## Figures", "", *_figures(recipe, measured), ""]
    lines += ["### For comparison with the literature", "", card.comparison, ""] if card.comparison else []
    lines += ["### Failures", "", card.failures, ""] if card.failures else []
    lines += ["## Limits", "", *(f"- {sentence.strip()}." for sentence in card.limits.rstrip(". ").split(". ")), ""]
    (folder / CARD).write_text("\n".join(lines), encoding="utf-8")
    if card.licence_text:
        (folder / LICENCE).write_text(card.licence_text.strip() + "\n", encoding="utf-8")


def _split_words(recipe: ChangeRecipe, cities: Sequence[str]) -> str:
    held = recipe.cities.validation
    trained = [name for name in cities if name not in held]
    return (
        f"The cities were divided as wholes: {len(trained)} to train ({', '.join(trained)}), "
        f"{len(held)} held back ({', '.join(held)}) for threshold, calibration and the figures below."
    )


def _making(recipe: ChangeRecipe, command: str, minutes: float) -> list[str]:
    config, schedule = recipe.config(), recipe.schedule
    rows, columns = config.grid
    start = f" Its stem and layers began with those of {recipe.start}." if recipe.start else ""
    words = (
        f"A siamese network: both dates go through one convolutional stem and one image BERT ({rows} x {columns} tokens of "
        f"{config.patch_size} px, {config.num_hidden_layers} layers, width {config.hidden_size}); a light decoder compares what comes out."
        f"{_test_time_augmentation(recipe.preprocess.enlarged)} Each date is standardised band by band over its whole scene.{start} "
        f"{schedule.steps:,} steps of {schedule.batch_size} crops, "
        f"seed {schedule.seed}, averaged weights"
    )
    after = recipe.final_fit
    if after is not None:
        words += (
            f"; then {after.steps:,} steps of {after.batch_size} crops of all cities, those that had been held back included. "
            "**The weights that are shipped have therefore seen every city of the data; threshold, calibration and figures are those of "
            "the network before these last steps, which had not; `sightline evaluate` on these cities flatters the shipped weights**"
        )
    return [
        words + (f"; {minutes:.0f} minutes in all{energy_words(minutes, schedule.threads)}." if minutes >= 1 else "."),
        "",
        f"    {command}",
    ]


def _test_time_augmentation(enlarged: float) -> str:
    if not enlarged:
        return ""
    return f" An answer is the mean of two looks at a pair of tiles, the second one enlarged {enlarged:g} times and upside down."


def _figures(recipe: ChangeRecipe, measured: MeasuredChange) -> list[str]:
    calibration = measured.calibration
    lines = [
        f"On the pooled pixels of the {len(measured.by_city)} cities that were held back, each judged by the threshold that is best for "
        "the others; 95 % intervals by bootstrap over cities (1,000 draws), which are wide because the cities are few.",
        "",
        "| figure of change | value | 95 % interval |",
        "|---|---|---|",
        *(f"| {name.replace('f1', 'F1')} | {figure.value:.3f} | {_interval(figure)} |" for name, figure in measured.pooled.items()),
        "",
        "| city | F1 | precision | recall | pixels that changed |",
        "|---|---|---|---|---|",
        *(f"| {name} | {_city(figures)} |" for name, figures in measured.by_city.items()),
        "",
        f"Shipped: a pixel has changed from a probability of {calibration.threshold:.3f} on, the threshold of the best pooled F1; "
        f"temperature {calibration.temperature:.2f}, offset {calibration.offset:.2f}. Calibration error (15 bins), on the pixels that it "
        f"was fitted on: {measured.ece:.4f}.",
        "",
        "From the logits of a pair of dates their median is taken first, since light and season move those of all ground that did not "
        f"change; it is held between {calibration.lowest_level:.1f} and {calibration.highest_level:.1f}, what it was in the cities. So a "
        "pixel's probability depends a little on the scene that it lies in: a part of a scene by itself may answer otherwise.",
    ]
    if recipe.preprocess.preferred:
        lines += [
            "",
            f"Where both dates have them, {', '.join(recipe.preprocess.preferred)} are compared alone: with the other bands the figures "
            "were lower, which was decided on these same cities.",
        ]
    if recipe.preprocess.enlarged:
        lines += ["", "That a second look helps was decided on these same cities too, so the figures are somewhat optimistic."]
    lines += ["", "| bands that are compared | F1 |", "|---|---|"]
    lines += [f"| {', '.join(bands)} | {value:.3f} |" for bands, value in measured.by_bands.items()]
    return lines


def _city(figures: ChangeFigures) -> str:
    rates = (figures.f1, figures.precision, figures.recall)
    return " | ".join("none" if rate is None else f"{rate:.3f}" for rate in rates) + f" | {figures.changed:,} of {figures.pixels:,}"


def _interval(figure: Figure) -> str:
    return "" if figure.low is None or figure.high is None else f"{figure.low:.3f} to {figure.high:.3f}"
