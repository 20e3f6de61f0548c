"""Change by a model that was trained on change: chances of every pixel as evidence, with or without the classes of both dates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from core.change.evidence import NODATA, STEPS, Evidence
from core.change.scratch import EvidenceFile
from core.inference.change_engine import ChangeEngine
from core.inference.scenes.pair import change_strips
from core.inference.scenes.pair_ood import PairGate
from core.prepare.grid.pair import ScenePair
from core.types import Progress


def judge_pair(
    pair: ScenePair, engine: ChangeEngine, progress: Progress | None = None, strip_rows: int | None = None, gate: PairGate | None = None
) -> Iterator[Evidence]:
    """The evidence of two dates, strip by strip; no class is known of either. gate: counts the tiles. Raises what change_strips raises."""
    for strip in change_strips(pair, engine, strip_rows, progress, gate):
        chances = np.where(strip.valid, np.rint(strip.probabilities[0] * STEPS) / STEPS, np.nan).astype(np.float32)
        nothing = np.full(chances.shape, NODATA, dtype=np.uint8)
        yield Evidence(chances, nothing, nothing, nothing)


def with_classes(chances: EvidenceFile, classes: EvidenceFile) -> Iterator[tuple[int, Evidence]]:
    """The scores of one file of evidence with the classes of another of the same scene; no data where either has none."""
    for (top, scored), (_, classed) in zip(chances.strips(), classes.strips(), strict=True):
        yield top, replace(classed, score=np.where(classed.together == NODATA, np.float32(np.nan), scored.score))
