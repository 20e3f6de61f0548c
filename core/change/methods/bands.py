"""What the methods without a model share: the bands of both dates as reflectance, strip by strip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.change.evidence import NODATA, STEPS, Evidence
from core.change.methods.base import ComparedBands, Method
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


class BandMethod(Method):
    """By the bands themselves; no model is asked, and nothing lies outside of what one knows."""

    def check(self, before: Scene, after: Scene) -> None:
        """Raises MissingBands."""
        self.reading(before, after)


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
