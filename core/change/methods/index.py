"""The difference of a spectral index between two dates: no model, no training.

The score of a burn is NBR before minus after, which burning raises (dNBR; Key and Benson 2006); of the other indices it is the size of
the difference, whatever its sign.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.change.methods.bands import BandMethod, both_dates, evidence_of, read_by, step_counter, strips_in
from core.change.methods.base import ComparedBands, ComparedStrip
from core.change.threshold import ScoreHistogram
from core.errors import OutOfRange
from core.prepare.grid.bands import resolve_bands
from core.prepare.indices import INDICES, Index
from core.types import Progress, Scene

INDEX = "index"
BURN = "nbr"
THRESHOLDS = {BURN: 0.1}
"""Score from which a pixel has changed; dNBR of 0.1 is where Key and Benson's low severity begins."""
USUAL_THRESHOLD = 0.2
OTSU = "otsu"


@dataclass(frozen=True)
class ByIndex(BandMethod):
    """By one index. wanted: the threshold, "otsu" for the one that parts the scores of these dates best, None for the usual one."""

    name = INDEX
    reach = (-2.0, 2.0)
    index: Index
    wanted: float | str | None = None

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
            yield ComparedStrip(evidence_of(fall if self.index.name == BURN else np.abs(fall), strip.valid))

    def threshold(self, scores: ScoreHistogram) -> float:
        """As wanted."""
        usual = THRESHOLDS.get(self.index.name, USUAL_THRESHOLD)
        if self.wanted is None:
            return usual
        return scores.otsu(usual) if isinstance(self.wanted, str) else self.wanted

    def parameters(self, reading: ComparedBands) -> Mapping[str, Any]:
        """Which index, of which bands, and how the threshold was found."""
        return {"index": self.index.name, "bands": list(self.index.colours), "threshold_by": way_of(self.wanted)}


def by_index(name: str, threshold: str = "") -> ByIndex:
    """The method for an index by its name. threshold: a number, "otsu", or "" for the usual one. Raises OutOfRange."""
    if name not in INDICES:
        raise OutOfRange("--index", name, f"one of {', '.join(INDICES)}")
    return ByIndex(INDICES[name], threshold_of(threshold))


def way_of(wanted: float | str | None) -> str:
    """How a threshold was found, in a word."""
    return "given" if isinstance(wanted, float) else "Otsu" if wanted == OTSU else "usual"


def threshold_of(text: str) -> float | str | None:
    """A threshold as written: a number, "otsu", or None for "". Raises OutOfRange."""
    if text in ("", OTSU):
        return text or None
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise OutOfRange("--threshold", text, f"a number, or {OTSU}")
    return float(value)
