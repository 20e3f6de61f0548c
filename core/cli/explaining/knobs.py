"""The parameters of a method, from the words of a command line."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from core.errors import OutOfRange
from core.settings import MOST_RANDOM_MAPS, settings

NONE = "none"
"""What stands for "as the method finds it"."""
FEWEST_MAPS = 100
"""Random maps that a map is ranked among at the least: what a command calls supported beats 95 of 100."""
REGION, CORNERS = "--region", 4


def knobs_of(
    baseline: str | None, steps: int | None, window: int | None, stride: int | None, seed: int | None, others: Sequence[str]
) -> dict[str, Any]:
    """The parameters that were given, by name. window, stride: pixels a side. others: NAME=VALUE each. Raises OutOfRange."""
    found: dict[str, Any] = {}
    for text in others:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise OutOfRange("--set", text, "NAME=VALUE, for example fusion=max")
        found[name.strip().replace("-", "_")] = parsed(value.strip())
    named = {
        "baseline": baseline,
        "steps": steps,
        "window": None if window is None else (window, window),
        "stride": None if stride is None else (stride, stride),
        "seed": seed,
    }
    return {**found, **{name: value for name, value in named.items() if value is not None}}


def maps_of(asked: int | None) -> int:
    """How many random maps are made: the setting where nobody asked, where that is no fewer than FEWEST_MAPS. Raises OutOfRange."""
    if asked is None:
        return max(FEWEST_MAPS, settings().random_maps)
    if not FEWEST_MAPS <= asked <= MOST_RANDOM_MAPS:
        raise OutOfRange("--maps", asked, f"a whole number from {FEWEST_MAPS} to {MOST_RANDOM_MAPS}")
    return asked


def parsed(text: str) -> Any:
    """A whole number, a number, nothing, two whole numbers (height,width), or the word itself."""
    if text.lower() == NONE:
        return None
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    with suppress(ValueError):
        return tuple(int(part) for part in text.split(",")) if "," in text else text
    return text


def with_region_joined(arguments: Sequence[str]) -> list[str]:
    """--region takes a file or four numbers: those become the one value that an option has."""
    found: list[str] = []
    rest = list(arguments)
    while rest:
        found.append(rest.pop(0))
        corners = rest[:CORNERS]
        if found[-1] == REGION and len(corners) == CORNERS and all(_is_number(each) for each in corners):
            found.append(" ".join(corners))
            del rest[:CORNERS]
    return found


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
