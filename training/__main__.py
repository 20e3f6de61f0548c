"""`python -m training RECIPE --data DIR --out OUT`: what `sightline train` does, for launchers that start several processes.

    torchrun --nproc_per_node 2 -m training training/recipes/land-cover-imagenet.toml --data DIR --out runs
    accelerate launch --multi_gpu --num_processes 2 -m training training/recipes/land-cover-imagenet.toml --data DIR --out runs

The recipe stays as it is: its batch is that of one step, and the processes share it. On CPUs they speak through gloo.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch.distributed

from core.errors import SightlineError
from training.loop.devices import is_first
from training.stages.train import train


def main() -> int:
    """The program. The first process alone speaks; every one ends with the status of what happened to it."""
    parser = argparse.ArgumentParser(prog="python -m training", description="Train a model by a recipe, on one device or on several.")
    parser.add_argument("recipe", type=Path, help="a TOML file; the project's own are in training/recipes")
    parser.add_argument("--data", type=Path, action="append", required=True, help="a folder of data; may be repeated")
    parser.add_argument("--out", type=Path, required=True, help="where the model folder and the checkpoints go")
    words = parser.parse_args()
    try:
        folder = train(words.recipe, words.data, words.out)
    except SightlineError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
    if is_first():
        print(f"The model is in {folder}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
