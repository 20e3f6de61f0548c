"""`sightline train`: from a recipe and a data folder to a model folder. A run that was stopped goes on where it was."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from core.cli.options import Json, Out
from core.cli.output import print_json, print_line
from core.errors import CannotWrite


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
    from safetensors import SafetensorError

    from core.export.staging import check_writable, shortage
    from training.stages.train import train as train_by

    check_writable(out)
    with redirect_stdout(sys.stderr):  # what a training tells of its progress is not the answer
        try:
            folder = train_by(recipe, data, out)
        except (OSError, RuntimeError, SafetensorError) as error:  # torch and safetensors do not say that a disk is full
            reason = shortage(out) if out.exists() else None
            if reason is None:
                raise
            raise CannotWrite(out, reason) from error
    if as_json:
        return print_json({"recipe": recipe, "data": data, "folder": folder})
    return print_line(f"The model is in {folder}.")
