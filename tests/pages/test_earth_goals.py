"""What is looked for between two dates on the Earth page picks the way to compare them."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.ui.earth.comparison import choose_goal, chosen_goal, chosen_index, chosen_method, goals
from tests.pages.test_earth_methods import SENTINEL, dates


@pytest.mark.parametrize(
    ("goal", "way"),
    [("burn", ("index", "nbr")), ("water", ("index", "ndwi")), ("vegetation-loss", ("index", "ndvi-loss")), ("anything", ("mad", ""))],
)
def test_a_goal_picks_the_way_that_finds_it(tmp_path: Path, goal: str, way: tuple[str, str]) -> None:
    here = dates(tmp_path, SENTINEL)
    choose_goal(here, goal)
    assert (chosen_method(here), chosen_index(here)) == way
    assert chosen_goal(here) == goal


def test_a_goal_is_offered_where_the_bands_can_find_it(tmp_path: Path) -> None:
    assert list(goals(dates(tmp_path, SENTINEL))) == ["burn", "water", "vegetation-loss", "building", "anything"]
    assert list(goals(dates(tmp_path, ("B02", "B03", "B04")))) == ["building", "anything"]


def test_a_way_of_no_goal_leaves_all_unchosen(tmp_path: Path) -> None:
    here = dates(tmp_path, SENTINEL)
    here.method = "classes"
    assert chosen_goal(here) == ""
