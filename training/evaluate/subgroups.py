"""Figures by age, sex and view, where an index tells them: a mean over everybody hides whom a model serves worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.types import Calibration
from training.config.recipe import Recipe
from training.evaluate.figures import Figure, Held, Measured, measure, measure_parents

FEWEST = 10
"""Images of a subgroup; of fewer a figure says nothing."""


def subgroup_lines(recipe: Recipe, test: Measured, calibration: Calibration) -> list[str]:
    """A table, one row a subgroup of the images of `test`; nothing where no subgroup is known."""
    known = sorted({group for groups in test.held.subgroups for group in groups})
    if not known:
        return []
    rows = [_row(recipe, test.held, group, calibration) for group in known]
    names = [name for name in test.figures if name.endswith(("_auroc", "_accuracy"))] or ["accuracy"]
    head = "| subgroup | images | " + " | ".join(name.replace("_", " ") for name in names) + " |"
    lines = [head, "|---" * (len(names) + 2) + "|"]
    for (name, value), count, figures in rows:
        told = [_words(figures.get(each)) for each in names] if count >= FEWEST else ["too few"] * len(names)
        lines.append(f"| {name} {value} | {count} | " + " | ".join(told) + " |")
    return lines


def _row(recipe: Recipe, held: Held, group: tuple[str, str], calibration: Calibration) -> tuple[tuple[str, str], int, dict[str, Figure]]:
    """(subgroup, images, figures by name)."""
    inside = np.array([group in groups for groups in held.subgroups])
    some = _part(held, inside)
    if len(some.labels) < FEWEST:
        return group, len(some.labels), {}
    has_labels = bool((some.labels < len(recipe.labels)).all())
    found = measure(some, recipe.labels, calibration, recipe.parents) if has_labels else measure_parents(some, recipe)
    return group, len(some.labels), found


def _part(held: Held, inside: np.ndarray) -> Held:
    places: Sequence[int] = np.flatnonzero(inside).tolist()
    return replace(
        held,
        labels=held.labels[inside],
        probabilities=held.probabilities[inside],
        groups=[held.groups[place] for place in places],
        subgroups=[held.subgroups[place] for place in places],
    )


def _words(figure: Figure | None) -> str:
    if figure is None or not np.isfinite(figure.value):
        return "one side only"
    interval = "" if figure.low is None or figure.high is None else f" ({figure.low:.3f} to {figure.high:.3f})"
    return f"{figure.value:.3f}{interval}"
