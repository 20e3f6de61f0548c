"""A lesion that may be there, and where it lies in each slice that shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.types.model import ModelInput


@dataclass(frozen=True)
class Mark:
    """Where a lesion lies in one slice.

    column, row: of the source, from 0, middle of a pixel at whole numbers. frame: from 0. size_mm: its longest diameter there, None where
    it could not be measured. box: (left, top, width, height) of its outline in pixels of the source, None likewise.
    """

    column: float
    row: float
    frame: int
    size_mm: float | None = None
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Candidate:
    """One lesion that may be there, placed in the slice where its score is highest.

    column, row, frame: as of Mark. score: in [0, 1], at most the probability; no probability itself, being the highest of many.
    window: the input whose middle it is, as near as the slice allows; probability: its own.
    marks: where it lies in each of its slices, this one included, by frame. ratings: of each further head of the model, by its name, the
    score of its last label ("malignancy": malignant). side: "left" or "right" of the patient; half: of the image as displayed.
    zone: "upper", "middle" or "lower" third of the lungs. z_mm: along the patient's axis, towards the head. None of what is not known.
    """

    column: float
    row: float
    frame: int
    score: float
    probability: float
    window: ModelInput
    marks: tuple[Mark, ...] = ()
    ratings: Mapping[str, float] = field(default_factory=dict)
    side: str | None = None
    half: str | None = None
    zone: str | None = None
    z_mm: float | None = None

    @property
    def size_mm(self) -> float | None:
        """The longest diameter in any of its slices."""
        return max((mark.size_mm for mark in self.marks if mark.size_mm is not None), default=None)

    def as_read(self) -> dict[str, Any]:
        """As a person and JSON read it: x and y in tenths of a pixel, from 0; slice from 1; score to four digits; mm to a tenth."""
        return {
            "x": round(self.column, 1),
            "y": round(self.row, 1),
            "slice": self.frame + 1,
            "score": round(self.score, 4),
            "side": self.side,
            "zone": self.zone,
            "z_mm": None if self.z_mm is None else round(self.z_mm, 1),
            "size_mm": None if self.size_mm is None else round(self.size_mm, 1),
            **{name: round(value, 4) for name, value in self.ratings.items()},
            "outlines": [
                {
                    "slice": mark.frame + 1,
                    "x": round(mark.column, 1),
                    "y": round(mark.row, 1),
                    "box": mark.box and [round(side, 1) for side in mark.box],
                }
                for mark in self.marks
            ],
        }
