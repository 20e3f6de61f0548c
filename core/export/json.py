"""report.json: facts, sentences with the ids of their facts, parameters, edits and sign-off."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.types import Report


def write(report: Report, path: Path) -> None:
    """Write the report to `path`, UTF-8, one object; a number that is not finite becomes null."""
    path.write_text(json.dumps(as_json(report), ensure_ascii=False, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain values that JSON knows."""
    values = plain(asdict(report))
    assert isinstance(values, dict)
    return values


def plain(value: Any) -> Any:
    """A value as JSON knows it: tuples and sets as lists, numbers of numpy as numbers, NaN and infinity as None, the rest as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(part) for part in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if hasattr(value, "item"):  # a number of numpy
        return plain(value.item())
    return str(value)
