"""What the methods of a land-cover model share: two dates go through its network in step, and come out as evidence.

Both dates have the same lattice of tokens (core/prepare/grid/tiles.py), so that each is computed once, whatever the method, and nothing
larger than a few rows of tiles of either is held.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import tee
from pathlib import Path
from typing import Any

import numpy as np

from core.change.evidence import Evidence, weigh
from core.change.methods.base import ComparedBands, ComparedStrip, NetworkMethod, Shares
from core.inference.engine import Engine
from core.inference.scenes.ahead import ahead
from core.inference.scenes.scores import Strip, TokenRows, check_mappable, strips_of, token_rows
from core.prepare.grid.tiles import OVERLAP, tile_grid
from core.types import FloatImage, Progress, Scene

CLASSES, EMBEDDING = "classes", "embedding"
TOKEN_METHODS = (CLASSES, EMBEDDING)


@dataclass(frozen=True)
class TokenStrip:
    """Rows of the common grid from `top` on.

    valid: the valid pixels so far, these rows included. outside: how many of them, at each date, lie in tiles outside what the model
    knows.
    """

    top: int
    evidence: Evidence
    valid: int
    outside: tuple[int, int]


@dataclass(frozen=True)
class TokenMethod(NetworkMethod):
    """By what a land-cover model sees of both dates."""

    engine: Engine

    @property
    def labels(self) -> tuple[str, ...]:
        """Those of the land-cover model."""
        return self.engine.model.labels

    @property
    def linear(self) -> tuple[str, ...]:
        """As the land-cover model says."""
        return self.engine.model.preprocess.linear

    def check(self, before: Scene, after: Scene) -> None:
        """Raises what core.inference.scenes.scores.check_mappable raises."""
        for scene in (before, after):
            check_mappable(scene, self.engine.model)

    def reading(self, before: Scene, aligned: Scene) -> ComparedBands:
        """The bands of the model."""
        return ComparedBands(self.engine.model.preprocess)

    def tiles(self, before: Scene) -> int:
        """Tiles of both dates."""
        return tiles_of_both(before, self.engine)

    def strips(self, before: Scene, aligned: Scene, scratch: Path, progress: Progress | None = None) -> Iterator[ComparedStrip]:
        """One pass over both dates."""
        for strip in compare(before, aligned, self.engine, self.name, progress=progress):
            yield ComparedStrip(strip.evidence, shares_of(strip))

    def parameters(self, reading: ComparedBands) -> Mapping[str, Any]:
        """How the model was run."""
        return {
            "tile": list(reading.preprocess.size),
            "overlap": OVERLAP,
            "views": 1,  # of each tile
            "runtime": self.engine.runtime.library,
            "precision": self.engine.runtime.precision,
            "device": self.engine.runtime.name,
        }


def tiles_of_both(scene: Scene, engine: Engine) -> int:
    """Tiles of two dates on the grid of a scene."""
    return 2 * tile_grid(scene, engine.model.preprocess, engine.model.patch).tiles


def shares_of(strip: TokenStrip) -> Shares:
    """At each date, the share of the valid pixels so far that lie outside what the model knows."""
    return strip.outside[0] / max(strip.valid, 1), strip.outside[1] / max(strip.valid, 1)


def compare(
    before: Scene, after: Scene, engine: Engine, method: str = CLASSES, strip_rows: int | None = None, progress: Progress | None = None
) -> Iterator[TokenStrip]:
    """Strips from top to bottom, each row once. Nothing depends on how tall they are.

    before, after: scenes on one grid (core/prepare/grid/align.py). method: "classes" scores the total variation of the class probabilities,
    "embedding" the cosine distance of the tokens' last hidden states. progress: told of tiles, those of both dates together.
    Raises what core.inference.scenes.scores.iterate_scores raises.
    """
    grid = tile_grid(before, engine.model.preprocess, engine.model.patch)
    features = method == EMBEDDING
    own, others = token_rows(before, engine, features=features), token_rows(after, engine, features=features, progress=_of_both(progress))
    with closing(ahead(own)) as ours, closing(ahead(others)) as theirs:
        first, second = tee(_in_step(one, other) for one, other in zip(ours, theirs, strict=True))
        both = strips_of((pair[0] for pair in first), grid, strip_rows), strips_of((pair[1] for pair in second), grid, strip_rows)
        yield from _weighed(zip(*both, strict=True), engine)


def _weighed(strips: Iterable[tuple[Strip, Strip]], engine: Engine) -> Iterator[TokenStrip]:
    threshold = engine.model.ood_detector.threshold if engine.model.ood_detector is not None else np.inf
    valid, outside = 0, (0, 0)
    for one, other in strips:
        score = one.features[0] if one.features is not None else None
        evidence = weigh(one.probabilities, other.probabilities, one.valid, score)
        valid += int(one.valid.sum())
        outside = (outside[0] + _outside(one, threshold), outside[1] + _outside(other, threshold))
        yield TokenStrip(one.top, evidence, valid, outside)


def cosine_distance(before: FloatImage, after: FloatImage) -> FloatImage:
    """1 - cosine of the angle between two vectors at each place, in [0, 1]: at right angles and beyond, nothing is alike.

    before, after: float32 [features, rows, columns]. Returns float32 [rows, columns], 0 where one of them is all zeros.
    """
    dot = np.einsum("frc,frc->rc", before, after, dtype=np.float64)
    lengths = np.linalg.norm(before.astype(np.float64), axis=0) * np.linalg.norm(after.astype(np.float64), axis=0)
    cosine = np.divide(dot, lengths, out=np.ones_like(dot), where=lengths > 0)
    return np.asarray(np.clip(1.0 - cosine, 0.0, 1.0), dtype=np.float32)


def _in_step(one: TokenRows, other: TokenRows) -> tuple[TokenRows, TokenRows]:
    """The same cell rows of both dates, where both have data; their features give way to the distance of the features.

    Probabilities stay those of each date's own map.
    """
    distance = None
    if one.features is not None and other.features is not None:
        distance = cosine_distance(one.features, other.features)[np.newaxis]
    common: dict[str, Any] = {"valid": one.valid & other.valid, "features": distance}
    if distance is not None:  # it means nothing where one of the dates has no features
        common["share"] = np.minimum(one.share, other.share)
    return replace(one, **common), replace(other, **common)


def _of_both(progress: Progress | None) -> Progress | None:
    """The second date tells of both, since it is one step behind the first."""
    return None if progress is None else lambda done, total: progress(2 * done, 2 * total)


def _outside(strip: Strip, threshold: float) -> int:
    return int((strip.outside_score > threshold).sum())
