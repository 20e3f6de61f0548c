"""Iteratively reweighted multivariate alteration detection: what no linear change of light, sensor or season explains.

Canonical correlations find, of all bands, the combinations in which two dates agree best; the differences of these, each by its own
variance where nothing changed, sum to a chi-square. Pixels that hardly differ count more in the next round (Nielsen 2007, "The
Regularized Iteratively Reweighted MAD Method for Change Detection in Multi- and Hyperspectral Data"). Such weights make the variances too
small, so these are scaled until the median pixel lies where that of a chi-square does: most of a scene does not change. The transform is
learned on a regular sample of the pixels and applied to all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.stats import chi2

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
from core.errors import MissingBands
from core.types import FloatImage, Progress, Scene

MAD = "mad"
THRESHOLD = 0.999
"""Share of unchanged pixels whose chi-square stays below that of a changed one."""
MOST_ROUNDS, SETTLED = 30, 1e-3
"""Rounds of weighting at most, and the change of the correlations from which on no more are needed."""
SAMPLE = 500_000
"""Pixels that the transform is learned from."""
RIDGE = 1e-9
"""Added to a covariance, as a share of its mean variance, so that bands that repeat each other do no harm."""
LEAST_VARIANCE = 1e-6
"""Of a difference of canonical variates, whose own variance is 1: two copies of one image differ in nothing."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Transform:
    """From the bands of two dates to differences. means: [bands]. weights: [bands, variates]. variances: [variates], unchanged."""

    before_mean: Floats
    after_mean: Floats
    before_weights: Floats
    after_weights: Floats
    variances: Floats

    def chi_square(self, before: Floats, after: Floats) -> Floats:
        """[pixels, bands] of both dates to [pixels]."""
        differences = (before - self.before_mean) @ self.before_weights - (after - self.after_mean) @ self.after_weights
        return np.asarray((differences**2 / self.variances).sum(axis=1))


@dataclass(frozen=True)
class ByMad(BandMethod):
    """By all bands that both dates have."""

    name = MAD
    is_local = False

    def reading(self, before: Scene, aligned: Scene) -> ComparedBands:
        """The bands that both dates have. Raises MissingBands where they share none."""
        theirs = {band.common_name for band in aligned.bands} - {""}
        shared = list(dict.fromkeys(band.common_name for band in before.bands if band.common_name in theirs))
        if not shared:
            raise MissingBands(
                aligned.name, [band.common_name or band.name for band in before.bands], [band.name for band in aligned.bands]
            )
        return read_by(shared)

    def tiles(self, before: Scene) -> int:
        """Strips of the scene, once to learn and once to apply."""
        return 2 * strips_in(before)

    def strips(self, before: Scene, aligned: Scene, scratch: Path, progress: Progress | None = None) -> Iterator[ComparedStrip]:
        """One pass to learn from a sample, one over all pixels."""
        colours, step = self.reading(before, aligned).preprocess.channels, step_counter(progress, self.tiles(before))
        every = max(1, -(-before.width * before.height // SAMPLE))
        sampled = [_pixels(one.before, one.after, one.valid, every) for one in both_dates(before, aligned, colours, step)]
        transform = learn(*(np.concatenate(parts) for parts in zip(*sampled, strict=True)))
        for strip in both_dates(before, aligned, colours, step):
            score = np.zeros(strip.valid.shape, dtype=np.float32)
            if transform is not None:
                pixels = _pixels(strip.before, strip.after, strip.valid, 1)
                score[strip.valid] = chi2.cdf(transform.chi_square(*pixels), len(colours))
            yield ComparedStrip(evidence_of(score, strip.valid))

    def threshold(self, scores: ScoreHistogram) -> float:
        """As wanted."""
        return threshold_by(self.wanted, scores, THRESHOLD)

    def parameters(self, reading: ComparedBands) -> Mapping[str, Any]:
        """Which bands, and how the threshold was found."""
        return {"bands": list(reading.preprocess.channels), "threshold_by": way_of(self.wanted)}


def by_mad(threshold: str = "", sample: Path | None = None) -> ByMad:
    """The method. threshold, sample: as of wanted_threshold. Raises OutOfRange."""
    return ByMad(wanted_threshold(threshold, sample))


def learn(before: Floats, after: Floats) -> Transform | None:
    """The transform of two dates, [pixels, bands] each; None where there are too few pixels to tell one."""
    if len(before) <= 2 * before.shape[1]:
        return None
    weights, known = np.ones(len(before)), np.zeros(before.shape[1])
    for _ in range(MOST_ROUNDS):
        transform, correlations = _canonical(before, after, weights)
        transform = _scaled(transform, before, after)
        if np.abs(correlations - known).max() < SETTLED:
            break
        known = correlations
        weights = np.maximum(chi2.sf(transform.chi_square(before, after), before.shape[1]), np.finfo(float).tiny)
    return transform


def _canonical(before: Floats, after: Floats, weights: Floats) -> tuple[Transform, Floats]:
    """Canonical correlation analysis of weighted pixels: the transform, and the correlations."""
    share = weights / weights.sum()
    means = share @ before, share @ after
    first, second = before - means[0], after - means[1]
    roots = [_root((share[:, np.newaxis] * one).T @ one) for one in (first, second)]
    between = (share[:, np.newaxis] * first).T @ second
    whitened = solve_triangular(roots[1], solve_triangular(roots[0], between, lower=True).T, lower=True).T
    left, correlations, right = np.linalg.svd(whitened)
    before_weights, after_weights = (
        solve_triangular(root, side, lower=True, trans="T") for root, side in zip(roots, (left, right.T), strict=True)
    )
    variances = np.maximum(2.0 * (1.0 - correlations), LEAST_VARIANCE)
    return Transform(*means, before_weights, after_weights, variances), correlations


def _scaled(transform: Transform, before: Floats, after: Floats) -> Transform:
    """The variances such that the median of all pixels is that of a chi-square."""
    found = float(np.median(transform.chi_square(before, after))) / chi2.median(before.shape[1])
    return replace(transform, variances=np.maximum(transform.variances * found, LEAST_VARIANCE))


def _root(covariance: Floats) -> Floats:
    """The lower triangle whose square it is."""
    bands = len(covariance)
    ridge = max(float(np.trace(covariance)) / bands * RIDGE, np.finfo(float).tiny ** 0.5)
    return np.asarray(np.linalg.cholesky(covariance + ridge * np.eye(bands)))


def _pixels(before: FloatImage, after: FloatImage, valid: NDArray[np.bool_], every: int) -> tuple[Floats, Floats]:
    """Every so many of the valid pixels of both dates, float64 [pixels, bands] each."""
    return before[:, valid][:, ::every].T.astype(np.float64), after[:, valid][:, ::every].T.astype(np.float64)
