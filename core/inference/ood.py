"""Whether a model was made for an image: first what its header and kind say, then how far its features lie from the training's.

Features are the embedding and plain statistics of the values (models/image_statistics.py). The distance is Mahalanobis' under a
shrunken covariance (Lee et al. 2018, "A Simple Unified Framework for Detecting Out-of-Distribution Samples", without classes, on all
layers at once): directions that hardly vary over the training weigh most, and it is there that outliers give themselves away. Where
outliers were at hand, a support vector machine with Gaussian kernels on the same whitened features joins, in the unit of the distance
(Hendrycks et al. 2019, "Deep Anomaly Detection with Outlier Exposure"). The larger of the two decides.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.types import Domain, FloatImage, ModelInput, Notice, Outside, notice
from models.image_statistics import image_statistics
from models.registry import LoadedModel, OodDetector, OutlierSvm

Features = NDArray[np.float32]


def features(values: FloatImage, embeddings: NDArray[np.float32]) -> Features:
    """What the OOD detector looks at, float32 [N, D]: embeddings [N, width] and the statistics of values [N, channels, rows, columns]."""
    return np.concatenate([embeddings, image_statistics(values)], axis=1)


def ood_score(seen: Features, model: OodDetector) -> NDArray[np.float64]:
    """Distance of features, float32 [..., D], from those of the training; growing with strangeness. Returns [...]."""
    whitened = (seen - model.mean) @ model.whitening
    length = np.asarray(np.linalg.norm(whitened, axis=-1), dtype=np.float64)
    return length if model.svm is None else np.maximum(length, svm_score(whitened, model.svm))


def svm_score(whitened: NDArray[np.floating[Any]], learnt: OutlierSvm) -> NDArray[np.float64]:
    """How far out the support vector machine finds whitened features [..., K], in the unit of the distance. Returns [...]."""
    rows = whitened.reshape(-1, whitened.shape[-1])
    squares = (rows**2).sum(axis=1)[:, np.newaxis] + (learnt.examples**2).sum(axis=1) - 2.0 * rows @ learnt.examples.T
    found = np.exp(-learnt.reach * np.maximum(squares, 0.0)) @ learnt.weights + learnt.offset
    return np.asarray(found, dtype=np.float64).reshape(whitened.shape[:-1])


def assess(given: ModelInput, seen: Features | None, model: LoadedModel) -> Outside:
    """Refused by header or kind, else by distance; the score is told in either case.

    seen: float32 [D], the features of the input; None for an empty one, whose score is NaN. A model without outside.safetensors refuses by
    header and kind alone, and its score and threshold are NaN.
    """
    known = model.ood_detector
    if known is None or seen is None:
        threshold = float("nan") if known is None else known.threshold
        return Outside(float("nan"), threshold, bool(given.refusal), given.refusal)
    score = float(ood_score(seen, known))
    reason = given.refusal or _too_far(score, known.threshold, model.preprocess.domain)
    return Outside(score, known.threshold, bool(reason), reason)


def _too_far(score: float, threshold: float, domain: Domain) -> Notice | None:
    if score <= threshold:  # a score that is no number is too far
        return None
    return notice("outside.image", domain=domain.value, score=score, threshold=threshold)
