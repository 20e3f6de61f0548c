"""What a training learnt beside the weights: calibration, and what its images look like."""

from __future__ import annotations

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
class OutsideModel:
    """What the features of training images look like (embedding and image statistics), for telling strangers.

    mean: float32 [D]. whitening: float32 [D, K]. With w = (x - mean) @ whitening, the score of x is the length of w, and
    w @ direction + offset added where that is above 0. threshold: scores above it are outside.
    direction: float32 [K], towards strangers that the gate has learnt; None for a gate that knows the distance alone.
    """

    mean: NDArray[np.float32]
    whitening: NDArray[np.float32]
    threshold: float
    direction: NDArray[np.float32] | None = None
    offset: float = 0.0


def read_calibration(folder: Path) -> Calibration | None:
    """calibration.json; None where there is none. Raises BrokenModel."""
    if not (folder / CALIBRATION).is_file():
        return None
    try:
        calibration = Calibration(**{name: float(value) for name, value in read_json(folder / CALIBRATION).items()})
        if not calibration.temperature > 0.0:
            raise ValueError("the temperature must be above 0")
        return calibration
    except (TypeError, ValueError) as error:
        raise BrokenModel(f"{folder / CALIBRATION} cannot be used: {error}.", "Compare it with a model of the zoo.") from None


def read_outside(folder: Path) -> OutsideModel | None:
    """outside.safetensors; None where there is none. Raises BrokenModel."""
    if not (folder / OUTSIDE).is_file():
        return None
    try:
        arrays = load_file(folder / OUTSIDE)
        return OutsideModel(
            mean=arrays["mean"].astype(np.float32),
            whitening=arrays["whitening"].astype(np.float32),
            threshold=float(arrays["threshold"].item()),
            direction=arrays["direction"].astype(np.float32) if "direction" in arrays else None,
            offset=float(arrays["offset"].item()) if "offset" in arrays else 0.0,
        )
    except (SafetensorError, KeyError, ValueError) as error:
        raise BrokenModel(f"{folder / OUTSIDE} cannot be used: {error}.", "Write it again with `sightline train`.") from None
