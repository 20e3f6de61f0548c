"""What two raters agree on."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from core.accuracy.agreement import agreement_of, reference_of
from core.accuracy.sample import ReferenceLabel


def told(labels: str, first: int = 0) -> list[ReferenceLabel]:
    """One label a letter, of the points "p0", "p1", ...; a point without one where there is a blank."""
    return [ReferenceLabel(f"p{place}", label) for place, label in enumerate(labels, start=first) if label != " "]


def test_kappa_is_cohens() -> None:
    generator = np.random.default_rng(3)
    one = "".join(generator.choice(list("abc"), 200, p=[0.7, 0.2, 0.1]))
    two = "".join(letter if generator.random() < 0.8 else "abc"[generator.integers(3)] for letter in one)
    found = agreement_of(told(one), told(two))
    assert found and found.kappa
    assert found.kappa.value == pytest.approx(cohen_kappa_score(list(one), list(two)))
    assert found.raw.value == np.mean([a == b for a, b in zip(one, two, strict=True)])
    assert found.kappa.low < found.kappa.value < found.kappa.high
    assert len(found.differing) == sum(a != b for a, b in zip(one, two, strict=True))


def test_full_agreement_has_an_interval_with_a_width() -> None:
    found = agreement_of(told("aabb"), told("aabb"))
    assert found and found.kappa and found.kappa.value == 1.0
    assert found.raw.low < 0.5 and found.kappa.low < 0.5


def test_where_chance_alone_agrees_on_all_there_is_no_kappa() -> None:
    found = agreement_of(told("aaaa"), told("aaaa"))
    assert found and found.kappa is None and found.raw.value == 1.0


def test_points_of_one_rater_alone_do_not_count_as_agreement() -> None:
    found = agreement_of(told("ab b"), told("a bb"))
    assert found and found.points == 2
    assert agreement_of(told("a"), told("a", first=1)) is None


def test_the_first_rater_counts_and_the_second_fills_in() -> None:
    counted = {each.id: each.label for each in reference_of(told("ab "), told("cca"))}
    assert counted == {"p0": "a", "p1": "b", "p2": "a"}
