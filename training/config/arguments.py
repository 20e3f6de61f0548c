"""The arguments that commands on a model folder share: the folder, its recipe, and the data that the recipe was trained on."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path


def model_arguments(program: str, purpose: str) -> ArgumentParser:
    """A parser of `model`, `recipe` and `--data`, which may be repeated or be given several folders. program: as it is started."""
    parser = ArgumentParser(prog=program, description=purpose)
    parser.add_argument("model", type=Path, help="the model folder")
    parser.add_argument("recipe", type=Path, help="the recipe that it was trained by")
    parser.add_argument("--data", type=Path, nargs="+", action="extend", required=True, help="what the recipe was trained on")
    return parser
