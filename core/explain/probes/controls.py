"""Controls: what a map looks like that shows nothing of what the network learnt, each with its gain on the ruler of the true ones.

They are the very opponents that a map must beat (core/explain/measure/opponents.py), and one of the random maps that it is ranked among.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.explain.evidence import no_progress, scaled
from core.explain.measure.gain import gains_of
from core.explain.measure.opponents import CENTRE, EDGES, RANDOM_WEIGHTS, model_free_maps, on_token_grid, random_weights
from core.explain.measure.random_maps import nearest_length, random_maps
from core.explain.overlay import DrawnMap, drawn_map
from core.explain.registry import evaluation_of, method_of, parameters_of
from core.inference.engine import Engine
from core.types import Explanation, FloatImage, FoundMap, MapUnit, ModelInput

NOISE = "noise"
"""One of the random maps; the others of CONTROLS are opponents."""
CONTROLS = (NOISE, CENTRE, EDGES, RANDOM_WEIGHTS)


@dataclass(frozen=True)
class Control:
    """name: of CONTROLS. method: of the explanation that it stands beside. gain: as Gain.value.

    drawn: on the input grid; noise, priors and edges go from their smallest to their largest value.
    """

    name: str
    method: str
    drawn: DrawnMap
    gain: float


def control_maps(engine: Engine, given: ModelInput, explanation: Explanation) -> Iterator[Control]:
    """The controls of one explanation of this input by this engine, one after another as they are made.

    Noise is as smooth as the explanation's map. Of the centred priors and of the edges it is the one with the largest gain, as in the
    explanation; with random weights it is the explanation's own method. The curves were measured with the explanation, and are remembered.
    """
    parameters = explanation.parameters
    patch, seed = engine.model.patch, int(parameters["seed"])
    ruler = evaluation_of(engine, given, explanation.target, parameters, int(parameters["random_maps"]))
    pixels = explanation.saliency if explanation.tokens is None else explanation.tokens.at_pixels()
    length = nearest_length(on_token_grid(pixels, patch), seed)
    noise = random_maps((pixels.shape[0] // patch[0], pixels.shape[1] // patch[1]), length, 1, seed)[0]
    few = ruler.few_random_curves(length, no_progress)
    yield Control(NOISE, explanation.method, _drawn(noise, patch), float(gains_of(few)[0]))
    free, priors = model_free_maps(given.values, patch)
    gains, _ = ruler.model_free_gains(no_progress)
    for name, part in ((CENTRE, slice(0, priors)), (EDGES, slice(priors, None))):
        best = int(np.argmax(gains[part]))
        yield Control(name, explanation.method, _drawn(free[part][best], patch), float(gains[part][best]))
    own = explanation.gain.opponents.get(RANDOM_WEIGHTS)
    if own is not None:
        yield Control(RANDOM_WEIGHTS, explanation.method, drawn_map(_of_random_weights(engine, given, explanation)), own)


def _of_random_weights(engine: Engine, given: ModelInput, explanation: Explanation) -> FoundMap:
    method = method_of(explanation.method)
    parameters = parameters_of(explanation)
    with random_weights(engine, int(parameters["seed"])) as randomised:
        evidence = method.run(randomised, given, explanation.target, parameters, no_progress)
    saliency, low, high = scaled(evidence)
    return FoundMap(
        explanation.method, parameters, explanation.target, saliency, low, high,
        tokens=evidence.tokens, attribution=evidence.attribution, unit=explanation.unit, zero=evidence.zero,
    )  # fmt: skip


def _drawn(tokens: FloatImage, patch: tuple[int, int]) -> DrawnMap:
    """tokens: float32 [rows, columns], of which only the order counts."""
    low, high = float(tokens.min()), float(tokens.max())
    shares = (tokens - low) / (high - low) if high > low else np.zeros_like(tokens)
    pixels = shares.astype(np.float32).repeat(patch[0], axis=0).repeat(patch[1], axis=1)
    return DrawnMap(pixels, low, high, MapUnit.RELEVANCE, is_signed=False)
