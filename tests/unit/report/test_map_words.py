"""What is said of a map, and how its numbers are written."""

from __future__ import annotations

from core.report.inside import inside_notices
from core.report.language import language_of
from core.report.map_words import correlation_words
from core.types import Fact, Inside


def test_a_part_of_which_nothing_was_read_is_not_told() -> None:
    told = inside_notices(Inside({"lungs": 1.0, "body": 0.0, "outside": 0.004}, {"lungs": 0.98, "body": 0.02, "outside": 0.0}))
    assert [one.code for one in told] == ["explanation.lungs", "explanation.elsewhere"]


def test_a_rating_is_never_written_as_certain() -> None:
    assert language_of("en").write(Fact("", 0.9991, "rating", "")) == "above 0.99"


def test_what_rounds_to_nothing_has_no_sign() -> None:
    assert language_of("en").write(Fact("", -0.001, "score", "")) == correlation_words(-0.001) == "0.00"
    assert language_of("en").write(Fact("", -0.0001, "area under the curve", "")) == "0.000"
