"""The difference of a spectral index between two dates: no model, no training.

The score of a burn is NBR before minus after, which burning raises (dNBR; Key and Benson 2006), that of a loss of vegetation NDVI
before minus after; of the other differences it is the size, whatever its sign.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.change.methods.bands import (
    BandMethod,
    both_dates,
    evidence_of,
    read_by,
    step_counter,
    strips_in,
    threshold_by,
    wanted_threshold,
    way_of,
)
from core.change.methods.base import ComparedBands, ComparedStrip
from core.change.threshold import ScoreHistogram
from core.errors import OutOfRange
from core.prepare.grid.bands import resolve_bands
from core.prepare.indices import INDICES, Index
from core.types import Progress, Scene

INDEX = "index"
BURN = "nbr"
VEGETATION_LOSS = "ndvi-loss"


@dataclass(frozen=True)
class Difference:
    """What is compared of an index. is_fall: whether only its fall counts, before minus after; else its difference either way.

    usual: the score from which a pixel has changed; dNBR of 0.1 is where Key and Benson's low severity begins.
    """

    name: str
    index: Index
    is_fall: bool = False
    usual: float = 0.2


DIFFERENCES = {
    difference.name: difference
    for difference in (
        Difference("ndvi", INDICES["ndvi"]),
        Difference("ndwi", INDICES["ndwi"]),
        Difference("ndbi", INDICES["ndbi"]),
        Difference(BURN, INDICES["nbr"], is_fall=True, usual=0.1),
        Difference(VEGETATION_LOSS, INDICES["ndvi"], is_fall=True),
    )
}


@dataclass(frozen=True, kw_only=True)
class ByIndex(BandMethod):
    """By one index."""

    name = INDEX
    reach = (-2.0, 2.0)
    difference: Difference

    @property
    def index(self) -> Index:
        """Of the difference."""
        return self.difference.index

    @property
    def is_of_burns(self) -> bool:
        """As of the difference."""
        return self.difference.name == BURN

    def reading(self, before: Scene, aligned: Scene) -> ComparedBands:
        """The two bands of the index. Raises MissingBands."""
        for scene in (before, aligned):
            resolve_bands(scene, self.index.colours)
        return read_by(self.index.colours)

    def tiles(self, before: Scene) -> int:
        """Strips of the scene."""
        return strips_in(before)

    def strips(self, before: Scene, aligned: Scene, scratch: Path, progress: Progress | None = None) -> Iterator[ComparedStrip]:
        """One pass over both dates."""
        step = step_counter(progress, self.tiles(before))
        for strip in both_dates(before, aligned, self.index.colours, step):
            fall = self.index.of(*strip.before) - self.index.of(*strip.after)
            yield ComparedStrip(evidence_of(fall if self.difference.is_fall else np.abs(fall), strip.valid))

    def threshold(self, scores: ScoreHistogram) -> float:
        """As wanted."""
        return threshold_by(self.wanted, scores, self.difference.usual)

    def parameters(self, reading: ComparedBands) -> Mapping[str, Any]:
        """Which index, of which bands, whether either direction counts, and how the threshold was found."""
        direction = "fall" if self.difference.is_fall else "either"
        told = {"index": self.index.name, "direction": direction, "bands": list(self.index.colours)}
        return {**told, "threshold_by": way_of(self.wanted)}


def by_index(name: str, threshold: str = "", sample: Path | None = None) -> ByIndex:
    """The method for a difference by its name. threshold, sample: as of wanted_threshold. Raises OutOfRange."""
    if name not in DIFFERENCES:
        raise OutOfRange("--index", name, f"one of {', '.join(DIFFERENCES)}")
    return ByIndex(difference=DIFFERENCES[name], wanted=wanted_threshold(threshold, sample))
