"""Whether a model was made for an image: first what its header and kind say, then how far its features lie from the training's.

Features are the embedding and plain statistics of the values (models/image_statistics.py). The distance is Mahalanobis' under a
shrunken covariance (Lee et al. 2018, "A Simple Unified Framework for Detecting Out-of-Distribution Samples", without classes, on all
layers at once): directions that hardly vary over the training weigh most, and it is there that strangers give themselves away. Where
strangers were at hand, a judge of the same whitened features joins (Hendrycks et al. 2019, "Deep Anomaly Detection with Outlier
Exposure"): a support vector machine with Gaussian kernels, in the unit of the distance. The larger of the two decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC

from core.errors import OutOfRange
from core.types import Domain, FloatImage, ModelInput, Outside
from models.image_statistics import image_statistics
from models.registry import Judge, LoadedModel, OutsideModel

SHARE_REFUSED = 0.02
"""Share of held-back images of the right kind that the threshold gives up, to catch strangers."""
SHRINKAGE = 1e-3
"""Share of the mean variance that is added to each direction, so that none is taken as without any."""
SMALLEST_VARIANCE = 1e-12
"""Of a direction, where a training has none at all."""
SMALLEST_SPREAD = 1e-6
"""Of a feature: the unit of those that are the same in every image."""
JUDGE_FREEDOM, JUDGE_REACH = 1.0, 0.5
"""Of the judge: the cost of a wrong side, and the factor of the squared distance in its kernels, a direction on average."""
MOST_TAUGHT = 4000
"""Images of the right kind that the judge learns from; its kernels are kept and compared with every image."""
TAUGHT_SEED = 3
MOST_DIRECTIONS = 256
"""Principal directions that are kept, those that vary most; further ones found no more strangers, and hold only noise."""
Features = NDArray[np.float32]
KINDS = {
    Domain.RADIOGRAPH: "radiographs",
    Domain.LAND_COVER: "satellite images",
    Domain.CHEST_CT: "CT images of the lungs",
    Domain.CHANGE: "pairs of satellite images",
    Domain.PICTURE: "pictures",
}


def features(values: FloatImage, embeddings: NDArray[np.float32]) -> Features:
    """What the gate looks at, float32 [N, D]: embeddings [N, width] and the statistics of values [N, channels, rows, columns]."""
    return np.concatenate([embeddings, image_statistics(values)], axis=1)


def outside_score(seen: Features, model: OutsideModel) -> NDArray[np.float64]:
    """Distance of features, float32 [..., D], from those of the training; growing with strangeness. Returns [...]."""
    whitened = (seen - model.mean) @ model.whitening
    length = np.asarray(np.linalg.norm(whitened, axis=-1), dtype=np.float64)
    return length if model.judge is None else np.maximum(length, verdict(whitened, model.judge))


def verdict(whitened: NDArray[np.floating[Any]], learnt: Judge) -> NDArray[np.float64]:
    """How strange the judge finds whitened features [..., K], in the unit of the distance. Returns [...]."""
    rows = whitened.reshape(-1, whitened.shape[-1])
    squares = (rows**2).sum(axis=1)[:, np.newaxis] + (learnt.examples**2).sum(axis=1) - 2.0 * rows @ learnt.examples.T
    found = np.exp(-learnt.reach * np.maximum(squares, 0.0)) @ learnt.weights + learnt.offset
    return np.asarray(found, dtype=np.float64).reshape(whitened.shape[:-1])


def judge(given: ModelInput, seen: Features | None, model: LoadedModel) -> Outside:
    """Refused by header or kind, else by distance; the score is told in either case.

    seen: float32 [D], the features of the input; None for an empty one, whose score is NaN. A model without outside.safetensors refuses by
    header and kind alone, and its score and threshold are NaN.
    """
    known = model.outside
    if known is None or seen is None:
        threshold = float("nan") if known is None else known.threshold
        return Outside(float("nan"), threshold, bool(given.refusal), given.refusal)
    score = float(outside_score(seen, known))
    reason = given.refusal or _distance_reason(score, known.threshold, model.preprocess.domain)
    return Outside(score, known.threshold, bool(reason), reason)


def fit_outside(
    train: Sequence[Features], held: Sequence[Features], share_refused: float = SHARE_REFUSED, strangers: Sequence[Features] = ()
) -> OutsideModel:
    """What the training's features look like, and the score that all but `share_refused` of the held-back ones keep, of each origin.

    train: float32 [images, D], of images that the model shall answer, one array an origin (a hospital, a sensor); each origin counts alike,
    so that a small one is not given up for a large one. held: the same of images that were not trained on. strangers: one array a kind.
    Raises OutOfRange for fewer than two images to train or none held back of an origin, and for a share outside [0, 1).
    """
    if not train or not held or min(len(one) for one in train) < 2 or not all(len(one) for one in held):
        counts = tuple(len(one) for one in (*train, *held))
        raise OutOfRange("images for the outside gate", counts, "at least 2 of the training and 1 held back, of each origin")
    if not 0.0 <= share_refused < 1.0:
        raise OutOfRange("share_refused", share_refused, "0 <= share_refused < 1")
    gate = _distance(train)
    if strangers:
        gate = _with_judge(gate, train, held, strangers, 1.0 - share_refused)
    threshold = max(float(np.quantile(outside_score(one, gate), 1.0 - share_refused)) for one in held)
    return replace(gate, threshold=threshold)


def _distance(train: Sequence[Features]) -> OutsideModel:
    """Mean and whitening, without a threshold. Each feature is brought to unit variance first, so that its own unit does not matter."""
    values, weights = np.concatenate(train).astype(np.float64), _alike(train)
    mean = np.average(values, axis=0, weights=weights)
    units = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))
    units = np.where(units > SMALLEST_SPREAD, units, 1.0)
    variances, directions = np.linalg.eigh(np.cov((values - mean) / units, rowvar=False, aweights=weights))  # [D] ascending, [D, D]
    spreads = np.sqrt(np.maximum(variances, 0.0) + max(SHRINKAGE * variances.mean(), SMALLEST_VARIANCE))
    whitening = (directions / spreads)[:, -MOST_DIRECTIONS:] / units[:, np.newaxis]
    return OutsideModel(mean.astype(np.float32), whitening.astype(np.float32), float("inf"))


def _with_judge(
    gate: OutsideModel, train: Sequence[Features], held: Sequence[Features], strangers: Sequence[Features], keeps: float
) -> OutsideModel:
    """A judge beside the distance. Its verdicts on `held` have the median and the highest kept value of the distances."""
    known, strange = _drawn(train, MOST_TAUGHT), np.concatenate(strangers)
    whitened = (np.concatenate([*known, strange]) - gate.mean) @ gate.whitening
    weights = np.concatenate([_alike(known), _alike(strangers)]) * len(strange)
    is_strange = np.repeat([False, True], [len(whitened) - len(strange), len(strange)])
    machine = SVC(C=JUDGE_FREEDOM, gamma=JUDGE_REACH / whitened.shape[1]).fit(whitened, is_strange, sample_weight=weights)
    plain = Judge(
        examples=machine.support_vectors_.astype(np.float16).astype(np.float32),  # as they are written
        weights=machine.dual_coef_[0].astype(np.float32),
        reach=JUDGE_REACH / whitened.shape[1],
        offset=float(machine.intercept_[0]),
    )
    kept = (np.concatenate(held) - gate.mean) @ gate.whitening
    middle, high = np.quantile(np.linalg.norm(kept, axis=1), (0.5, keeps))
    middle_verdict, high_verdict = np.quantile(verdict(kept, plain), (0.5, keeps))
    scale = float((high - middle) / max(high_verdict - middle_verdict, SMALLEST_VARIANCE))
    offset = float(middle + (plain.offset - middle_verdict) * scale)
    return replace(gate, judge=replace(plain, weights=plain.weights * np.float32(scale), offset=offset))


def _drawn(train: Sequence[Features], most: int) -> list[Features]:
    """At most so many rows of each array that all of them together are `most`."""
    random = np.random.default_rng(TAUGHT_SEED)
    return [one[np.sort(random.permutation(len(one))[: most // len(train)])] for one in train]


def _alike(arrays: Sequence[Features]) -> NDArray[np.float64]:
    """A weight for each row, so that each array counts alike and all weigh one."""
    return np.concatenate([np.full(len(one), 1.0 / len(one) / len(arrays)) for one in arrays])


def _distance_reason(score: float, threshold: float, domain: Domain) -> str:
    if score <= threshold:
        return ""
    return (
        f"The image does not look like the {KINDS[domain]} that the model was trained on "
        f"(distance {score:.1f}; up to {threshold:.1f} counts as alike)."
    )
