"""The parameters of a method, from the words of a command line."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from core.errors import OutOfRange

NONE = "none"
"""What stands for "as the method finds it"."""
REGION, CORNERS = "--region", 4


def knobs_of(
    baseline: str | None, steps: int | None, window: int | None, stride: int | None, seed: int | None, settings: Sequence[str]
) -> dict[str, Any]:
    """The parameters that were given, by name. window, stride: pixels a side. settings: NAME=VALUE each. Raises OutOfRange."""
    found: dict[str, Any] = {}
    for text in settings:
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
