"""Arrays, boxes and callbacks by what they hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatImage = NDArray[np.float32]

Mask = NDArray[np.bool_]

Box = tuple[float, float, float, float]
"""(left, top, width, height) in pixels, unless the docstring says otherwise."""

Progress = Callable[[int, int], None]
"""Told (done, total) in the unit of the work. What it raises (Cancelled) ends the work."""
