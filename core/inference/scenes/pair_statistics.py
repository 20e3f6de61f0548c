"""What a change model takes from two whole scenes, so that a part of them can be answered as the whole was.

Each date is standardised by its own mean and deviation, and the level of what did not change is taken from the logits. A cut has
others, and other answers with them, unless those of the whole are given.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import InputError, NotFound
from core.prepare.grid.pair import Standard

STATISTICS = "statistics"
"""Their name among the parameters of a report."""
_HINT = "Give the report.json of a comparison by the same model, or its part parameters.statistics as a file of its own."


@dataclass(frozen=True)
class PairStatistics:
    """Of both dates together.

    weights: hash of the model's weights. bands: that were compared, in the order of before and after. level: in logits, taken from those of
    every pixel. threshold: probability from which on a pixel has changed.
    """

    weights: str
    bands: tuple[str, ...]
    before: Standard
    after: Standard
    level: float
    threshold: float

    def as_values(self) -> dict[str, Any]:
        """As report.json holds them; read_statistics gives the same back."""
        return {
            "weights": self.weights,
            "bands": list(self.bands),
            "before": _values_of(self.before),
            "after": _values_of(self.after),
            "level": self.level,
            "threshold": self.threshold,
        }


def read_statistics(path: Path) -> PairStatistics:
    """Those of a report.json, or of a file that holds its part alone. Raises NotFound, InputError."""
    if not path.is_file():
        raise NotFound(f"There is no file {path}.", _HINT)
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        held = told.get("parameters", told)
        return statistics_of(held.get(STATISTICS, held))
    except (ValueError, KeyError, TypeError, AttributeError):  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise InputError(f"{path} holds no statistics of two dates.", _HINT) from None


def statistics_of(values: Mapping[str, Any]) -> PairStatistics:
    """Those that as_values tells. Raises ValueError, KeyError or TypeError for others."""
    bands = tuple(str(band) for band in values["bands"])
    before, after = (_standard_of(values[date], len(bands)) for date in ("before", "after"))
    level, threshold = float(values["level"]), float(values["threshold"])
    if not bands or not math.isfinite(level) or not 0.0 <= threshold <= 1.0:
        raise ValueError
    return PairStatistics(str(values["weights"]), bands, before, after, level, threshold)


def check_statistics(known: PairStatistics, weights: str, bands: Sequence[str]) -> None:
    """Nothing where they are of this model and of these bands. Raises InputError."""
    if known.weights != weights:
        raise InputError(f"--statistics are of a model with weights {known.weights}; this one has {weights}.", _HINT)
    if known.bands != tuple(bands):
        raise InputError(
            f"--statistics are of the bands {', '.join(known.bands)}; these dates share {', '.join(bands)}.",
            "Compare dates with the same bands, or leave --statistics out.",
        )


def _values_of(standard: Standard) -> dict[str, list[float]]:
    return {"mean": [float(value) for value in standard.mean], "std": [float(value) for value in standard.std]}


def _standard_of(values: Mapping[str, Any], bands: int) -> Standard:
    mean, std = (np.asarray(values[name], dtype=np.float32) for name in ("mean", "std"))
    if mean.shape != (bands,) or std.shape != (bands,) or not np.isfinite([mean, std]).all() or std.min() <= 0:
        raise ValueError
    return Standard(mean, std)
