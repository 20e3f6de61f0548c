"""Arrays by what they hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatImage = NDArray[np.float32]

Mask = NDArray[np.bool_]

Box = tuple[float, float, float, float]
"""(left, top, width, height) in pixels, or (west, south, east, north) on the ground, as whoever holds it says."""
Progress = Callable[[int, int], None]
"""Told (done, total). What it raises (Cancelled) ends the work."""
