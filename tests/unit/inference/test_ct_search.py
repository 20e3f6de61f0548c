"""A slice is searched: what a network sees somewhere is told as a place of the source, once, and the best first."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.inference.ct_search import APART_MM, Candidate, SliceSearch, candidates_of, search, search_slice
from core.inference.engine import Forward
from core.prepare.ct import plane_of
from core.prepare.nodule_outline import outline_about
from core.types import Mark, Picture
from tests.unit.prepare.ct_slices import CT, chest, slices

MOST_BRIGHT = 9
"""Tokens that a nodule of 10 mm can touch."""


class Seer:
    """An engine whose network takes a few bright tokens in a window that is otherwise dark for a nodule, and a wall for none."""

    def __init__(self) -> None:
        config = SimpleNamespace(token_heads={"place": ["elsewhere", "nodule"]}, heads=None)
        self.model: Any = SimpleNamespace(
            preprocess=CT,
            patch=(8, 8),
            labels=("no-nodule", "nodule"),
            calibration=None,
            ood_detector=None,
            config=config,
        )
        self.asked = 0

    def forward(self, values: NDArray[np.float32]) -> Forward:
        self.asked += len(values)
        tokens = values.reshape(-1, 7, 8, 7, 8).mean(axis=(2, 4))  # [N, 7, 7]
        signs = np.where(tokens > 1.0, 4.0, -4.0)
        is_dark = ((tokens > 0.0).sum(axis=(1, 2)) <= MOST_BRIGHT)[:, np.newaxis, np.newaxis]
        place = np.stack([np.zeros_like(signs), np.where(is_dark, signs, -4.0)], axis=-1)
        best = place[..., 1].max(axis=(1, 2))
        logits = np.stack([np.zeros_like(best), best], axis=-1)
        return Forward(logits, None, np.zeros((len(values), 4), np.float32), 0.0, heads={"place": place})


def candidate(score: float, column: float = 0.0, row: float = 0.0, frame: int = 0) -> Candidate:
    return Candidate(column, row, frame, score, score, None, (Mark(column, row, frame),))  # type: ignore[arg-type]


@pytest.mark.parametrize("spacing", [0.7, 1.4])
def test_a_nodule_is_found_at_its_place_in_pixels_of_the_source(spacing: float) -> None:
    found = search_slice(Seer(), plane_of(slices(chest(spacing, nodules=((84.0, 140.0),)), spacing=spacing), CT))  # type: ignore[arg-type]
    best = found.candidates[0]
    assert best.score > 0.9
    assert (best.column * spacing, best.row * spacing) == pytest.approx((84.0, 140.0), abs=4.0)
    assert found.best is not None and found.best[0] == best.probability >= best.score


def test_two_nodules_are_two_candidates_and_an_empty_lung_has_none_worth_telling() -> None:
    both = search_slice(Seer(), plane_of(slices(chest(nodules=((70.0, 130.0), (225.0, 160.0)))), CT))  # type: ignore[arg-type]
    assert len([one for one in candidates_of([both], (3.0, 1.4, 1.4)) if one.score > 0.9]) == 2
    none = search_slice(Seer(), plane_of(slices(chest()), CT))  # type: ignore[arg-type]
    assert none.best is not None and not [one for one in candidates_of([none], (3.0, 1.4, 1.4)) if one.score > 0.9]


def test_where_nothing_is_searched_no_window_is_read() -> None:
    seer = Seer()
    belly = search_slice(seer, plane_of(slices(chest(has_lungs=False)), CT))  # type: ignore[arg-type]
    head = search_slice(seer, plane_of(slices(chest(), body_part="HEAD"), CT))  # type: ignore[arg-type]
    assert (belly.windows, head.windows, seer.asked) == (0, 0, 0)
    assert belly.best is None and belly.candidates == ()


def test_a_picture_is_searched_to_its_edges() -> None:
    pixels = np.full((128, 120), 20, np.uint8)
    pixels[116:128, 108:120] = 220
    found = search_slice(Seer(), plane_of(Picture("crop.png", "0" * 64, pixels), CT))  # type: ignore[arg-type]
    assert (found.candidates[0].column, found.candidates[0].row) == pytest.approx((113.5, 121.5), abs=5.0)


def test_one_nodule_in_neighbouring_slices_is_one_candidate_in_its_best_slice() -> None:
    slices_ = [SliceSearch(frame, (candidate(score, 50, 50, frame),)) for frame, score in enumerate((0.5, 0.9, 0.7))]
    assert [(one.frame, one.score) for one in candidates_of(slices_, (3.0, 0.7, 0.7))] == [(1, 0.9)]
    far_apart = (APART_MM + 1.0, 0.7, 0.7)
    assert [one.frame for one in candidates_of(slices_, far_apart)] == [1, 2, 0]


def test_a_lesion_over_several_slices_is_one_candidate_with_a_mark_on_each() -> None:
    long = [SliceSearch(frame, (candidate(0.6 + 0.02 * frame, 50 + 2 * frame, 50, frame),)) for frame in range(12)]
    (found,) = candidates_of(long, (3.0, 0.7, 0.7))  # 33 mm, each mark 1.4 mm beside the last
    assert (found.frame, [mark.frame for mark in found.marks]) == (11, list(range(12)))
    gap = [long[0], long[1], SliceSearch(2), long[3]]
    assert [len(one.marks) for one in candidates_of(gap, (2.0, 0.7, 0.7))] == [3]
    wide = [SliceSearch(0, (candidate(0.9, 50, 50, 0), candidate(0.8, 90, 50, 0))), SliceSearch(1, (candidate(0.7, 90, 50, 1),))]
    assert [[mark.frame for mark in one.marks] for one in candidates_of(wide, (3.0, 0.7, 0.7))] == [[0], [0, 1]]


def test_slices_that_are_no_volume_are_not_searched_as_one() -> None:
    slices_ = [SliceSearch(frame, (candidate(0.9 - 0.1 * frame, 50, 50, frame),)) for frame in range(3)]
    found = candidates_of(slices_, (3.0, 0.7, 0.7), is_volume=False)
    assert [(one.frame, len(one.marks)) for one in found] == [(0, 1), (1, 1), (2, 1)]


def test_candidates_are_told_best_first_all_but_the_faint() -> None:
    many = SliceSearch(0, tuple(candidate(0.2 + 0.01 * place, column=100.0 * place) for place in range(60)))
    found = candidates_of([many], (3.0, 0.7, 0.7))
    assert len(found) == 30
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert candidates_of([SliceSearch(0, (candidate(0.1),))], (3.0, 0.7, 0.7)) == ()


@pytest.mark.parametrize("spacing", [0.7, 1.4])
def test_a_nodule_is_measured_in_mm_and_outlined_in_pixels_of_the_source(spacing: float) -> None:
    best = search_slice(Seer(), plane_of(slices(chest(spacing, nodules=((84.0, 140.0),)), spacing=spacing), CT)).candidates[0]  # type: ignore[arg-type]
    assert best.size_mm == pytest.approx(10.0, abs=1.5)
    (mark,) = best.marks
    assert mark.box is not None
    left, top, width, height = (side * spacing for side in mark.box)
    assert (left, top, width, height) == pytest.approx((79.0, 135.0, 10.0, 10.0), abs=2.0)


def test_what_runs_on_into_the_wall_has_no_size() -> None:
    values = chest(0.7).astype(np.float32)
    assert outline_about(values, 150 / 0.7, 38 / 0.7, 0.7) is None  # the side wall of the body
    assert outline_about(values, 150 / 0.7, 80 / 0.7, 0.7) is None  # the middle of a lung


def test_the_search_tells_its_progress_in_slices() -> None:
    seen: list[tuple[int, int]] = []
    study = slices(chest(), chest())
    search(Seer(), (plane_of(study, CT, frame) for frame in range(2)), 2, lambda done, total: seen.append((done, total)))  # type: ignore[arg-type]
    assert seen == [(1, 2), (2, 2)]
