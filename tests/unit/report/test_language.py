"""Numbers in reports are written as a person writes them."""

from __future__ import annotations

import pytest

from core.report.language import decimal, language_of
from core.types import Fact


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (0.25, "0.25"),
        (2.75e-05, "0.0000275"),
        (0.1 + 0.2, "0.3"),
        (1234567.0, "1234567"),
        (3.8414588207, "3.84146"),
    ],
)
def test_a_number_has_no_exponent_and_no_digit_that_says_nothing(value: float, written: str) -> None:
    assert decimal(value) == written
    assert language_of("en").write(Fact("parameter.shift", value, "", "parameters")) == written
