"""The same tiles turned and mirrored: what a network says of them should not depend on where north is, so the mean is taken."""

from __future__ import annotations

import numpy as np

from core.inference.pairs import Predict
from core.types import FloatImage

TURNS = ((0, False), (2, False), (1, False), (3, False), (0, True), (2, True), (1, True), (3, True))
"""(quarter turns, whether mirrored): the eight symmetries of a square, in the order in which they are taken."""


def turned(predict: Predict, turns: int) -> Predict:
    """The mean of what `predict` says of the first `turns` of TURNS, each turned back."""

    def averaged(before: FloatImage, after: FloatImage) -> FloatImage:
        return np.asarray(
            np.mean([_back(predict(_turn(before, *how), _turn(after, *how)), *how) for how in TURNS[:turns]], axis=0), dtype=np.float32
        )

    return averaged if turns > 1 else predict


def _turn(tiles: FloatImage, quarters: int, is_mirrored: bool) -> FloatImage:
    """[..., rows, columns], mirrored first."""
    return np.ascontiguousarray(np.rot90(tiles[..., ::-1] if is_mirrored else tiles, quarters, axes=(-2, -1)))


def _back(tiles: FloatImage, quarters: int, is_mirrored: bool) -> FloatImage:
    straight = np.rot90(tiles, -quarters, axes=(-2, -1))
    return np.asarray(straight[..., ::-1] if is_mirrored else straight)
