"""Whether a map depends on what it claims to show: on the weights that were learnt, on the target, and not on noise.

Cascading randomisation (Adebayo et al. 2018, "Sanity Checks for Saliency Maps", section 3): the weights of a copy of the network are made
random part by part, from the head down to the stem, and after each part the method's map is compared with the true one. A method whose map
stays the same does not show what was learnt. Not for methods that take dozens of passes a map (occlusion, RISE, activation patching): it
would cost thousands.

Maps are compared by Spearman's rank correlation over the tokens of the model, as everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import spearmanr
from torch import nn

from core.explain.measure.opponents import copied, made_random, on_token_grid
from core.explain.targets import read_logits
from core.inference.engine import Engine
from core.types import Correlation, FloatImage, ModelInput, Progress, Sanity, Target, notice

NOISE_SHARE = 0.01
"""Standard deviation of the noise, as a share of the range of the input's values."""
NOISES = 5
"""Draws of noise whose correlations are meaned."""

MapOf = Callable[[Engine, ModelInput, Target], FloatImage]
"""A method with its parameters: the map of an input for a target, unscaled, float32 [rows, columns] on the input."""


@dataclass(frozen=True)
class SanityCheck:
    """The checks of one map. own: the map itself, [rows, columns] on the input. has_weights: whether its method is quick enough for
    a map a part of the network. class_specific: whether it depends on the target. seed: of weights and noise."""

    engine: Engine
    given: ModelInput
    target: Target
    own: FloatImage
    map_of: MapOf
    has_weights: bool
    class_specific: bool
    seed: int

    def run(self, progress: Progress) -> Sanity:
        """All checks. progress: told (done, total) in maps; what it raises ends the work."""
        parts = parts_of(self.engine.model.network) if self.has_weights else []
        total, done = len(parts) + NOISES + 1, 0

        def step() -> None:
            nonlocal done
            progress(done, total)
            done += 1

        randomised = self._randomised(step) if self.has_weights else None
        stability = self._stability(step)
        step()
        other = self._other_label()
        target = self._target(other)
        progress(total, total)
        return Sanity(tuple(name for name, _ in parts), randomised, stability, target, other)

    def _randomised(self, step: Callable[[], None]) -> tuple[Correlation, ...]:
        found = []
        with copied(self.engine) as copy:
            for number, (_, weights) in enumerate(parts_of(copy.model.network)):
                step()
                copy.run(lambda _, weights=weights, number=number: made_random(weights, self.seed + number))  # type: ignore[misc]
                found.append(self._compared(self.map_of(copy, self.given, self.target)))
        return tuple(found)

    def _stability(self, step: Callable[[], None]) -> Correlation:
        values, found = self.given.values, []
        for number in range(NOISES):
            step()
            random = np.random.default_rng([self.seed, number])
            noise = random.standard_normal(values.shape, dtype=np.float32) * np.float32(NOISE_SHARE * np.ptp(values))
            found.append(self._compared(self.map_of(self.engine, replace(self.given, values=values + noise), self.target)))
        numbers = [each for each in found if isinstance(each, float)]
        return float(np.mean(numbers)) if len(numbers) == len(found) else next(each for each in found if not isinstance(each, float))

    def _other_label(self) -> str:
        """The likeliest label that the target does not hold, for the same tokens; "" where there is none."""
        model = self.engine.model
        logits = read_logits(self.engine, self.given.values[None], replace(self.target, likeness=None))[0]
        order = (model.labels[place] for place in np.argsort(-logits, kind="stable"))
        return next((label for label in order if label not in self.target.labels), "")

    def _target(self, other: str) -> Correlation:
        if not self.class_specific:
            return 1.0
        if not other:
            return notice("sanity.no-other-label")
        return self._compared(
            self.map_of(
                self.engine, self.given, replace(self.target, name=other, labels=(other,), against="", against_labels=(), likeness=None)
            )
        )

    def _compared(self, pixels: FloatImage) -> Correlation:
        patch = self.engine.model.patch
        return rank_correlation(on_token_grid(self.own, patch), on_token_grid(pixels, patch))


def rank_correlation(one: FloatImage, other: FloatImage) -> Correlation:
    """Spearman's over two maps of one shape, ties sharing their mean rank; a notice where one of them ranks nothing."""
    if np.ptp(one) == 0.0 or np.ptp(other) == 0.0:
        return notice("sanity.flat")
    return float(spearmanr(one.ravel(), other.ravel()).statistic)


def parts_of(network: nn.Module) -> list[tuple[str, list[nn.Parameter]]]:
    """(name, weights) of the parts of a network from its head down: "head", "layer 4" ... "layer 1", "stem".

    Its layers are the list of modules that holds most of its weights (of Swin, stages); what is registered before it is the stem, what
    comes after it the head. A network without such a list is one part, "network".
    """
    lists = [module for module in network.modules() if isinstance(module, nn.ModuleList) and len(module)]
    layers = max(lists, key=lambda each: sum(weights.numel() for weights in each.parameters()), default=None)
    every = list(network.parameters())
    if layers is None:
        return [("network", every)]
    inside = {id(weights) for weights in layers.parameters()}
    first = next(place for place, weights in enumerate(every) if id(weights) in inside)
    head = [weights for weights in every[first:] if id(weights) not in inside]
    middle = [(f"layer {number}", list(layer.parameters())) for number, layer in reversed(list(enumerate(layers, start=1)))]
    return [(name, weights) for name, weights in (("head", head), *middle, ("stem", every[:first])) if weights]
