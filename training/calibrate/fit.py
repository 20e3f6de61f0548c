"""Fits what core/inference/ood.py goes by: mean and whitening, threshold, and a support vector machine where outliers are at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC

from core.errors import OutOfRange
from core.inference.ood import Features, ood_score, svm_score
from models.registry import OodDetector, OutlierSvm

SHARE_REFUSED = 0.01
"""Share of held-back images of the right kind that the threshold gives up, to catch outliers."""
SHRINKAGE = 1e-3
"""Share of the mean variance that is added to each direction, so that none is taken as without any."""
SMALLEST_VARIANCE = 1e-12
"""Of a direction, where a training has none at all."""
SMALLEST_SPREAD = 1e-6
"""Of a feature: the unit of those that are the same in every image."""
SVM_COST, SVM_REACH = 1.0, 0.5
"""Of the support vector machine: the cost of a wrong side; the factor of the squared distance in its kernels, a direction on average."""
MOST_TAUGHT = 4000
"""Images of the right kind that it learns from; its kernels are kept and compared with every image."""
TAUGHT_SEED = 3
"""Of the draw of those images."""
MOST_DIRECTIONS = 256
"""Principal directions that are kept, those that vary most; further ones found no more outliers, and hold only noise."""


def fit_ood_detector(
    train: Sequence[Features], held: Sequence[Features], share_refused: float = SHARE_REFUSED, outliers: Sequence[Features] = ()
) -> OodDetector:
    """What the training's features look like, and the score that all but `share_refused` of the held-back ones keep, of each origin.

    train: float32 [images, D], of images that the model shall answer, one array an origin (a hospital, a sensor); each origin counts alike,
    so that a small one is not given up for a large one. held: the same of images that were not trained on. outliers: one array a kind.
    Raises OutOfRange for fewer than two images to train or none held back of an origin, and for a share outside [0, 1).
    """
    if not train or not held or min(len(one) for one in train) < 2 or not all(len(one) for one in held):
        counts = tuple(len(one) for one in (*train, *held))
        raise OutOfRange("images for the OOD detector", counts, "at least 2 of the training and 1 held back, of each origin")
    if not 0.0 <= share_refused < 1.0:
        raise OutOfRange("share_refused", share_refused, "0 <= share_refused < 1")
    detector = _distance(train)
    if outliers:
        detector = _with_svm(detector, train, held, outliers, 1.0 - share_refused)
    threshold = max(float(np.quantile(ood_score(one, detector), 1.0 - share_refused)) for one in held)
    return replace(detector, threshold=threshold)


def _distance(train: Sequence[Features]) -> OodDetector:
    """Mean and whitening, without a threshold. Each feature is brought to unit variance first, so that its own unit does not matter."""
    values, weights = np.concatenate(train).astype(np.float64), _alike(train)
    mean = np.average(values, axis=0, weights=weights)
    units = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))
    units = np.where(units > SMALLEST_SPREAD, units, 1.0)
    variances, directions = np.linalg.eigh(np.cov((values - mean) / units, rowvar=False, aweights=weights))  # [D] ascending, [D, D]
    spreads = np.sqrt(np.maximum(variances, 0.0) + max(SHRINKAGE * variances.mean(), SMALLEST_VARIANCE))
    whitening = (directions / spreads)[:, -MOST_DIRECTIONS:] / units[:, np.newaxis]
    return OodDetector(mean.astype(np.float32), whitening.astype(np.float32), float("inf"))


def _with_svm(
    detector: OodDetector, train: Sequence[Features], held: Sequence[Features], outliers: Sequence[Features], keeps: float
) -> OodDetector:
    """A support vector machine beside the distance. Its scores on `held` have the median and the highest kept value of the distances."""
    known, strange = _drawn(train, MOST_TAUGHT), np.concatenate(outliers)
    whitened = (np.concatenate([*known, strange]) - detector.mean) @ detector.whitening
    weights = np.concatenate([_alike(known), _alike(outliers)]) * len(strange)
    is_strange = np.repeat([False, True], [len(whitened) - len(strange), len(strange)])
    machine = SVC(C=SVM_COST, gamma=SVM_REACH / whitened.shape[1]).fit(whitened, is_strange, sample_weight=weights)
    plain = OutlierSvm(
        examples=machine.support_vectors_.astype(np.float16).astype(np.float32),  # as they are written
        weights=machine.dual_coef_[0].astype(np.float32),
        reach=SVM_REACH / whitened.shape[1],
        offset=float(machine.intercept_[0]),
    )
    kept = (np.concatenate(held) - detector.mean) @ detector.whitening
    middle, high = np.quantile(np.linalg.norm(kept, axis=1), (0.5, keeps))
    middle_verdict, high_verdict = np.quantile(svm_score(kept, plain), (0.5, keeps))
    scale = float((high - middle) / max(high_verdict - middle_verdict, SMALLEST_VARIANCE))
    offset = float(middle + (plain.offset - middle_verdict) * scale)
    return replace(detector, svm=replace(plain, weights=plain.weights * np.float32(scale), offset=offset))


def _drawn(train: Sequence[Features], most: int) -> list[Features]:
    """At most so many rows of each array that all of them together are `most`."""
    random = np.random.default_rng(TAUGHT_SEED)
    return [one[np.sort(random.permutation(len(one))[: most // len(train)])] for one in train]


def _alike(arrays: Sequence[Features]) -> NDArray[np.float64]:
    """A weight for each row, so that each array counts alike and all weigh one."""
    return np.concatenate([np.full(len(one), 1.0 / len(one) / len(arrays)) for one in arrays])
