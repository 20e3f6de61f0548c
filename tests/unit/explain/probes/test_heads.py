"""What a head does: an even spread has the largest entropy, and a head that shifts its attention reaches as far as it shifts it."""

from __future__ import annotations

import numpy as np
import pytest

from core.explain.probes.heads import head_statistics, heads_towards

GRID = (3, 4)
TOKENS = 13  # [CLS] and the grid


def attention(*heads: np.ndarray) -> np.ndarray:
    return np.stack(heads)[None].astype(np.float32)


def test_entropy_goes_from_one_token_to_all_alike() -> None:
    found = head_statistics(attention(np.eye(TOKENS), np.full((TOKENS, TOKENS), 1 / TOKENS)), GRID)
    assert found.entropy[0] == pytest.approx([0.0, 1.0], abs=1e-6)


def test_distance_is_that_between_patches_in_patches() -> None:
    to_the_right = np.eye(TOKENS)
    for row in range(GRID[0]):
        for column in range(GRID[1] - 1):
            here = 1 + row * GRID[1] + column
            to_the_right[here, here], to_the_right[here, here + 1] = 0.0, 1.0
    found = head_statistics(attention(np.eye(TOKENS), to_the_right), GRID)
    assert found.distance[0] == pytest.approx([0.0, 3 / 4])


def test_what_goes_to_tokens_without_a_place_has_no_distance() -> None:
    to_cls = np.zeros((TOKENS, TOKENS))
    to_cls[:, 0] = 1.0
    assert head_statistics(attention(to_cls), GRID).distance[0, 0] == 0.0


def test_the_head_that_looks_at_a_token_is_found() -> None:
    even, marker = np.full((TOKENS, TOKENS), 1 / TOKENS), np.full((TOKENS, TOKENS), 0.5 / (TOKENS - 1))
    marker[:, 7] = 0.5
    own = np.eye(TOKENS)  # gives nothing to others
    ((layer, head, given), *_) = heads_towards(attention(even, own, marker), 7)
    assert (layer, head) == (0, 2) and given == pytest.approx(0.5)
