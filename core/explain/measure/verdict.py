"""What the ranks of a map support: when a number is better than chance, and when a map counts as supported.

A map is supported where hardly any random map as smooth does as well, and no map that knows nothing of what the network learnt does. An
opponent that could not be made might have won, so a missing one means not supported. It says that the map shows what this network uses,
never that the network is right.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from core.types import Verdict

SIGNIFICANT = 0.05
"""Share of random maps up to which a map is not one of them."""


def rank(is_as_good: NDArray[np.bool_]) -> float:
    """(1 + k) / (1 + n), k of n random maps being as good (Davison and Hinkley 1997, 4.2): never 0, whatever the luck."""
    return (1 + int(is_as_good.sum())) / (1 + len(is_as_good))


def is_rare(p: float) -> bool:
    """Whether random maps hardly ever do so well."""
    return p <= SIGNIFICANT


def verdict_of(value: float, p: float, opponents: Mapping[str, float | None]) -> Verdict:
    """The first thing that speaks against a map of that gain and rank. opponents: their gains, None of a missing one."""
    if not is_rare(p):
        return Verdict.WITHIN_RANDOM
    if any(other is not None and other >= value for other in opponents.values()):
        return Verdict.BELOW_OPPONENT
    if any(other is None for other in opponents.values()):
        return Verdict.WITHOUT_OPPONENT
    return Verdict.SUPPORTED
