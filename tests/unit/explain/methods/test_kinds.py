"""A parameter may be what its name says in every method, whatever its default is."""

from __future__ import annotations

import pytest

from core.errors import OutOfRange
from core.explain.methods.kinds import PARAMETER_KINDS, check_kind
from core.explain.registry import COMMON, METHODS


def test_every_parameter_has_a_kind_and_no_kind_is_of_none() -> None:
    assert set(PARAMETER_KINDS) == {name for method in METHODS.values() for name in {**method.defaults, **COMMON}}


@pytest.mark.parametrize("method", METHODS)
def test_every_default_is_of_its_kind(method: str) -> None:
    for name, value in {**METHODS[method].defaults, **COMMON}.items():
        check_kind(name, value)


@pytest.mark.parametrize("value", [None, 0, 3])
def test_a_layer_is_a_number_or_what_the_method_takes_by_itself(value: int | None) -> None:
    check_kind("layer", value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("layer", (1, 2)),
        ("layer", True),
        ("layer", "last"),
        ("window", 5),
        ("window", (5, 5.0)),
        ("seed", -1),
        ("masks", None),
        ("noise", "a"),
    ],
)
def test_what_is_of_no_kind_is_refused(name: str, value: object) -> None:
    with pytest.raises(OutOfRange, match=name):
        check_kind(name, value)
