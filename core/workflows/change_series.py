"""Change between more than two dates: each pair of neighbours, and the first against the last."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import OutOfRange
from core.inference.change_engine import ChangeEngine
from core.inference.engine import Engine
from core.types import ChangeMap, Progress, Scene
from core.workflows.model_change import check_model_change, detect_model_change, tiles_of_pair
from core.workflows.scene_change import check_change, detect_change, tiles_of_both


def change_series(
    scenes: Sequence[Scene], engine: Engine | ChangeEngine, out: Path, *, progress: Progress | None = None, **options: Any
) -> tuple[tuple[str, ChangeMap], ...]:
    """The change of each consecutive pair of scenes, in sub-folders 01-02, 02-03 ..., and of the first against the last.

    scenes: at least two, in the order of their dates; two of them make one pair. engine, options: as for detect_change, or as for
    detect_model_change where the engine is of a change model. All pairs are checked before the first is begun.
    Returns (name of the sub-folder, change). Raises as those do, and OutOfRange for a single scene.
    """
    if len(scenes) < 2:
        raise OutOfRange("number of scenes", len(scenes), "at least 2")
    last = len(scenes) - 1
    pairs = list(dict.fromkeys([*((place, place + 1) for place in range(last)), (0, last)]))
    checked: dict[str, Any] = {name: options[name] for name in ("method", "classes", "min_area_hectares") if name in options}
    for one, other in pairs:
        _check(scenes[one], scenes[other], engine, checked)
    tiles = [_tiles(scenes[one], engine, options.get("classes")) for one, _ in pairs]
    made = []
    for place, (one, other) in enumerate(pairs):
        name = f"{one + 1:02}-{other + 1:02}"
        watch = _shifted(progress, sum(tiles[:place]), sum(tiles))
        made.append((name, detect(scenes[one], scenes[other], engine, out / name, progress=watch, **options)))
    return tuple(made)


def detect(before: Scene, after: Scene, engine: Engine | ChangeEngine, out: Path, **options: Any) -> ChangeMap:
    """The change of two dates by either kind of model; options as for detect_change or detect_model_change."""
    if isinstance(engine, ChangeEngine):
        return detect_model_change(before, after, engine, out, **options)
    return detect_change(before, after, engine, out, **options)


def _check(before: Scene, after: Scene, engine: Engine | ChangeEngine, options: dict[str, Any]) -> None:
    if isinstance(engine, ChangeEngine):
        return check_model_change(before, after, engine, **options)
    return check_change(before, after, engine, **options)


def _tiles(before: Scene, engine: Engine | ChangeEngine, classes: Engine | None) -> int:
    return tiles_of_pair(before, engine, classes) if isinstance(engine, ChangeEngine) else tiles_of_both(before, engine)


def _shifted(progress: Progress | None, before: int, total: int) -> Progress | None:
    """One pair of several: its tiles come after those of the pairs before."""
    return None if progress is None else lambda done, _: progress(before + done, total)
