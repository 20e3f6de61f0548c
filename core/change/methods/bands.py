"""What the methods without a model share: the bands of both dates as reflectance, strip by strip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.change.evidence import NODATA, STEPS, Evidence
from core.change.methods.base import ComparedBands, Method
from core.change.threshold import ScoreHistogram
from core.errors import OutOfRange
from core.prepare.grid.bands import read_window, resolve_bands
from core.types import Domain, FloatImage, Mask, Preprocess, Progress, Scene

_STRIP_PIXELS = 1_000_000
"""Pixels of a date that are read at a time."""


@dataclass(frozen=True)
class BandStrip:
    """Rows of both dates: reflectance, float32 [bands, rows, columns] each, and where both have data, bool [rows, columns]."""

    before: FloatImage
    after: FloatImage
    valid: Mask


WantedThreshold = float | str | Path | None
"""A threshold: a number, "otsu" for the one that parts the scores of these dates best, a file of places that changed and that did not, or
None for the usual one."""
OTSU = "otsu"


@dataclass(frozen=True)
class BandMethod(Method):
    """By the bands themselves; no model is asked, and nothing lies outside of what one knows. wanted: the threshold."""

    wanted: WantedThreshold = None

    @property
    def sample(self) -> Path | None:
        """As wanted."""
        return self.wanted if isinstance(self.wanted, Path) else None

    def check(self, before: Scene, after: Scene) -> None:
        """Raises MissingBands."""
        self.reading(before, after)


def wanted_threshold(text: str, sample: Path | None = None) -> WantedThreshold:
    """A threshold as written: a number, "otsu", or None for ""; the sample where there is one. Raises OutOfRange."""
    if sample is not None:
        if text:
            raise OutOfRange("--threshold", text, "left out where --threshold-sample is given")
        return sample
    if text in ("", OTSU):
        return text or None
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise OutOfRange("--threshold", text, f"a number, or {OTSU}")
    return float(value)


def way_of(wanted: WantedThreshold) -> str:
    """How a threshold was found, in a word."""
    if isinstance(wanted, Path):
        return "sample"
    return "given" if isinstance(wanted, float) else "Otsu" if wanted == OTSU else "usual"


def threshold_by(wanted: WantedThreshold, scores: ScoreHistogram, usual: float) -> float:
    """The threshold that was wanted, where it is no sample."""
    if isinstance(wanted, float):
        return wanted
    return scores.otsu(usual) if wanted == OTSU else usual


def read_by(colours: Sequence[str]) -> ComparedBands:
    """Bands by their colours, at whatever size on the ground."""
    return ComparedBands(Preprocess(domain=Domain.CHANGE, size=(1, 1), channels=tuple(colours), standardise="image"))


def strips_in(scene: Scene) -> int:
    """How many strips a scene is read in."""
    return -(-scene.height // _rows(scene))


def both_dates(before: Scene, aligned: Scene, colours: Sequence[str], step: Callable[[], None]) -> Iterator[BandStrip]:
    """Strips from top to bottom, each row once. step: called after each strip; what it raises ends the work.

    Raises MissingBands, UnreadableFile.
    """
    first, second = (resolve_bands(scene, colours)[0] for scene in (before, aligned))
    rows = _rows(before)
    for top in range(0, before.height, rows):
        window = (0, top, before.width, min(rows, before.height - top))
        values, valid = read_window(before, first, window)
        others, also = read_window(aligned, second, window)
        yield BandStrip(values, others, valid & also)
        step()


def evidence_of(score: FloatImage, valid: Mask) -> Evidence:
    """Scores as evidence, in steps of 1/4096; no class is known of either date."""
    nothing = np.full(score.shape, NODATA, dtype=np.uint8)
    return Evidence(np.where(valid, np.rint(score * STEPS) / STEPS, np.nan).astype(np.float32), nothing, nothing)


def step_counter(progress: Progress | None, total: int) -> Callable[[], None]:
    """Tells of one step more each time that it is called."""
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    return step


def _rows(scene: Scene) -> int:
    return max(1, _STRIP_PIXELS // scene.width)
