"""A model that was trained on change: probs of every pixel as evidence, with or without the classes of both dates.

The classes come from another model, of land cover, or are not known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.change.evidence import NODATA, STEPS, Evidence
from core.change.methods.base import ComparedBands, ComparedStrip, NetworkMethod, Shares
from core.change.methods.tokens import compare, shares_of, tiles_of_both
from core.change.scratch import EvidenceFile
from core.change.threshold import ScoreHistogram
from core.inference.engine import ChangeEngine, Engine
from core.inference.scenes.pair import change_strips, pixel_grid
from core.inference.scenes.pair_ood import PairDetector
from core.inference.scenes.pair_statistics import PairStatistics, check_statistics, statistics_of
from core.inference.scenes.scores import check_mappable
from core.prepare.grid.ground import refuse_too_coarse
from core.prepare.grid.pair import ScenePair, pair_of
from core.prepare.grid.tiles import PIXEL_OVERLAP
from core.types import Progress, Scene

MODEL = "model"
PROBABILITIES = "probabilities"
"""Name of the file in which probabilities wait for the classes."""


@dataclass(frozen=True)
class ByModel(NetworkMethod):
    """By a change model.

    classes: a land-cover model that says what became what, if any. statistics: of the whole of which the dates are a part, if any.
    """

    name = MODEL
    engine: ChangeEngine
    classes: Engine | None = None
    statistics: PairStatistics | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Those of the model of classes."""
        return self.classes.model.labels if self.classes is not None else ()

    @property
    def linear(self) -> tuple[str, ...]:
        """As the model of classes says."""
        return self.classes.model.preprocess.linear if self.classes is not None else ()

    @property
    def is_calibrated(self) -> bool:
        """Whether the change model is."""
        return self.engine.model.calibration is not None

    def of_part(self, statistics: Mapping[str, Any]) -> ByModel:
        """With the statistics of the whole."""
        return replace(self, statistics=statistics_of(statistics)) if statistics else self

    def check(self, before: Scene, after: Scene) -> None:
        """Raises MissingBands, InputError for statistics of others, WrongTask and NoGrid where a model of classes cannot map the dates."""
        compared = self.reading(before, after).preprocess.channels
        if self.statistics is not None:
            check_statistics(self.statistics, self.weights, compared)
        for scene in (before, after):
            refuse_too_coarse(scene, self.engine.model.preprocess)
        if self.classes is not None:
            for scene in (before, after):
                check_mappable(scene, self.classes.model)

    def reading(self, before: Scene, aligned: Scene) -> ComparedBands:
        """The bands that both dates have; those that they lack are said."""
        preprocess = self.engine.model.preprocess
        pair = pair_of(before, aligned, preprocess)
        return ComparedBands(replace(preprocess, channels=tuple(preprocess.channels[place] for place in pair.places)), pair.missing)

    def tiles(self, before: Scene) -> int:
        """Tiles of the comparison, and of the classes of both dates where they are asked for."""
        own = pixel_grid(before, self.engine.model.preprocess).tiles
        return own + (tiles_of_both(before, self.classes) if self.classes is not None else 0)

    def strips(self, before: Scene, aligned: Scene, scratch: Path, progress: Progress | None = None) -> Iterator[ComparedStrip]:
        """Chances in one pass; with a model of classes, its classes in a second."""
        pair = pair_of(before, aligned, self.engine.model.preprocess)
        detector = PairDetector(self.engine.model.ood_detector, self.engine.model.preprocess, pair.places)
        total = self.tiles(before)
        taken: list[PairStatistics] = []
        told = _within(progress, 0, total)
        found = pair_evidence(pair, self.engine, told, detector=detector, known=self.statistics, tell=taken.append)
        if self.classes is None:
            for evidence in found:
                yield ComparedStrip(evidence, detector.shares, taken[-1].as_values())
            return
        with EvidenceFile(scratch / PROBABILITIES, before.width) as probs:
            for evidence in found:
                probs.append(evidence)
            own = pixel_grid(before, self.engine.model.preprocess).tiles
            for strip in compare(before, aligned, self.classes, progress=_within(progress, own, total)):
                classed = strip.evidence
                scored = probs.rows(strip.top, len(classed.score)).score
                score = np.where(classed.before == NODATA, np.float32(np.nan), scored)
                outside = _larger(detector.shares, shares_of(strip))
                yield ComparedStrip(replace(classed, score=score), outside, taken[-1].as_values())

    def threshold(self, scores: ScoreHistogram) -> float:
        """That of the statistics that were given, else the model's own."""
        return self.engine.model.threshold if self.statistics is None else self.statistics.threshold

    def parameters(self, reading: ComparedBands) -> Mapping[str, Any]:
        """How the model was run, the model of classes, and the bands that were compared."""
        classes = self.classes
        named = {"classes_model": classes.model.id, "classes_weights": classes.model.weights_hash} if classes is not None else {}
        return {
            "tile": list(self.engine.model.preprocess.size),
            "overlap": PIXEL_OVERLAP,
            "views": 2 if self.engine.model.preprocess.enlarged else 1,  # of each tile
            "runtime": self.engine.runtime.library,
            "precision": self.engine.runtime.precision,
            "device": self.engine.runtime.name,
            **named,
            "bands": list(reading.preprocess.channels),
        }


def pair_evidence(
    pair: ScenePair,
    engine: ChangeEngine,
    progress: Progress | None = None,
    strip_rows: int | None = None,
    detector: PairDetector | None = None,
    known: PairStatistics | None = None,
    tell: Callable[[PairStatistics], None] | None = None,
) -> Iterator[Evidence]:
    """The evidence of two dates, strip by strip; no class is known of either. Parameters, raises: as of change_strips."""
    for strip in change_strips(pair, engine, strip_rows, progress, detector, known, tell):
        probs = np.where(strip.valid, np.rint(strip.probabilities[0] * STEPS) / STEPS, np.nan).astype(np.float32)
        nothing = np.full(probs.shape, NODATA, dtype=np.uint8)
        yield Evidence(probs, nothing, nothing)


def _larger(own: Shares | None, of_classes: Shares) -> Shares:
    """At each date the larger share: what either model does not know may mean nothing."""
    first, second = own or (0.0, 0.0)
    return max(first, of_classes[0]), max(second, of_classes[1])


def _within(progress: Progress | None, before: int, total: int) -> Progress:
    """Part of the work, which comes after `before` tiles of `total`."""

    def tell(done: int, _: int) -> None:
        if progress is not None:
            progress(min(before + done, total), total)

    return tell
