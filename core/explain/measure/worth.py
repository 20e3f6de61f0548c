"""What a network is worth whose map is measured: a faithful map of a network that knows nothing is still faithful."""

from __future__ import annotations

import math
from typing import Any

from core.types import Notice, notice
from models.registry import LoadedModel


def worth_of(model: LoadedModel) -> Notice:
    """The first figure of its card, else that it was calibrated, else that nothing says that it was trained."""
    for name, told in model.card.metrics.items():
        value = _number(told)
        if value is not None:
            return notice("worth.figure", figure=str(name), value=value)
    return notice("worth.calibrated") if model.calibration is not None else notice("worth.unknown")


def _number(told: Any) -> float | None:
    """A figure of a card: a number, or a number with its interval."""
    value = told[0] if isinstance(told, (list, tuple)) and told else told
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_number else None
