"""What a map is worth: its gain, insertion minus deletion, ranked among random maps as smooth as it is and set beside fair opponents.

The gain is the symmetric relevance gain of Blücher, Vielhaben and Strodthoff 2024, "Decoupling Pixel Flipping and Occlusion Strategy for
Consistent XAI Benchmarks": on one baseline, what is put back in the order of the map, less what is left where it is taken away. All maps
are compared on the token grid, so that no method wins by the fineness of its pixels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from core.explain.measure.opponents import CENTRE, EDGE_PIXELS, EDGES, RANDOM_WEIGHTS, REACHES, TIES, model_free_maps, on_token_grid
from core.explain.measure.random_maps import nearest_length, random_maps
from core.explain.measure.removal import Curves, areas, check_removal, order_of, passes_of, removal_curves
from core.explain.measure.verdict import is_rare, rank, verdict_of
from core.explain.targets import check_target
from core.inference.engine import Engine
from core.settings import FEWEST_RANDOM_MAPS
from core.types import FloatImage, Gain, ModelInput, Progress, RemovalScore, Target

INTERVAL = (2.5, 97.5)
"""Percentiles of random maps that a pale band shows; what is concluded comes from ranks."""
DELETION, INSERTION = 0, 1


@dataclass(frozen=True)
class Measured:
    """What was measured of one map."""

    deletion: RemovalScore
    insertion: RemovalScore
    gain: Gain


def ignored(gain: Gain) -> None:
    """Nobody waits for a gain that is not final."""


@dataclass(frozen=True)
class MapEvaluation:
    """How maps of one input are measured. steps: of removal. maps: how many random ones. seed: of these, and of what is equal in a map.

    baseline: float32 [channels, rows, columns], what removed pixels become.
    """

    engine: Engine
    given: ModelInput
    target: Target
    baseline: FloatImage
    steps: int
    maps: int
    seed: int

    def check(self) -> None:
        """Raises OutOfRange for too few steps or random maps, NotFound for an unknown target."""
        check_removal(self.steps, self.maps)
        check_target(self.engine.model, self.target, self.given)

    @property
    def passes(self) -> int:
        """Passes through the network that `measure` takes where no random map was measured before."""
        return sum(passes_of(maps, self.steps) for maps in (self.maps, TIES * len(REACHES) + 2 * len(EDGE_PIXELS), 2, 1))

    def measure(
        self,
        pixels: FloatImage,
        of_random_weights: FloatImage | None,
        progress: Progress,
        so_far: Callable[[Gain], None] = ignored,
    ) -> Measured:
        """pixels: float32 [rows, columns] of a map on the input grid; only its order counts. of_random_weights: the same method's map for
        the same network with random weights, None where it has none. progress: told (done, total) in passes. so_far: told the gain among
        the random maps that were measured by then, FEWEST_RANDOM_MAPS first."""
        done = 0

        def part(passes: int, _total: int) -> None:
            progress(min(done + passes, self.passes), self.passes)

        tokens = on_token_grid(pixels, self.engine.model.patch)
        randomised = tokens if of_random_weights is None else on_token_grid(of_random_weights, self.engine.model.patch)
        own = self._curves(np.stack([tokens, randomised]), part)
        done += passes_of(len(own), self.steps)
        free, priors = self.model_free_gains(part)
        done += passes_of(len(free), self.steps)
        gains = gains_of(own)
        opponents = {
            CENTRE: float(free[:priors].max()),
            EDGES: float(free[priors:].max()),
            RANDOM_WEIGHTS: None if of_random_weights is None else float(gains[1]),
        }
        length, value = nearest_length(tokens, self.seed), float(gains[0])
        few = self.few_random_curves(length, part)
        done += passes_of(len(few), self.steps)
        so_far(_gain(value, gains_of(few), opponents))
        others = self._random_curves(length, len(few), self.maps, part)
        random = np.concatenate([few, others])
        done += passes_of(len(others), self.steps)
        fine = areas(self._curves(pixels[None], part))[0]
        progress(self.passes, self.passes)
        return Measured(
            _score(own[0], random, DELETION, fine), _score(own[0], random, INSERTION, fine), _gain(value, gains_of(random), opponents)
        )

    @property
    def _grid(self) -> tuple[int, int]:
        (height, width), (rows, columns) = self.engine.model.patch, self.given.values.shape[1:]
        return rows // height, columns // width

    def model_free_gains(self, progress: Progress) -> tuple[NDArray[np.float64], int]:
        """(gains of the centred priors, then of the edges, in the order of model_free_maps; how many are priors)."""
        maps, priors = model_free_maps(self.given.values, self.engine.model.patch)
        return gains_of(self._shared("model-free", lambda: maps, progress)), priors

    def few_random_curves(self, length: float, progress: Progress) -> Curves:
        """Of the first FEWEST_RANDOM_MAPS random maps of one length, which are measured before the others."""
        return self._random_curves(length, 0, min(FEWEST_RANDOM_MAPS, self.maps), progress)

    def _random_curves(self, length: float, first: int, last: int, progress: Progress) -> Curves:
        """Of the random maps of one length from `first` up to `last`, which is left out."""
        if first == last:
            return np.empty((0, 2, self.steps + 1))
        made = partial(random_maps, self._grid, length, last, self.seed)
        return self._shared(f"random {length} {first} {last}", lambda: made()[first:], progress)

    def _shared(self, what: str, maps: Callable[[], FloatImage], progress: Progress) -> Curves:
        """Curves that all methods share that explain this input for this target; the engine keeps them."""
        told = (self.given.values.tobytes(), self.baseline.tobytes(), repr((self.target, self.steps, self.seed, what)).encode())
        return self.engine.remembered(hashlib.sha256(b"".join(told)).hexdigest(), lambda: self._curves(maps(), progress))

    def _curves(self, maps: FloatImage, progress: Progress) -> Curves:
        orders = order_of(maps, self.seed)
        return removal_curves(self.engine, self.given, self.baseline, orders, self.target, self.steps, progress)


def _gain(value: float, others: NDArray[np.float64], opponents: Mapping[str, float | None]) -> Gain:
    """others: gains of random maps, float64 [maps]."""
    low, high = np.percentile(others, INTERVAL)
    p = rank(others >= value)
    return Gain(value, p, len(others), float(low), float(high), opponents, verdict_of(value, p, opponents))


def gains_of(curves: Curves) -> NDArray[np.float64]:
    """float64 [maps]: insertion minus deletion. curves: of removal_curves."""
    found = areas(curves)
    return np.asarray(found[:, INSERTION] - found[:, DELETION])


def _score(own: Curves, random: Curves, which: int, fine: NDArray[np.float64]) -> RemovalScore:
    """own: [2, steps + 1]. random: [maps, 2, steps + 1]. fine: [2], areas on the pixel grid."""
    value, others = float(areas(own[np.newaxis])[0, which]), areas(random)[:, which]
    low, high = np.percentile(others, INTERVAL)
    p = rank(others <= value if which == DELETION else others >= value)
    return RemovalScore(
        value=value,
        random_mean=float(others.mean()),
        random_low=float(low),
        random_high=float(high),
        random_maps=len(others),
        curve=own[which].astype(np.float32),
        random_curve=random[:, which].mean(axis=0).astype(np.float32),
        p=p,
        pixels=float(fine[which]),
        is_better=is_rare(p),
    )
