"""A slice is searched: what a network sees somewhere is told as a place of the source, once, and the best first."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import Cancelled
from core.inference import ct_search
from core.inference.ct_search import APART_MM, Candidate, SliceSearch, candidates_of, search, search_slice
from core.inference.engine import Forward
from core.prepare.ct import Plane, plane_of
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


def thin(*scores: float) -> list[SliceSearch]:
    """Slices 1 mm apart, searched, with one place of those scores; 0 for none."""
    return [SliceSearch(frame, (candidate(score, 50, 50, frame),) if score else (), windows=9) for frame, score in enumerate(scores)]


def test_what_shows_in_one_thin_slice_alone_is_no_candidate_and_what_holds_is() -> None:
    assert candidates_of(thin(0.0, 0.0, 0.99, 0.0, 0.0, 0.0), (1.0, 0.7, 0.7)) == ()
    (held,) = candidates_of(thin(0.0, 0.9, 0.99, 0.95, 0.88, 0.0), (1.0, 0.7, 0.7))
    assert held.score == pytest.approx((0.9 + 0.99 + 0.95 + 0.88) / 4)
    assert held.frame == 2  # where it is likeliest
    assert [mark.frame for mark in held.marks] == [1, 2, 3, 4]


def test_the_first_and_the_last_slices_of_a_series_are_held_to_the_same() -> None:
    assert candidates_of(thin(0.9, 0.0, 0.0, 0.0, 0.0, 0.9), (1.0, 0.7, 0.7)) == ()
    assert len(candidates_of(thin(0.9, 0.9, 0.9, 0.0, 0.0, 0.0), (1.0, 0.7, 0.7))) == 1
    assert len(candidates_of(thin(0.0, 0.0, 0.0, 0.9, 0.9, 0.9), (1.0, 0.7, 0.7))) == 1
    assert [one.score for one in candidates_of(thin(0.9, 0.8), (1.0, 0.7, 0.7))] == [pytest.approx(0.85)]  # of what there is


def test_what_is_not_told_takes_nothing_with_it() -> None:
    """A vessel in one slice, likelier than the nodule beside it, must not hide the nodule."""
    nodule = [candidate(0.85, 50, 50, frame) for frame in range(6)]
    vessel = candidate(0.95, 65, 50, 3)  # 10.5 mm beside
    both = [SliceSearch(frame, (*([vessel] if frame == 3 else []), nodule[frame]), windows=9) for frame in range(6)]
    assert [round(one.score, 4) for one in candidates_of(both, (1.0, 0.7, 0.7))] == [0.85]


def test_a_mean_over_slices_is_told_from_a_higher_score_on_than_one_slice() -> None:
    assert candidates_of(thin(*[0.55] * 6), (1.0, 0.7, 0.7)) == ()
    assert [one.score for one in candidates_of(thin(*[0.65] * 6), (1.0, 0.7, 0.7))] == [pytest.approx(0.65)]
    assert [one.score for one in candidates_of(thin(0.0, 0.55, 0.0), (3.0, 0.7, 0.7))] == [0.55]


def test_slices_that_were_not_searched_yet_do_not_speak_against_a_lesion() -> None:
    every_eighth = [SliceSearch(frame, (candidate(0.9, 50, 50, frame),) if frame == 8 else (), windows=9) for frame in (0, 8, 16)]
    assert [one.score for one in candidates_of(every_eighth, (1.0, 0.7, 0.7))] == [0.9]


def test_in_thick_slices_one_is_enough() -> None:
    assert [one.score for one in candidates_of(thin(0.0, 0.9, 0.0), (5.0, 0.7, 0.7))] == [0.9]


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


def test_the_search_tells_what_it_found_after_each_slice() -> None:
    seen: list[int] = []
    study = slices(chest(), chest())
    search(Seer(), lambda frame: plane_of(study, CT, frame), range(2), lambda found: seen.append(len(found)))  # type: ignore[arg-type]
    assert seen == [1, 2]


def test_every_eighth_slice_is_searched_before_the_others_and_the_order_of_what_is_found_is_theirs() -> None:
    asked: list[int] = []
    study = slices(*[chest(4.2) for _ in range(18)], spacing=4.2)

    def plane(frame: int) -> Plane:
        asked.append(frame)
        return plane_of(study, CT, frame)

    found = search(Seer(), plane, range(18))  # type: ignore[arg-type]
    assert set(asked[:2]) == {0, 8} and set(asked[:4]) >= {0, 8, 16}, "two at a time"
    assert sorted(asked) == [each.frame for each in found] == list(range(18))


def test_what_is_found_is_the_same_however_many_slices_are_searched_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    study = slices(*[chest(nodules=((70.0 + 3 * step, 130.0),)) for step in range(5)])
    told = []
    for searchers in (1, 3):
        monkeypatch.setattr(ct_search, "SEARCHERS", searchers)
        slices_ = search(Seer(), lambda frame: plane_of(study, CT, frame), range(5))  # type: ignore[arg-type]
        told.append([(each.frame, each.windows, [(one.column, one.row, one.score) for one in each.candidates]) for each in slices_])
    assert told[0] == told[1]


def test_a_search_that_is_stopped_searches_no_further_slice() -> None:
    asked: list[int] = []
    study = slices(*[chest(4.2) for _ in range(12)], spacing=4.2)

    def plane(frame: int) -> Plane:
        asked.append(frame)
        return plane_of(study, CT, frame)

    def stop(found: Sequence[SliceSearch]) -> None:
        raise Cancelled("The work was cancelled.", "Start it again.")

    with pytest.raises(Cancelled):
        search(Seer(), plane, range(12), stop)  # type: ignore[arg-type]
    assert len(asked) < 12


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own here")
def test_threads_that_search_give_way_and_the_others_do_not() -> None:
    before, inside = os.getpriority(os.PRIO_PROCESS, 0), []

    def plane(frame: int) -> Plane:
        inside.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return plane_of(slices(chest(4.2), spacing=4.2), CT)

    search(Seer(), plane, range(1))  # type: ignore[arg-type]
    assert inside == [max(before, 10)]
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
