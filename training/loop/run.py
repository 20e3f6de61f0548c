"""What every training keeps beside its checkpoints, and how its command is shown."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

CHECKPOINTS = "checkpoints"
"""Sub-folder of OUT that holds the checkpoints of each training."""
CLOCK = "minutes.json"
"""How long the training took, all its runs together; beside the checkpoints."""


def minutes_of(work: Path, this_run: float) -> float:
    """Minutes of this run and of those before it."""
    clock, part = work / CLOCK, work / f"{CLOCK}.part"
    try:
        earlier = float(json.loads(clock.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError):  # the first run, or one that was ended while it wrote
        earlier = 0.0
    work.mkdir(parents=True, exist_ok=True)
    part.write_text(json.dumps(earlier + this_run), encoding="utf-8")
    part.replace(clock)
    return earlier + this_run


def command_of(recipe: Path, data: Sequence[Path], out: Path) -> str:
    """The command that does such a training again."""
    folders = [word for each in data for word in ("--data", _shown(each))]
    return shlex.join(["sightline", "train", _shown(recipe), *folders, "--out", _shown(out)])


def _shown(path: Path) -> str:
    """A path as a card may show it: without what lies above the project's neighbours."""
    return str(path) if not path.is_absolute() else path.name
