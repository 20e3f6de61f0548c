"""Two dates through the network in step: what they differ in, and that nothing depends on how the work is cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from core.change.evidence import NODATA, STEPS
from core.change.methods.tokens import TOKEN_METHODS, compare, cosine_distance
from core.change.scratch import EvidenceFile
from core.inference.engine import Engine
from core.inference.scenes.scores import iterate_scores
from core.types import Scene
from tests.unit.change.pairs import BLOCK, SIZE, ground, two_dates, with_block, written

FIELDS = ("score", "before", "after")


def compared(before: Scene, after: Scene, engine: Engine, method: str, strip_rows: int | None = None) -> dict[str, NDArray[np.generic]]:
    """Every field of the evidence, [rows, columns]."""
    strips = [strip.evidence for strip in compare(before, after, engine, method, strip_rows)]
    return {name: np.concatenate([getattr(strip, name) for strip in strips]) for name in FIELDS}


@pytest.mark.parametrize("method", TOKEN_METHODS)
def test_a_date_does_not_differ_from_itself(tmp_path: Path, engine: Engine, method: str) -> None:
    scene = written(tmp_path / "one.tif", with_block(ground()))
    found = compared(scene, scene, engine, method)
    assert found["score"].shape == SIZE
    assert not found["score"].any()
    assert_array_equal(found["before"], found["after"])


@pytest.mark.parametrize("method", TOKEN_METHODS)
def test_dates_differ_where_something_was_built_and_nowhere_beyond_the_reach_of_a_tile(tmp_path: Path, engine: Engine, method: str) -> None:
    score = compared(*two_dates(tmp_path), engine, method)["score"]
    assert score[BLOCK].mean() > 0.3
    assert not score[:8].any(), "no tile that reaches the block reaches the first token row"


@pytest.mark.parametrize("method", TOKEN_METHODS)
def test_strips_do_not_matter(tmp_path: Path, engine: Engine, method: str) -> None:
    pair = two_dates(tmp_path)
    whole, cut = compared(*pair, engine, method), compared(*pair, engine, method, 7)
    for name in FIELDS:
        assert_array_equal(whole[name], cut[name])


@pytest.mark.parametrize("method", TOKEN_METHODS)
def test_exchanging_the_dates_exchanges_their_classes_and_nothing_else(tmp_path: Path, engine: Engine, method: str) -> None:
    before, after = two_dates(tmp_path)
    forward, backward = compared(before, after, engine, method), compared(after, before, engine, method)
    for name, twin in zip(FIELDS, ("score", "after", "before"), strict=True):
        assert_array_equal(forward[name], backward[twin])


def test_each_date_has_the_classes_that_its_own_map_has(tmp_path: Path, engine: Engine) -> None:
    before, after = two_dates(tmp_path)
    found = compared(before, after, engine, "classes")
    own = np.concatenate([strip.probabilities.argmax(axis=0) for strip in iterate_scores(after, engine)])
    assert_array_equal(found["after"], own)


def test_what_one_date_does_not_show_is_not_compared(tmp_path: Path, engine: Engine) -> None:
    hidden = with_block(ground())
    hidden[:, :30, 50:] = 0
    before, after = two_dates(tmp_path)[0], written(tmp_path / "hidden.tif", hidden)
    for pair in ((before, after), (after, before)):
        found = compared(*pair, engine, "classes")
        assert_array_equal(np.isnan(found["score"].astype(float)), hidden[0] == 0)
        for name in FIELDS[1:]:
            assert_array_equal(found[name] == NODATA, hidden[0] == 0)


def test_progress_counts_the_tiles_of_both_dates(tmp_path: Path, engine: Engine) -> None:
    seen: list[tuple[int, int]] = []
    list(compare(*two_dates(tmp_path), engine, progress=lambda done, total: seen.append((done, total))))
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_the_distance_of_two_vectors_is_that_of_their_directions() -> None:
    pairs = np.array([[[1.0, 0.0], [5.0, 0.0]], [[1.0, 0.0], [0.0, 2.0]], [[1.0, 1.0], [-3.0, -3.0]], [[3.0, 4.0], [4.0, 3.0]]], np.float32)
    before, after = (pairs[:, date].T[:, np.newaxis] for date in (0, 1))  # [features, 1, places]
    np.testing.assert_allclose(cosine_distance(before, after), [[0.0, 1.0, 1.0, 1.0 - 24.0 / 25.0]], atol=1e-6)
    assert not cosine_distance(np.zeros_like(before), after).any()


def test_evidence_comes_back_from_the_disk_as_it_went_there(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.change.scratch.STRIP_PIXELS", 5 * SIZE[1])
    strips = [strip.evidence for strip in compare(*two_dates(tmp_path), engine, strip_rows=33)]
    with EvidenceFile(tmp_path / "evidence", SIZE[1]) as file:
        for strip in strips:
            file.append(strip)
        held = list(file.strips())
    assert [top for top, _ in held] == list(range(0, SIZE[0], 5))
    for name in FIELDS:
        assert_array_equal(np.concatenate([getattr(one, name) for _, one in held]), np.concatenate([getattr(one, name) for one in strips]))
    steps = np.concatenate([one.score for one in strips]) * STEPS
    assert_array_equal(steps, np.rint(steps))
