"""How good a search is on whole series of CT whose nodules are known: the free-response ROC curve of what it tells.

DIR/nodules.csv names the nodules (path, x, y, slice, radius_mm): path of the series' folder or of any of its files, from DIR; x and y in
pixels from 0, slice from 1, as `predict --series` tells candidates. Series under DIR that it does not name hold none.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core import metrics
from core.errors import BadRecipe, InputError, NotFound, SightlineError
from core.inference.engine import Engine, engine_for
from core.metrics import FrocPoint
from core.readers import Kind, read_series, sniff
from core.sources import Source, walk
from core.types import Candidate, Study
from core.workflows.ct_search import is_searched_by, search_ct
from core.workflows.series import check_volume

NODULES = "nodules.csv"
NODULE_COLUMNS = ("path", "x", "y", "slice", "radius_mm")
NEAREST_MM = 3.0
"""A mark that near to the middle of a nodule is on it, however small the nodule is: marks are as exact as the model's tokens are."""


@dataclass(frozen=True)
class Nodule:
    """A line of nodules.csv. path: as written. column, row: pixels from 0. frame: from 0. line: of the file, from 1."""

    path: str
    column: float
    row: float
    frame: int
    radius_mm: float
    line: int


@dataclass(frozen=True)
class SeriesEvaluation:
    """What was found in the series of a folder.

    n_series: that were searched. n_failed: that were not. n_slices: slices of them that show lung. n_nodules: in the series that were
    searched. froc: a point each threshold, from the highest down to the lowest score that is told; empty without nodules.
    """

    n_series: int
    n_failed: int
    n_slices: int
    n_nodules: int
    froc: tuple[FrocPoint, ...]

    def as_json(self) -> dict[str, Any]:
        """The figures by name."""
        return asdict(self)

    def sensitivity(self, false_marks: float) -> float | None:
        """The share of nodules that are found where a hundred slices have at most that many false marks; None without nodules."""
        if not self.n_nodules:
            return None
        return max((one.sensitivity for one in self.froc if one.false_marks_per_100_slices <= false_marks), default=0.0)


def evaluate_series(
    model: str,
    data: Path,
    workspace: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
    failed: Callable[[str, SightlineError], None] = lambda label, error: None,
) -> SeriesEvaluation:
    """The figures of a model of CT on the series under DIR.

    progress: told (done, total) in series. failed: told of each series that cannot be searched.
    Raises NotFound for a missing folder, table or model, BadRecipe for a table that does not fit and for a model that searches nothing.
    """
    if not data.is_dir():
        raise NotFound(f"{data} is not a folder.", f"Give the folder that holds the series and {NODULES}.")
    engine, nodules = engine_for(model), read_nodules(data / NODULES)
    studies = _studies(data, workspace)
    of_study = _shared_out(nodules, studies, data)
    scores, hits, slices, lesions, searched = list[float](), list[int | None](), 0, 0, 0
    for number, study in enumerate(studies):
        progress(number, len(studies))
        try:
            found, lung_slices = _found(study, engine)
        except SightlineError as error:
            if error.exit_status != 2:  # the device, not the file
                raise
            failed(study.name, error)
            continue
        own = of_study[number]
        scores += [one.score for one in found]
        hits += [_offset(hit_by(one, own, study), lesions) for one in found]
        slices, lesions, searched = slices + lung_slices, lesions + len(own), searched + 1
    if not searched:
        raise BadRecipe(f"{data} holds no series that the model can search.", "Give folders of CT slices.")
    return SeriesEvaluation(searched, len(studies) - searched, slices, lesions, metrics.froc(scores, hits, lesions, max(slices, 1)))


def read_nodules(path: Path) -> list[Nodule]:
    """The table. Raises NotFound where it is not there, BadRecipe, with the line, for what is no nodule."""
    if not path.is_file():
        raise NotFound(
            f"There is no {path}.", f"A table with the columns {', '.join(NODULE_COLUMNS)} names the nodules of the series beside it."
        )
    with path.open(newline="", encoding="utf-8-sig") as file:
        table = csv.DictReader(file)
        missing = [name for name in NODULE_COLUMNS if name not in (table.fieldnames or ())]
        if missing:
            raise BadRecipe(f"{path} has no column {missing[0]}.", f"Its columns are {', '.join(NODULE_COLUMNS)}.")
        return [_nodule(row, path, number) for number, row in enumerate(table, start=2)]


def hit_by(candidate: Candidate, nodules: Sequence[Nodule], study: Study) -> int | None:
    """The number of the nodule on which one of the candidate's marks lies, the nearest of several; None on none."""
    down, across = study.spacing_mm or (1.0, 1.0)
    apart = study.slice_spacing_mm or 0.0
    best = None
    for number, nodule in enumerate(nodules):
        for mark in candidate.marks:
            steps = ((mark.frame - nodule.frame) * apart, (mark.row - nodule.row) * down, (mark.column - nodule.column) * across)
            distance = math.hypot(*steps)
            if distance <= max(nodule.radius_mm, NEAREST_MM) and (best is None or distance < best[0]):
                best = (distance, number)
    return None if best is None else best[1]


def _nodule(row: dict[str, str], path: Path, line: int) -> Nodule:
    try:
        place = [float(row[name]) for name in NODULE_COLUMNS[1:]]
    except (TypeError, ValueError):
        place = []
    if not place or not all(map(math.isfinite, place)) or place[3] <= 0.0 or place[2] < 1.0 or place[2] != int(place[2]) or not row["path"]:
        raise BadRecipe(f"Line {line} of {path} is no nodule.", "x, y and radius_mm are numbers, slice counts from 1, path names a series.")
    return Nodule(row["path"], place[0], place[1], int(place[2]) - 1, place[3], line)


def _studies(data: Path, workspace: Path) -> list[Study]:
    files = [one.path for one in walk([data], workspace) if isinstance(one, Source) and sniff(one.path) is Kind.DICOM]
    return list(read_series(files, data.name)) if files else []


def _shared_out(nodules: Sequence[Nodule], studies: Sequence[Study], data: Path) -> list[list[Nodule]]:
    """The nodules of each study. Raises BadRecipe for one that names no series, several, or a slice that its series does not have."""
    files = [[path.resolve() for path in study.sources] for study in studies]
    found: list[list[Nodule]] = [[] for _ in studies]
    for nodule in nodules:
        target, where = (data / nodule.path).resolve(), f"Line {nodule.line} of {data / NODULES} names"
        meant = [number for number, paths in enumerate(files) if any(path == target or target in path.parents for path in paths)]
        if len(meant) != 1:
            raise BadRecipe(f"{where} {nodule.path}, which holds {len(meant)} series.", "Name the series' folder, or one of its files.")
        slices = studies[meant[0]].shape[0]
        if nodule.frame >= slices:
            raise BadRecipe(f"{where} slice {nodule.frame + 1} of {slices}.", "Slices count from 1, in the order of their positions.")
        found[meant[0]].append(nodule)
    return found


def _found(study: Study, engine: Engine) -> tuple[Sequence[Candidate], int]:
    """(candidates, slices that show lung). Raises InputError for what is not searched."""
    if not is_searched_by(study, engine.model.preprocess):
        raise InputError("The model searches no such image.", "A model of CT searches series of CT.")
    check_volume(study)
    found = search_ct(study, engine)
    return found.prediction.candidates or (), len(found.by_slice)


def _offset(number: int | None, by: int) -> int | None:
    return None if number is None else number + by
