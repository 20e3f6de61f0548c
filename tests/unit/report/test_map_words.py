"""What is said of a map, and how its numbers are written."""

from __future__ import annotations

from core.report.inside import inside_notices
from core.report.language import language_of
from core.types import Fact, Inside


def test_a_part_of_which_nothing_was_read_is_not_told() -> None:
    told = inside_notices(Inside({"lungs": 1.0, "body": 0.0, "outside": 0.004}, {"lungs": 0.98, "body": 0.02, "outside": 0.0}))
    assert [one.code for one in told] == ["explanation.lungs", "explanation.elsewhere"]


def test_a_rating_is_never_written_as_certain() -> None:
    assert language_of("en").write(Fact("", 0.9991, "rating", "")) == "above 0.99"
