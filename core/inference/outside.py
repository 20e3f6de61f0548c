"""Whether a model was made for an image: first what its header and kind say, then how far its embedding lies from the training's.

The distance is Mahalanobis' under a shrunken covariance (Lee et al. 2018, "A Simple Unified Framework for Detecting Out-of-Distribution
Samples", without classes, on all layers at once): directions that hardly vary over the training weigh most, and it is there that
strangers give themselves away.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import OutOfRange
from core.types import Domain, ModelInput, Outside
from models.registry import LoadedModel, OutsideModel

SHARE_REFUSED = 0.03
"""Share of held-back images of the right kind that the threshold gives up, to catch strangers."""
SHRINKAGE = 1e-3
"""Share of the mean variance that is added to each direction, so that none is taken as without any."""
SMALLEST_VARIANCE = 1e-12
"""Of a direction, where a training has none at all."""
MOST_DIRECTIONS = 256
"""Principal directions that are kept, those that vary most; further ones found no more strangers, and hold only noise."""
KINDS = {Domain.RADIOGRAPH: "radiographs", Domain.LAND_COVER: "satellite images", Domain.CHANGE: "pairs of satellite images"}


def outside_score(embedding: NDArray[np.float32], model: OutsideModel) -> NDArray[np.float64]:
    """Distance of embeddings, float32 [..., D], from those of the training; growing with strangeness. Returns [...]."""
    return np.asarray(np.linalg.norm((embedding - model.mean) @ model.whitening, axis=-1), dtype=np.float64)


def judge(given: ModelInput, embedding: NDArray[np.float32] | None, model: LoadedModel) -> Outside:
    """Refused by header or kind, else by distance; the score is told in either case.

    embedding: float32 [D]; None for an empty input, whose score is NaN. A model without outside.safetensors refuses by header and kind
    alone, and its score and threshold are NaN.
    """
    known = model.outside
    if known is None or embedding is None:
        threshold = float("nan") if known is None else known.threshold
        return Outside(float("nan"), threshold, bool(given.refusal), given.refusal)
    score = float(outside_score(embedding, known))
    reason = given.refusal or _distance_reason(score, known.threshold, model.preprocess.domain)
    return Outside(score, known.threshold, bool(reason), reason)


def fit_outside(train: NDArray[np.float32], held: Sequence[NDArray[np.float32]], share_refused: float = SHARE_REFUSED) -> OutsideModel:
    """What the training's embeddings look like, and the distance that all but `share_refused` of the held-back ones keep, of each origin.

    train: float32 [images, D], of images that the model shall answer. held: the same of images that were not trained on, one array an
    origin (a hospital, a sensor), so that a small one is not given up for a large one.
    Raises OutOfRange for fewer than two images to train or none held back of an origin, and for a share outside [0, 1).
    """
    if len(train) < 2 or not held or not all(len(one) for one in held):
        counts = (len(train), *(len(one) for one in held))
        raise OutOfRange("images for the outside gate", counts, "at least 2 of the training and 1 held back of each origin")
    if not 0.0 <= share_refused < 1.0:
        raise OutOfRange("share_refused", share_refused, "0 <= share_refused < 1")
    values = np.asarray(train, dtype=np.float64)
    variances, directions = np.linalg.eigh(np.cov(values, rowvar=False))  # [D] ascending, [D, D]
    spreads = np.sqrt(np.maximum(variances, 0.0) + max(SHRINKAGE * variances.mean(), SMALLEST_VARIANCE))
    whitening = (directions / spreads)[:, -MOST_DIRECTIONS:]
    unbounded = OutsideModel(values.mean(axis=0).astype(np.float32), whitening.astype(np.float32), float("inf"))
    threshold = max(float(np.quantile(outside_score(one, unbounded), 1.0 - share_refused)) for one in held)
    return OutsideModel(unbounded.mean, unbounded.whitening, threshold)


def _distance_reason(score: float, threshold: float, domain: Domain) -> str:
    if score <= threshold:
        return ""
    return (
        f"The image does not look like the {KINDS[domain]} that the model was trained on "
        f"(distance {score:.1f}; up to {threshold:.1f} counts as alike)."
    )
