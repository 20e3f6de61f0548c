"""Where the weight of a map lies: in the lungs, elsewhere in the body, outside the patient; where a scene holds data, and where not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.prepare.domains import image_domain
from core.types import Explanation, Image, Inside, ModelInput, Preprocess

_BESIDE = ("outside", "cloud", "nodata")
"""What no answer should rest on."""
MUCH = 0.2
"""Share of a map's weight beside what an answer should rest on from which the answer says so."""


def with_inside(explanation: Explanation, image: Image, given: ModelInput, preprocess: Preprocess) -> Explanation:
    """The explanation with where its weight lies; as it is where nothing is known of the image.

    given: the input that was explained. Raises UnreadableFile where its pixels cannot be read again.
    """
    parts = image_domain(preprocess.domain).parts(image, given, preprocess)
    weights = explanation.saliency.astype(np.float64)
    total = float(weights.sum())
    if not parts or total <= 0.0:
        return explanation
    shares = {name: None if mask is None else float(weights[mask].sum()) / total for name, mask in parts.items()}
    areas = {name: None if mask is None else float(mask.mean()) for name, mask in parts.items()}
    return replace(explanation, inside=Inside(shares, areas))


def beside(inside: Inside | None) -> float:
    """The share of the weight that lies beside what an answer should rest on; 0 where nothing is known."""
    return sum(value or 0.0 for name, value in inside.shares.items() if name in _BESIDE) if inside is not None else 0.0
