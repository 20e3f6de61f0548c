"""Two dates on one grid go through the network in step, and come out as evidence, strip by strip.

Both dates have the same lattice of tokens (core/prepare/grid/tiles.py), so that each is computed once, whatever the method, and nothing
larger than a few rows of tiles of either is held.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import tee
from typing import Any

import numpy as np

from core.change.evidence import Evidence, weigh
from core.inference.engine import Engine
from core.inference.scenes.scores import Strip, TokenRows, strips_of, token_rows
from core.prepare.grid.tiles import tile_grid
from core.types import FloatImage, Progress, Scene

CLASSES, EMBEDDING = "classes", "embedding"
METHODS = (CLASSES, EMBEDDING)


@dataclass(frozen=True)
class ComparedStrip:
    """Rows of the common grid from `top` on. outside: at each date, the valid pixels that lie in tiles outside what the model knows."""

    top: int
    evidence: Evidence
    valid: int
    outside: tuple[int, int]


def compare(
    before: Scene, after: Scene, engine: Engine, method: str = CLASSES, strip_rows: int | None = None, progress: Progress | None = None
) -> Iterator[ComparedStrip]:
    """Strips from top to bottom, each row once. Nothing depends on how tall they are.

    before, after: scenes on one grid (core/prepare/grid/align.py). method: "classes" scores the total variation of the class probabilities,
    "embedding" the cosine distance of the tokens' last hidden states. progress: told of tiles, those of both dates together.
    Raises what core.inference.scenes.scores.iterate_scores raises.
    """
    grid = tile_grid(before, engine.model.preprocess, engine.model.patch)
    features = method == EMBEDDING
    rows = zip(
        token_rows(before, engine, features=features),
        token_rows(after, engine, features=features, progress=_of_both(progress)),
        strict=True,
    )
    first, second = tee(_in_step(one, other) for one, other in rows)
    strips = zip(
        strips_of((pair[0] for pair in first), grid, strip_rows), strips_of((pair[1] for pair in second), grid, strip_rows), strict=True
    )
    threshold = engine.model.outside.threshold if engine.model.outside is not None else np.inf
    for one, other in strips:
        score = one.features[0] if one.features is not None else None
        evidence = weigh(one.probabilities, other.probabilities, one.valid, score)
        yield ComparedStrip(one.top, evidence, int(one.valid.sum()), (_outside(one, threshold), _outside(other, threshold)))


def cosine_distance(before: FloatImage, after: FloatImage) -> FloatImage:
    """1 - cosine of the angle between two vectors at each place, in [0, 1]: at right angles and beyond, nothing is alike.

    before, after: float32 [features, rows, columns]. Returns float32 [rows, columns], 0 where one of them is all zeros.
    """
    dot = np.einsum("frc,frc->rc", before, after, dtype=np.float64)
    lengths = np.linalg.norm(before.astype(np.float64), axis=0) * np.linalg.norm(after.astype(np.float64), axis=0)
    cosine = np.divide(dot, lengths, out=np.ones_like(dot), where=lengths > 0)
    return np.asarray(np.clip(1.0 - cosine, 0.0, 1.0), dtype=np.float32)


def _in_step(one: TokenRows, other: TokenRows) -> tuple[TokenRows, TokenRows]:
    """The same token rows of both dates, where both have data; their features give way to the distance of the features."""
    distance = None
    if one.features is not None and other.features is not None:
        distance = cosine_distance(one.features, other.features)[np.newaxis]
    common: dict[str, Any] = {
        "valid": one.valid & other.valid,
        "share": np.minimum(one.share, other.share),
        "features": distance,
    }
    return replace(one, **common), replace(other, **common)


def _of_both(progress: Progress | None) -> Progress | None:
    """The second date tells of both, since it is one step behind the first."""
    return None if progress is None else lambda done, total: progress(2 * done, 2 * total)


def _outside(strip: Strip, threshold: float) -> int:
    return int((strip.outside_score > threshold).sum())
