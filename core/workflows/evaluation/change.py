"""How good a change model is on cities whose changed pixels are known: F1, precision and recall of change, pooled and by city."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.change.methods.model import pair_evidence
from core.errors import SightlineError
from core.inference.engine import ChangeEngine, change_engine_for
from core.prepare.grid.pair import pair_of
from core.types import Mask
from core.workflows.evaluation.labelled_cities import City, city_folders, read_city


@dataclass(frozen=True)
class ChangeFigures:
    """Figures of change over some pixels; None where nothing changed and nothing was found.

    f1: 2 TP / (2 TP + FP + FN). pixels: those whose truth is known. changed: those that changed.
    """

    f1: float | None
    precision: float | None
    recall: float | None
    pixels: int
    changed: int


@dataclass(frozen=True)
class ChangeCounts:
    """Pixels that changed and were found, were found and had not changed, had changed and were not found; and all of them."""

    hits: int = 0
    false: int = 0
    missed: int = 0
    pixels: int = 0

    def __add__(self, other: ChangeCounts) -> ChangeCounts:
        return ChangeCounts(self.hits + other.hits, self.false + other.false, self.missed + other.missed, self.pixels + other.pixels)

    def figures(self) -> ChangeFigures:
        """The figures of these counts."""
        hits, found, true = self.hits, self.hits + self.false, self.hits + self.missed
        return ChangeFigures(
            f1=2 * hits / (found + true) if found + true else None,
            precision=hits / found if found else None,
            recall=hits / true if true else None,
            pixels=self.pixels,
            changed=true,
        )


@dataclass(frozen=True)
class ChangeEvaluation:
    """Figures over the pooled pixels of all cities, and by city. n: cities. n_failed: those that could not be read."""

    n: int
    n_failed: int
    pooled: ChangeFigures
    cities: Mapping[str, ChangeFigures]

    def as_json(self) -> dict[str, Any]:
        """n, n_failed, the pooled figures by name, and `cities` {name: figures}."""
        cities = {name: asdict(figures) for name, figures in self.cities.items()}
        return {"n": self.n, "n_failed": self.n_failed, **asdict(self.pooled), "cities": cities}


def evaluate_change(
    model: str,
    data: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
    failed: Callable[[str, SightlineError], None] = lambda city, error: None,
) -> ChangeEvaluation:
    """The figures of a change model on DIR/<city>/, by the model's own threshold.

    progress: told (done, total) in cities. failed: told of each city that cannot be read.
    Raises NotFound for a missing folder or model or a folder without cities, WrongTask for a model that does not compare dates.
    """
    engine = change_engine_for(model)
    folders = city_folders(data)
    counts: dict[str, ChangeCounts] = {}
    for done, folder in enumerate(folders, start=1):
        try:
            counts[folder.name] = _counted(read_city(folder), engine)
        except SightlineError as error:
            failed(folder.name, error)
        progress(done, len(folders))
    pooled = sum(counts.values(), start=ChangeCounts()).figures()
    cities = {name: count.figures() for name, count in counts.items()}
    return ChangeEvaluation(len(counts), len(folders) - len(counts), pooled, cities)


def _counted(city: City, engine: ChangeEngine) -> ChangeCounts:
    """One city, through the strips that `sightline change` makes. Raises MissingBands, UnreadableFile, DeviceError."""
    total, top = ChangeCounts(), 0
    for evidence in pair_evidence(pair_of(city.before, city.after, engine.model.preprocess), engine):
        rows = slice(top, top + len(evidence.score))
        known = city.known[rows] & np.isfinite(evidence.score)
        total += count_pixels((evidence.score >= engine.model.threshold)[known], city.changed[rows][known])
        top += len(evidence.score)
    return total


def count_pixels(found: Mask, changed: Mask) -> ChangeCounts:
    """found, changed: bool of one shape."""
    hits = int((found & changed).sum())
    return ChangeCounts(hits, int(found.sum()) - hits, int(changed.sum()) - hits, found.size)
