"""`sightline train`: from a recipe and a data folder to a model folder. A run that was stopped goes on where it was."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from core.cli.options import Json, Out
from core.cli.output import print_json, print_line


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.toml", help="The project's own are in training/recipes.")],
    data: Annotated[
        list[Path],
        typer.Option(
            "--data", metavar="DIR", help="DIR/<label>/<files>; DIR/<city>/ for change; any images without labels; may be repeated."
        ),
    ],
    out: Out,
    as_json: Json = False,
) -> None:
    """Train a model by a recipe; the folder that comes out goes into models/zoo, or is given to --model as it is."""
    from core.export.staging import check_writable
    from training.stages.train import train as train_by

    check_writable(out)
    with redirect_stdout(sys.stderr):  # what a training tells of its progress is not the answer
        folder = train_by(recipe, data, out)
    if as_json:
        return print_json({"recipe": recipe, "data": data, "folder": folder})
    return print_line(f"The model is in {folder}.")
