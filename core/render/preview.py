"""What a map that is under way shows so far: the classes of the rows that are done, thinned so that it stays small."""

from __future__ import annotations

from collections.abc import Sequence, Set

import numpy as np
from numpy.typing import NDArray

from core.render.scene import classes_picture

MOST_SIDE = 1024
"""Pixels of the longer side; a scene that is larger is thinned to every second, third ... pixel."""
_NOTHING = 255


class Preview:
    """Class maps of one or two dates on one grid, written from top to bottom by the thread that makes them, read by any other.

    width, height: of the grid. dates: how many maps. rows: how many rows of the grid are done.
    """

    def __init__(self, width: int, height: int, dates: int = 1) -> None:
        self.rows = 0
        self._step = max(1, -(-max(width, height) // MOST_SIDE))
        self._classes = np.full((dates, -(-height // self._step), -(-width // self._step)), _NOTHING, dtype=np.uint8)

    def add(self, top: int, *classes: NDArray[np.uint8]) -> None:
        """Rows from `top` on, one array [rows, width] a date; 255 where there is no class."""
        first = -(-top // self._step)
        for known, strip in zip(self._classes, classes, strict=True):
            thinned = strip[first * self._step - top :: self._step, :: self._step]
            known[first : first + len(thinned)] = thinned
        self.rows = top + len(classes[0])

    def classes(self, date: int = 0) -> NDArray[np.uint8]:
        """uint8 [rows, columns] of one date as far as it is known; 255 elsewhere."""
        return np.array(self._classes[date])

    def picture(self, date: int, colours: Sequence[tuple[int, int, int]], hidden: Set[int] = frozenset()) -> bytes:
        """The same as PNG; what is not known yet, and hidden classes, are transparent."""
        return classes_picture(self.classes(date), colours, hidden)
