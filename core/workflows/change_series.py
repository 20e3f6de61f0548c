"""Change between more than two dates: each pair of neighbours, and the first against the last."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.change.methods.base import Method
from core.errors import OutOfRange
from core.types import ChangeMap, Progress, Scene
from core.workflows.change import check_change, detect_change


def change_series(
    scenes: Sequence[Scene], method: Method, out: Path, *, progress: Progress | None = None, **options: Any
) -> tuple[tuple[str, ChangeMap], ...]:
    """The change of each consecutive pair of scenes, in sub-folders 01-02, 02-03 ..., and of the first against the last.

    scenes: at least two, in the order of their dates; two of them make one pair. options: as for detect_change. All pairs are checked
    before the first is begun. Returns (name of the sub-folder, change). Raises as detect_change does, and OutOfRange for a single scene.
    """
    if len(scenes) < 2:
        raise OutOfRange("number of scenes", len(scenes), "at least 2")
    last = len(scenes) - 1
    pairs = list(dict.fromkeys([*((place, place + 1) for place in range(last)), (0, last)]))
    for one, other in pairs:
        check_change(scenes[one], scenes[other], method, options.get("min_area_hectares", 0.0))
    tiles = [method.tiles(scenes[one]) for one, _ in pairs]
    made = []
    for place, (one, other) in enumerate(pairs):
        name = f"{one + 1:02}-{other + 1:02}"
        watch = _shifted(progress, sum(tiles[:place]), sum(tiles))
        made.append((name, detect_change(scenes[one], scenes[other], method, out / name, progress=watch, **options)))
    return tuple(made)


def _shifted(progress: Progress | None, before: int, total: int) -> Progress | None:
    """One pair of several: its tiles come after those of the pairs before."""
    return None if progress is None else lambda done, _: progress(before + done, total)
