"""What putting the old pixels back does to one polygon of change."""

from __future__ import annotations

from dataclasses import dataclass

from core.types.arrays import FloatImage

_WHOLE = 0.9
"""Share from which a change counts as gone, or as still there."""


@dataclass(frozen=True)
class TakenBack:
    """One polygon of change after pixels of the first date were put into the second, and both were compared anew.

    polygon: its id. undone: share of its changed pixels that are changed no more when all of them are put back. kept: share that stay
    changed when the old pixels are put on as much unchanged ground beside it; None where there is none. first, second: of the fall of its
    mean score, the share that putting back one half of its ground brings, that which the effects of single cells rank first and the other;
    None for a polygon of one cell. cells: float32 [rows, columns] over the polygon's window, the fall of its mean score when a cell alone
    is put back, NaN where it has no pixel. bands: of the fall, the share that putting back one band alone brings, the largest first;
    shares need not sum to 1.
    """

    polygon: int
    undone: float
    kept: float | None
    first: float | None
    second: float | None
    cells: FloatImage
    bands: tuple[tuple[str, float], ...]

    @property
    def is_gone(self) -> bool:
        """Whether the change vanishes with the polygon's own pixels."""
        return self.undone >= _WHOLE

    @property
    def is_proved(self) -> bool:
        """Whether this ground makes the change, other ground does not, and the half that is ranked first makes more of it."""
        if self.kept is None or self.first is None or self.second is None:
            return False
        return self.is_gone and self.kept >= _WHOLE and self.first > self.second
