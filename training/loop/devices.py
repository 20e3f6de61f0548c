"""What the machine offers: processes that share a training, and what its layers compute in.

Several processes are started by a launcher (`torchrun`, `accelerate launch`), which tells each its rank in the environment. Each reads its
own part of one stream of images, gradients are averaged, and the first alone writes and speaks.
"""

from __future__ import annotations

import os

import torch

from core.errors import BadRecipe
from training.config.recipe_parts import Schedule


def process_index() -> int:
    """0 for the first process, and where there is only one."""
    return int(os.environ.get("RANK", "0"))


def process_count() -> int:
    """Processes that share the training."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this process writes files, keeps the clock and speaks."""
    return process_index() == 0


def images_at_once(schedule: Schedule) -> int:
    """Images of one forward pass on one device. Raises BadRecipe where a step cannot be shared evenly."""
    shares = schedule.accumulation * process_count()
    if schedule.batch_size % shares or schedule.batch_size < 2 * shares:
        raise BadRecipe(
            f"schedule.batch_size is {schedule.batch_size}, to be shared by {process_count()} processes in {schedule.accumulation} parts.",
            f"It must be a multiple of {shares}, and at least {2 * shares}.",
        )
    return schedule.batch_size // shares


def precision(schedule: Schedule) -> str:
    """What layers compute in: "float32", "bfloat16" or "float16".

    Raises BadRecipe for float16 without a GPU: its gradients vanish unless they are scaled, which is done there.
    """
    if schedule.precision == "auto":
        return "bfloat16" if has_bfloat16() else "float32"
    if schedule.precision == "float16" and not torch.cuda.is_available():
        raise BadRecipe('schedule.precision is "float16", and there is no GPU.', 'On a CPU it can be "bfloat16", "float32" or "auto".')
    return schedule.precision


def has_bfloat16() -> bool:
    """Whether bfloat16 is quicker here: on CPUs without its instructions it is emulated, ten times slower than float32."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported())
