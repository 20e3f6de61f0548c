"""What an export says, the same in every kind of object: the answer, and regions on the pixels of the source."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from skimage.measure import find_contours

from core.export.dicom.source import SourceImages
from core.types import Explanation, FloatImage, Mask, Prediction, Report, Study, Window

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Region:
    """Something that is pointed at, on one or several frames.

    number: from 1. masks: bool [rows, columns] by frame (from 0). best: the frame where it is clearest. label: an id of the language's
    labels ("nodule"), or "attribution" for where a map is strongest. is_measured: whether the mask is its extent, not a place alone.
    side: "left" or "right" of the patient.
    """

    number: int
    label: str
    masks: dict[int, Mask]
    best: int
    score: float | None = None
    size_mm: float | None = None
    is_measured: bool = True
    side: str | None = None
    ratings: tuple[tuple[str, float], ...] = ()

    def outline(self, frame: int) -> Points:
        """float64 [points, 2], (column, row) from the upper left corner of the first pixel (PS3.3 C.10.5.1.2): closed, first = last."""
        padded = np.pad(self.masks[frame].astype(np.float64), 1)
        contours: list[Points] = find_contours(padded, 0.5)  # type: ignore[no-untyped-call]
        contour = max(contours, key=len) - 1.0  # middles of pixels at whole numbers
        points = contour[:, ::-1] + 0.5
        rows, columns = self.masks[frame].shape
        return np.asarray(np.clip(points, 0.0, (columns, rows)), dtype=np.float64)


@dataclass(frozen=True)
class ExportContent:
    """All that a maker of objects needs.

    map: float32 [rows, columns] of the source in [0, 1], over frame `map_frame`, None without an explanation. window: that pictures and
    presentation states are shown by, None for the file's own or the full range. pdf: bytes of the report.
    """

    study: Study
    source: SourceImages
    prediction: Prediction
    report: Report
    regions: tuple[Region, ...] = ()
    explanation: Explanation | None = None
    map: FloatImage | None = field(default=None, repr=False)
    map_frame: int = 0
    window: Window | None = None
    pdf: bytes = field(default=b"", repr=False)

    @cached_property
    def frames(self) -> tuple[int, ...]:
        """The frames that are pictured: those where regions are clearest, else that of the map or of the answer."""
        if self.regions:
            return tuple(sorted({region.best for region in self.regions}))
        return (self.map_frame if self.map is not None else self.prediction.frame or 0,)
