"""What the ranks of a map support, and what stands beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.explain.measure.verdict import rank, verdict_of
from core.explain.measure.worth import worth_of
from core.inference.engine import Engine
from core.report.notices import say
from core.types import Verdict
from models.registry import load_model
from tests.tiny import write_tiny_model
from tests.tiny_encoders import write_tiny_encoder


def test_a_rank_is_never_zero() -> None:
    assert rank(np.zeros(99, dtype=bool)) == pytest.approx(0.01)
    assert rank(np.ones(99, dtype=bool)) == 1.0


@pytest.mark.parametrize(
    ("p", "opponents", "expected"),
    [
        (0.05, {"centre": 0.39}, Verdict.SUPPORTED),
        (0.051, {"centre": 0.1}, Verdict.WITHIN_RANDOM),
        (0.01, {"centre": 0.4}, Verdict.BELOW_OPPONENT),
        (0.01, {"centre": None}, Verdict.WITHOUT_OPPONENT),
        (0.01, {"centre": None, "edges": 0.5}, Verdict.BELOW_OPPONENT),
    ],
)
def test_a_map_is_supported_only_where_nothing_speaks_against_it(p: float, opponents: dict[str, float | None], expected: Verdict) -> None:
    assert verdict_of(0.4, p, opponents) is expected


def test_beside_a_map_stands_what_says_that_its_network_was_trained_or_that_nothing_does(engine: Engine, tmp_path: Path) -> None:
    assert say(worth_of(engine.model)) == "This network: accuracy 0.500 on images held back, by its card."
    with_interval = replace(engine.model, card=replace(engine.model.card, metrics={"f1": [0.61, 0.5, 0.7]}))
    assert "F1 0.610" in say(worth_of(with_interval))
    silent = replace(engine.model, card=replace(engine.model.card, metrics={"note": "good"}))
    assert "is calibrated" in say(worth_of(silent))
    stranger = load_model(str(write_tiny_encoder(tmp_path / "vit")))
    assert say(worth_of(stranger)) == "Nothing says that this network was trained."
    bare = load_model(str(write_tiny_model(tmp_path / "bare", calibrated=False)))
    assert "0.500" in say(worth_of(bare))
