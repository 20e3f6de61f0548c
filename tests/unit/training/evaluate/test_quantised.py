"""What speaks against a quantised form: figures that became worse by more than they may, and other answers."""

from __future__ import annotations

import numpy as np
import pytest

from training.evaluate.quantised import FURTHEST, Judged, abstention_changed, faults, flipped

ANSWERS = np.array([0, 1, 1, 2, -1] * 40)
FIGURES = {"accuracy": 0.9, "ECE": 0.03, "refused inside": 0.01}


def judged(answers: np.ndarray = ANSWERS, **changed: float) -> Judged:
    return Judged({name: value + changed.get(name.split()[0], 0.0) for name, value in FIGURES.items()}, answers)


def with_others(count: int, answer: int) -> np.ndarray:
    answers = ANSWERS.copy()
    answers[np.flatnonzero(answers == 1)[:count]] = answer
    return answers


def test_what_says_the_same_may_be_kept() -> None:
    assert faults(judged(), judged()) == ()


@pytest.mark.parametrize(
    ("change", "name"), [({"accuracy": -0.006}, "accuracy"), ({"ECE": 0.011}, "ECE"), ({"refused": 0.006}, "refused inside")]
)
def test_a_figure_that_became_worse_is_named(change: dict[str, float], name: str) -> None:
    assert faults(judged(), judged(**change)) == (name,)


def test_a_figure_that_became_better_by_whatever_is_no_fault() -> None:
    assert faults(judged(), judged(accuracy=0.05, ECE=-0.02, refused=-0.01)) == ()
    assert set(FIGURES) <= set(FURTHEST)


def test_more_than_one_in_a_hundred_other_answers_are_too_many() -> None:
    assert flipped(judged(), judged(with_others(1, 0))) == 1 / 160
    assert faults(judged(), judged(with_others(1, 0))) == ()
    assert faults(judged(), judged(with_others(2, 0))) == ("other answers",)


def test_to_abstain_is_no_other_answer_and_is_counted_by_itself() -> None:
    abstaining = judged(with_others(10, -1))
    assert flipped(judged(), abstaining) == 0.0
    assert abstention_changed(judged(), abstaining) == 10 / 200
