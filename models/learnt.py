"""What a training learnt beside the weights: calibration, and what its images look like."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from core.errors import BrokenModel
from core.types import Calibration
from models.folder import CALIBRATION, OUTSIDE, read_json


@dataclass(frozen=True)
class OutlierSvm:
    """What the OOD detector learnt from outliers: a support vector machine with Gaussian kernels on whitened features.

    Of whitened features w it says the sum of weights * exp(-reach * |w - example|^2), and offset.
    examples: float32 [S, K], those of both sides that decide. weights: float32 [S], above 0 for outliers, in the unit of the distance.
    """

    examples: NDArray[np.float32]
    weights: NDArray[np.float32]
    reach: float
    offset: float


@dataclass(frozen=True)
class OodDetector:
    """What the features of training images look like (embedding and image statistics), for telling outliers.

    mean: float32 [D]. whitening: float32 [D, K]. With w = (x - mean) @ whitening, the score of x is the length of w, or what the support
    vector machine says of w where that is more. threshold: scores above it are outside. svm: None where the distance alone is known.
    """

    mean: NDArray[np.float32]
    whitening: NDArray[np.float32]
    threshold: float
    svm: OutlierSvm | None = None


def read_calibration(folder: Path) -> Calibration | None:
    """calibration.json; None where there is none. Raises BrokenModel."""
    if not (folder / CALIBRATION).is_file():
        return None
    try:
        calibration = Calibration(**{name: float(value) for name, value in read_json(folder / CALIBRATION).items()})
        if not all(map(math.isfinite, vars(calibration).values())):
            raise ValueError("a number is not finite")
        if not calibration.temperature > 0.0:
            raise ValueError("the temperature must be above 0")
        return calibration
    except (TypeError, ValueError) as error:
        raise BrokenModel(f"{folder / CALIBRATION} cannot be used: {error}.", "Compare it with a model of the zoo.") from None


def read_ood_detector(folder: Path) -> OodDetector | None:
    """outside.safetensors; None where there is none. Raises BrokenModel."""
    if not (folder / OUTSIDE).is_file():
        return None
    try:
        arrays = load_file(folder / OUTSIDE)
        if not all(np.isfinite(values).all() for values in arrays.values()):
            raise ValueError("it holds numbers that are not finite")
        return OodDetector(
            mean=arrays["mean"].astype(np.float32),
            whitening=arrays["whitening"].astype(np.float32),
            threshold=float(arrays["threshold"].item()),
            svm=_read_svm(arrays) if "examples" in arrays else None,
        )
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise BrokenModel(f"{folder / OUTSIDE} cannot be used: {error}.", "Write it again with `sightline train`.") from None


def _read_svm(arrays: dict[str, NDArray[np.generic]]) -> OutlierSvm:
    return OutlierSvm(
        examples=arrays["examples"].astype(np.float32),
        weights=arrays["weights"].astype(np.float32),
        reach=float(arrays["reach"].item()),
        offset=float(arrays["offset"].item()),
    )
