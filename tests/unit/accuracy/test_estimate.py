"""Areas and accuracy from a stratified sample are those of the papers, and their intervals hold."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from core.accuracy.estimate import Accuracy, accuracy_of
from core.accuracy.intervals import Interval

# Olofsson et al. 2014, section 5 and table 8: deforestation, forest gain, stable forest, stable non-forest.
POINTS = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
HECTARES = np.array([200_000, 150_000, 3_200_000, 6_450_000]) * 0.09
LABELS = ("deforestation", "forest gain", "stable forest", "stable non-forest")


def by_class(table: NDArray[np.int64]) -> NDArray[np.int64]:
    """A table [classes on the map, on the ground] where strata are the classes of the map."""
    counts = np.zeros((len(table), *table.shape), dtype=np.int64)
    counts[np.arange(len(table)), np.arange(len(table))] = table
    return counts


@pytest.fixture(scope="module")
def olofsson() -> Accuracy:
    return accuracy_of(by_class(POINTS), HECTARES, LABELS, np.diag(HECTARES))


def margin(interval: Interval | None) -> float:
    """Half the normal interval, as the paper prints it."""
    assert interval is not None
    return 1.96 * interval.standard_error


def test_areas_are_those_of_the_worked_example_of_olofsson_2014(olofsson: Accuracy) -> None:
    areas = [each.area.times(HECTARES.sum()) for each in olofsson.classes]
    assert_allclose([area.value for area in areas], [21_158, 11_686, 285_770, 581_386], atol=0.5)
    assert_allclose([margin(area) for area in areas], [6_158, 3_756, 15_510, 16_282], atol=0.5)


def test_accuracy_is_that_of_the_worked_example_of_olofsson_2014(olofsson: Accuracy) -> None:
    assert_allclose([olofsson.overall.value, margin(olofsson.overall)], [0.95, 0.02], atol=0.005)
    users, producers = [each.users for each in olofsson.classes], [each.producers for each in olofsson.classes]
    assert_allclose([each.value for each in users if each], [0.88, 0.73, 0.93, 0.96], atol=0.005)
    assert_allclose([margin(each) for each in users], [0.07, 0.10, 0.04, 0.02], atol=0.005)
    assert_allclose([each.value for each in producers if each], [0.75, 0.85, 0.93, 0.96], atol=0.005)
    assert_allclose([each.standard_error for each in producers if each], [equation_7(place) for place in range(4)])


def equation_7(place: int) -> float:
    """The standard error of producer's accuracy as Olofsson et al. 2014 write it."""
    rows, held = POINTS.sum(axis=1), HECTARES
    shares = POINTS / rows[:, None]
    on_ground = float(held @ shares[:, place])
    users, producers = shares[place, place], held[place] * shares[place, place] / on_ground
    own = held[place] ** 2 * (1 - producers) ** 2 * users * (1 - users) / (rows[place] - 1)
    others = [i for i in range(4) if i != place]
    missed = sum(held[i] ** 2 * shares[i, place] * (1 - shares[i, place]) / (rows[i] - 1) for i in others)
    return float(np.sqrt(own + producers**2 * missed) / on_ground)


def test_the_matrix_is_of_shares_of_area(olofsson: Accuracy) -> None:
    assert_allclose(olofsson.matrix, HECTARES[:, None] / HECTARES.sum() * POINTS / POINTS.sum(axis=1, keepdims=True))
    assert olofsson.matrix.sum() == pytest.approx(1.0)
    assert (olofsson.counts == POINTS).all()


def test_f1_is_the_harmonic_mean_of_both_accuracies(olofsson: Accuracy) -> None:
    for each in olofsson.classes:
        assert each.f1 and each.users and each.producers
        assert each.f1.value == pytest.approx(2.0 / (1.0 / each.users.value + 1.0 / each.producers.value))


STEHMAN_STRATA = "A" * 10 + "B" * 10 + "C" * 10 + "D" * 10
STEHMAN_MAP = "A" * 7 + "B" * 3 + "A" + "B" * 11 + "C" * 6 + "BB" + "D" * 10
STEHMAN_GROUND = "AAAAACBABC" + "A" + "BBBBB" + "AABB" + "CCCCC" + "DDBBA" + "DDDDDDD" + "CCB"


def test_strata_that_are_not_the_classes_give_the_worked_example_of_stehman_2014() -> None:
    """Pages 4932 to 4936."""
    counts = np.zeros((4, 4, 4), dtype=np.int64)
    np.add.at(counts, tuple(np.array(["ABCD".index(name) for name in row]) for row in (STEHMAN_STRATA, STEHMAN_MAP, STEHMAN_GROUND)), 1)
    found = accuracy_of(counts, [40_000, 30_000, 20_000, 10_000], tuple("ABCD"))
    first, second, third, _ = found.classes
    assert second.users and second.producers
    told = [first.area, third.area, found.overall, second.users, second.producers]
    assert_allclose([each.value for each in told], [0.35, 0.20, 0.63, 0.574, 0.794], atol=0.0005)
    assert_allclose([each.standard_error for each in told], [0.082, 0.064, 0.085, 0.125, 0.117], atol=0.0005)
    assert found.matrix[1, 2] == pytest.approx(0.08)


def test_a_stratum_without_an_observed_error_has_an_interval_with_a_width() -> None:
    table = np.array([[30, 0], [0, 30]])
    found = accuracy_of(by_class(table), [1.0, 99.0], ("rare", "common"), np.diag([1.0, 99.0]))
    assert found.overall.value == 1.0 and found.overall.low < 0.9
    rare, common = found.classes
    for each in (rare.area, rare.users, rare.producers, rare.f1, common.area, common.users, common.producers, common.f1):
        assert each is not None and each.low <= each.value <= each.high
        assert each.high - each.low > 0.001
    assert rare.producers and rare.producers.low < 0.2  # what was missed in the common stratum may be many times the rare class


def test_users_accuracy_of_a_stratum_is_the_binomial_share_of_clopper_and_pearson() -> None:
    from scipy.stats import binomtest

    for right in (0, 1, 15, 29, 30):
        table = np.array([[right, 30 - right], [1, 49]])
        users = accuracy_of(by_class(table), [3.0, 7.0], ("a", "b"), np.diag([3.0, 7.0])).classes[0].users
        exact = binomtest(right, 30).proportion_ci(0.95, "exact")
        assert users is not None
        assert_allclose([users.low, users.high], [exact.low, exact.high], atol=1e-9)


def test_what_no_point_shows_is_not_told() -> None:
    found = accuracy_of(by_class(np.array([[30, 0, 0], [0, 30, 0], [0, 0, 0]]))[:2], [1.0, 1.0], ("a", "b", "never"))
    never = found.classes[2]
    assert never.users is None and never.producers is None and never.f1 is None
    assert never.area.value == 0.0 and never.area.high > 0.05  # that nobody saw it does not make it impossible


def test_a_stratum_without_a_point_is_refused() -> None:
    with pytest.raises(ValueError, match="no labelled point"):
        accuracy_of(by_class(np.array([[30, 0], [0, 0]])), [1.0, 1.0], ("a", "b"))


def test_the_order_of_strata_does_not_matter() -> None:
    counts = by_class(POINTS)
    turned = accuracy_of(counts[::-1], HECTARES[::-1], LABELS, np.diag(HECTARES)[::-1])
    first = accuracy_of(counts, HECTARES, LABELS, np.diag(HECTARES))
    for one, other in zip(turned.classes, first.classes, strict=True):
        assert one.area.high == pytest.approx(other.area.high) and one.f1 and other.f1 and one.f1.low == pytest.approx(other.f1.low)
