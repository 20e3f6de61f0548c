"""A method finds a cue where at least half of its strongest tokens lie on it; a map that tells nothing scores as chance does."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import OutOfRange
from core.explain.probes.cheater import CueFinding, cue_scores, share_on_cue

CUE = np.zeros((4, 5), dtype=bool)
CUE[0, 3:] = True


def test_the_share_is_of_as_many_tokens_as_the_cue_has() -> None:
    tokens = np.arange(20, dtype=np.float32).reshape(4, 5)
    assert share_on_cue(tokens, CUE) == 0.0
    assert share_on_cue(-tokens, CUE) == 0.0
    tokens[0, 3] = 99.0
    assert share_on_cue(tokens, CUE) == 0.5
    tokens[0, 4] = 98.0
    assert share_on_cue(tokens, CUE) == 1.0


def test_a_flat_map_scores_as_chance_does() -> None:
    assert share_on_cue(np.zeros((4, 5), dtype=np.float32), CUE) == pytest.approx(CUE.mean())


def test_equal_tokens_at_the_edge_share_what_room_there_is() -> None:
    tokens = np.zeros((4, 5), dtype=np.float32)
    tokens[2, 2] = 2.0
    tokens[0, 3] = tokens[3, 0] = 1.0  # one place is left for these two
    assert share_on_cue(tokens, CUE) == pytest.approx(0.25)


def test_a_cue_of_another_grid_is_refused() -> None:
    with pytest.raises(OutOfRange):
        share_on_cue(np.zeros((2, 2), dtype=np.float32), CUE)
    with pytest.raises(OutOfRange):
        share_on_cue(np.zeros((4, 5), dtype=np.float32), np.zeros((4, 5), dtype=bool))


def test_methods_are_scored_on_finding_the_cue_and_on_false_alarms() -> None:
    cases = [
        [CueFinding("occlusion", 1.0, 0.0, 0.1), CueFinding("rollout", 0.5, 0.5, 0.1)],
        [CueFinding("occlusion", 0.4, 0.0, 0.1), CueFinding("rollout", 1.0, 1.0, 0.1)],
    ]
    occlusion, rollout = cue_scores(cases)
    assert (occlusion.found, occlusion.false_alarms, occlusion.cases) == (0.5, 0.0, 2)
    assert (rollout.found, rollout.false_alarms, rollout.honest) == (1.0, 1.0, 0.75)
