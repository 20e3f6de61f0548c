"""How often a series without any break is said to hold one, and how many planted breaks are found.

python -m benchmarks.series_false_alarms [SERIES]
"""

from __future__ import annotations

import sys

import numpy as np

from core.change.breaks import find_breaks
from tests.unit.change.test_breaks import ground

PLACES, DATES, PLANTED = 300, (12, 18, 24, 36, 50), 20
SIZES = (0.15, 0.3, 0.45)


def main(series: int) -> None:
    """Print a line for each number of dates."""
    for dates in DATES:
        alarms, found = 0, dict.fromkeys(SIZES, 0)
        for seed in range(series):
            plain = ground(np.random.default_rng((dates, seed)), PLACES, dates)
            alarms += bool(find_breaks(plain).breaks)
        for size in SIZES:
            for seed in range(max(series // 10, 1)):
                planted = ground(np.random.default_rng((dates, seed, 1)), PLACES, dates)
                planted[:PLANTED, dates // 2 :] -= size
                found[size] += len({one.place for one in find_breaks(planted).breaks} & set(range(PLANTED)))
        of = PLANTED * max(series // 10, 1)
        told = ", ".join(f"{size}: {100 * count / of:.0f} %" for size, count in found.items())
        print(f"{dates} dates: {alarms} of {series} series without a break hold a claim; breaks found of size {told}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
