"""A scene as strips that can be computed anywhere, in any order: what each of them is, and the file that holds what was found.

A strip is some neighbouring rows of tiles. They are independent of each other (answers.py), so whoever has the scene, the model and a task
can do it, and the strips of a run that was killed are as good as those of the run that takes them over.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

from core.inference.engine import Engine
from core.inference.scenes.answers import AnsweredRow
from core.prepare.grid.tiles import TileGrid
from core.readers.digest import sha256_of
from core.settings import PROJECT
from core.types import Scene
from models.folder import FILES

STRIP_SCENE_ROWS = 512
"""Least height of a strip: as tall as a block of most files, since a block is decoded as a whole and rows are read in whole blocks."""
DECIDING_CODE = ("core/inference", "core/prepare", "core/readers/scenes", "models")
"""What an answer is computed by: strips of other code are not taken."""
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class StripTask:
    """The unit of work: of one scene the rows of tiles [first, last). number: of the strip, from 0.

    scene: sha256 of its files. decided_by: as of the function of that name.
    """

    scene: str
    decided_by: str
    number: int
    first: int
    last: int

    @property
    def file(self) -> str:
        """Name of the file that holds its rows, where it is done."""
        return f"{self.number:05d}.npz"


def tasks_of(scene: Scene, grid: TileGrid, decided_by: str) -> tuple[StripTask, ...]:
    """The strips of a scene from top to bottom; they depend on nothing but the scene and the lattice of tiles."""
    tops = [grid.scene_rows_above(start) for start in grid.row_starts]
    firsts: list[int] = []
    for place, top in enumerate(tops):
        if not firsts or top - tops[firsts[-1]] >= STRIP_SCENE_ROWS:
            firsts.append(place)
    lasts = [*firsts[1:], len(tops)]
    return tuple(StripTask(scene.sha256, decided_by, number, *span) for number, span in enumerate(zip(firsts, lasts, strict=True)))


def decided_by(scene: Scene, engine: Engine) -> str:
    """sha256, in hexadecimal, of all that decides what is said of a scene.

    The bytes of its files, and how they are read (bands, scale, grid, clouds); the files of the model; the library that computes, with its
    version, precision, device, and threads where they matter; and the code on the way.
    """
    runtime = engine.runtime
    told = {
        "scene": scene.sha256,
        "grid": [scene.width, scene.height, scene.crs.to_wkt() if scene.crs is not None else "", *scene.transform[:6]],
        "bands": [{**asdict(band), "file": band.file.name} for band in scene.bands],
        "clouds": _clouds(scene),
        "model": _files_hash(engine.model.folder),
        "runtime": [runtime.library, version(runtime.library), runtime.precision, runtime.name, threads_that_decide(engine)],
        "code": _code_hash(),
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _clouds(scene: Scene) -> list[str | int]:
    """What tells the clouds of a scene, by its bytes: it need not be one of the scene's files."""
    mask = scene.clouds
    return [] if mask is None else [mask.kind.value, mask.index, sha256_of(mask.file)]


def threads_that_decide(engine: Engine) -> int:
    """Threads of the network's library where its sums depend on them, as torch's do on a CPU; else 0 (benchmarks/RESULTS.md)."""
    if engine.runtime.library != "torch" or engine.runtime.device != "cpu":
        return 0
    from torch import get_num_threads

    return get_num_threads()


def write_manifest(folder: Path, tasks: Iterable[StripTask]) -> None:
    """What the folder is for, for whoever looks into it."""
    (folder / MANIFEST).write_text(json.dumps([asdict(task) for task in tasks], indent=1), encoding="utf-8")


def write_strip(folder: Path, task: StripTask, rows: Iterable[AnsweredRow]) -> None:
    """The rows of a strip as a file in `folder`, which is there whole or not at all. Raises OSError."""
    arrays: dict[str, np.ndarray] = {}
    for row in rows:
        arrays |= {f"{row.place}.{name}": value for name, value in _as_arrays(row).items()}
    made = folder / f"{task.file}.{os.getpid()}.part"
    with made.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # no array is called allow_pickle
    made.replace(folder / task.file)


def read_strip(folder: Path, task: StripTask) -> Iterator[AnsweredRow]:
    """The rows of a strip that is done, one at a time."""
    with np.load(folder / task.file, allow_pickle=False) as arrays:
        for place in range(task.first, task.last):
            yield _as_row(place, {name: arrays[f"{place}.{name}"] for name in ("columns", "planes", "held", "share", "valid", "shape")})


def is_done(folder: Path, task: StripTask) -> bool:
    """Whether the file of a strip is there."""
    return (folder / task.file).is_file()


def _as_arrays(row: AnsweredRow) -> dict[str, np.ndarray]:
    return {
        "columns": np.array(row.columns, dtype=np.int64),
        "planes": row.planes,
        "held": row.held,
        "share": row.share,
        "valid": np.packbits(row.valid, axis=None),
        "shape": np.array(row.valid.shape, dtype=np.int64),
    }


def _as_row(place: int, arrays: dict[str, np.ndarray]) -> AnsweredRow:
    rows, columns = arrays["shape"].tolist()
    valid = np.unpackbits(arrays["valid"], count=rows * columns).reshape(rows, columns).astype(np.bool_)
    return AnsweredRow(place, tuple(arrays["columns"].tolist()), arrays["planes"], arrays["held"], arrays["share"], valid)


def _files_hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in FILES:
        if (folder / name).is_file():
            digest.update(name.encode() + hashlib.sha256((folder / name).read_bytes()).digest())
    return digest.hexdigest()


@cache
def _code_hash() -> str:
    digest = hashlib.sha256(version("numpy").encode())
    for place in DECIDING_CODE:
        for file in sorted((PROJECT / place).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()
