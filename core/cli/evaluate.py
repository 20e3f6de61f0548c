"""`sightline evaluate`: how good a model is on a folder of labelled images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.options import Json
from core.cli.output import about, print_json, print_line, say_aside
from core.cli.progress import Ticker
from core.report.notices import say as words_of

if TYPE_CHECKING:
    from core.workflows.evaluation.images import Evaluation
    from core.workflows.files import FileAnswer

_FIGURES = (
    "accuracy", "balanced_accuracy", "auroc", "f1_macro", "ece", "ece_by_chance",
    "abstained", "coverage", "mean_set_size", "accuracy_answered",
)  # fmt: skip
_FALSE_MARKS = (1.0, 2.0, 4.0, 8.0)


def evaluate(
    model: Annotated[str, typer.Argument(metavar="ID", help="A model of the zoo, a model folder, or a hub id (owner/name).")],
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            metavar="DIR",
            help="DIR/<label or parent label>/<files>; DIR/<city>/ for change; DIR/nodules.csv and series with --series.",
        ),
    ],
    as_series: Annotated[bool, typer.Option("--series", help="Search whole series of CT: DIR/nodules.csv holds the nodules.")] = False,
    as_json: Json = False,
) -> None:
    """Compare a model's answers with the folders that the images lie in, or with the pixels of cities that are known to have changed."""
    from core.cli.sources import workspace
    from models.change_registry import is_change_model

    if as_series:
        return _evaluate_series(model, data, as_json)
    if is_change_model(model):
        return _evaluate_change(model, data, as_json)
    from core.workflows.evaluation.images import evaluate as evaluate_on

    with workspace() as work, Ticker("images") as ticker:
        found = evaluate_on(model, data, work, ticker, _note_failure)
    if as_json:
        return print_json(found.as_json())
    return _say(found)


def _evaluate_change(model: str, data: Path, as_json: bool) -> None:
    from core.workflows.evaluation.change import evaluate_change

    with Ticker("cities") as ticker:
        found = evaluate_change(model, data, ticker, lambda city, error: say_aside(about(city, error)))
    if as_json:
        return print_json(found.as_json())
    print_line(f"{found.n:,} cities, {found.n_failed:,} not read")
    for name, figures in {"all": found.pooled, **found.cities}.items():
        numbers = ", ".join(f"{key} {_number(getattr(figures, key))}" for key in ("f1", "precision", "recall"))
        print_line(f"{name}: {numbers}; {figures.changed:,} of {figures.pixels:,} pixels changed")
    return None


def _evaluate_series(model: str, data: Path, as_json: bool) -> None:
    from core.cli.sources import workspace
    from core.workflows.evaluation.series import evaluate_series

    with workspace() as work, Ticker("series") as ticker:
        found = evaluate_series(model, data, work, ticker, lambda series, error: say_aside(about(series, error)))
    if as_json:
        return print_json(found.as_json())
    counts = f"{found.n_slices:,} slices that show lung, {found.n_nodules:,} nodules"
    print_line(f"{found.n_series:,} series, {found.n_failed:,} not searched; {counts}")
    for false_marks in _FALSE_MARKS:
        print_line(f"sensitivity at {false_marks:g} false marks per 100 slices: {_number(found.sensitivity(false_marks))}")
    if found.froc:
        last = found.froc[-1]
        told = f"{last.sensitivity:.4f} at {last.false_marks_per_100_slices:.1f} false marks per 100 slices"
        print_line(f"sensitivity of all that is told: {told}")
    return None


def _note_failure(answer: FileAnswer) -> None:
    if answer.error is not None:
        say_aside(about(answer.label, answer.error))
    elif answer.prediction is not None:
        say_aside(f"{answer.label}: {words_of(answer.prediction.outside.reason)}")


def _say(found: Evaluation) -> None:
    print_line(f"{found.n:,} images, {found.n_failed:,} without an answer")
    for name in _FIGURES:
        print_line(f"{name}: {_number(getattr(found, name))}")
    for name, parent in found.parents.items():
        print_line(f"{name}: accuracy {_number(parent.accuracy)}, auroc {_number(parent.auroc)}")
    print_line("confusion (rows: truth, columns: answer)")
    for label, row in zip(found.labels, found.confusion, strict=True):
        print_line(f"  {label}: {' '.join(map(str, row))}")


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"
