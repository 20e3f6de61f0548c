"""The one way from two dates to what counts as change, whatever the method: read alike, gathered strip by strip, then decided.

Evidence is gathered in full before it is decided, since a threshold may depend on all of it; it waits on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.change.caveats import Caveats, caveats, shift_between
from core.change.evidence import Classes, Evidence
from core.change.methods.base import ComparedBands, Method, Shares
from core.change.scratch import EvidenceFile
from core.change.threshold import ScoreHistogram
from core.change.threshold_sample import SampledThreshold, ThresholdSample, read_sample
from core.prepare.grid.align import on_grid_of, overlap_or_refuse
from core.prepare.grid.reflectance import is_scale_known
from core.prepare.scene_input import ground_refusal
from core.types import Notice, Progress, Scene

EVIDENCE = ".evidence"


@dataclass(frozen=True)
class _Dates:
    """Two dates on one grid. aligned: the second on the grid of the first. shift: pixels between them; None where it cannot be told."""

    before: Scene
    after: Scene
    aligned: Scene
    reading: ComparedBands
    shift: float | None

    @property
    def is_ground_known(self) -> bool:
        """Whether both dates' pixels and extent are of a size that the model was made for."""
        return not any(self.refusals)

    @property
    def is_scale_known(self) -> bool:
        """Whether it is known of both dates how their values become reflectance."""
        return is_scale_known(self.before) and is_scale_known(self.after)

    @property
    def refusals(self) -> tuple[Notice | None, Notice | None]:
        """Why either date cannot be what the model was made for, by its size on the ground; None where nothing is wrong."""
        return ground_refusal(self.before, self.reading.preprocess), ground_refusal(self.after, self.reading.preprocess)


@dataclass(frozen=True)
class Detection:
    """Two dates, decided: a pixel has changed where its score reaches the threshold.

    outside: at each date, the share that lies outside what the model knows; None where nothing tells. statistics: as of ComparedStrip.
    sampled: what the threshold was learned from, where that was a sample.
    """

    dates: _Dates
    threshold: float
    outside: Shares | None
    evidence: EvidenceFile
    statistics: Mapping[str, Any]
    sampled: SampledThreshold | None = None

    def strips(self) -> Iterator[tuple[int, Evidence]]:
        """(first row, evidence) from top to bottom."""
        return self.evidence.strips()

    @property
    def caveats(self) -> Caveats:
        """What has to be said of these dates."""
        dates, missing = self.dates, self.dates.reading.missing
        told = caveats(dates.before, dates.after, dates.aligned, dates.reading.preprocess, dates.shift, self.outside or (0.0, 0.0))
        return Caveats(told.warnings, (*told.warnings, *missing, *told.everything[len(told.warnings) :]))


def check_dates(before: Scene, after: Scene, method: Method) -> None:
    """Refusals, before the work. Raises NoOverlap, NoGrid, and what the method's check raises."""
    method.check(before, after)
    overlap_or_refuse(before, after)


def lay_over(before: Scene, after: Scene, method: Method) -> _Dates:
    """The second date on the grid of the first, and how far it is off. Raises MissingBands, UnreadableFile."""
    aligned = on_grid_of(after, before)
    reading = method.reading(before, aligned)
    return _Dates(before, after, aligned, reading, shift_between(before, aligned, reading.preprocess))


def gather(
    dates: _Dates,
    method: Method,
    evidence: EvidenceFile,
    scratch: Path,
    progress: Progress | None = None,
    seen: Callable[[int, Classes, Classes], None] | None = None,
) -> Detection:
    """All evidence of two dates, and from which score on a pixel has changed.

    evidence: empty, as wide as the first date; it stays open for as long as the detection is read. scratch: as of Method.strips.
    progress: told of tiles; what it raises ends the work. seen: told (first row, classes before, classes after) of each strip.
    Raises UnreadableFile, DeviceError, and what read_sample and its sample raise.
    """
    scores, outside, top = ScoreHistogram(*method.reach), None, 0
    sample = _sample_of(dates.before, method)
    statistics: Mapping[str, Any] = {}
    for strip in method.strips(dates.before, dates.aligned, scratch, progress):
        evidence.append(strip.evidence)
        scores.add(strip.evidence.score)
        if sample is not None:
            sample.add(top, strip.evidence.score)
        outside, statistics = strip.outside, strip.statistics
        if seen is not None:
            seen(top, strip.evidence.before, strip.evidence.after)
        top += len(strip.evidence.score)
    if not dates.is_ground_known:
        first, second = (1.0 if refusal else share for refusal, share in zip(dates.refusals, outside or (0.0, 0.0), strict=True))
        outside = (first, second)
    sampled = sample.best() if sample is not None else None
    threshold = sampled.threshold if sampled is not None else method.threshold(scores)
    return Detection(dates, threshold, outside, evidence, statistics, sampled)


def _sample_of(before: Scene, method: Method) -> ThresholdSample | None:
    if method.sample is None or before.crs is None:
        return None
    return read_sample(method.sample, before.crs, before.transform, method.reach)
