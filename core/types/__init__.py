"""The stops of the road, each a frozen value that carries pixels and what they mean.

    bytes -> Study | Scene | Picture -> ModelInput -> Prediction -> Explanation -> Report -> files

A function takes the value of one stop and returns the next. Nobody reaches back, nobody mutates.
Axes are named in every docstring; lengths are in millimetres (medical) or metres (earth) unless the name says otherwise.
"""

from __future__ import annotations

from core.types.arrays import Box, FloatImage, Mask, Progress
from core.types.candidate import Candidate, Mark
from core.types.explanation import (
    Correlation,
    Explanation,
    FoundMap,
    Gain,
    Inside,
    Likeness,
    MapUnit,
    RemovalScore,
    Sanity,
    Target,
    TokenMap,
    Verdict,
)
from core.types.maps import WARN_OUTSIDE_SHARE, ChangeMap, ChangePolygon, ClassArea, LandCoverMap, Transition
from core.types.model import (
    Calibration,
    Capability,
    ChangeCalibration,
    Domain,
    MeasuredRange,
    ModelInput,
    Outside,
    Prediction,
    Preprocess,
)
from core.types.notice import Notice, notice
from core.types.product import CloudKind, CloudMask, Product, ScaleState, Scaling
from core.types.report import Addendum, Fact, Report, Sentence
from core.types.scene import UNNAMED_DATE, Band, DataMask, Scene, ValueRange
from core.types.series import AreaOnDate, LevelBreak, SeriesDate, SeriesResult
from core.types.study import FrameSource, OverlaySource, Picture, Study, Window
from core.types.taken_back import TakenBack

Image = Study | Scene | Picture

__all__ = [
    "UNNAMED_DATE",
    "WARN_OUTSIDE_SHARE",
    "Addendum",
    "AreaOnDate",
    "Band",
    "Box",
    "Calibration",
    "Candidate",
    "Capability",
    "ChangeCalibration",
    "ChangeMap",
    "ChangePolygon",
    "ClassArea",
    "CloudKind",
    "CloudMask",
    "Correlation",
    "DataMask",
    "Domain",
    "Explanation",
    "Fact",
    "FloatImage",
    "FoundMap",
    "FrameSource",
    "Gain",
    "Image",
    "Inside",
    "LandCoverMap",
    "LevelBreak",
    "Likeness",
    "MapUnit",
    "Mark",
    "Mask",
    "MeasuredRange",
    "ModelInput",
    "Notice",
    "Outside",
    "OverlaySource",
    "Picture",
    "Prediction",
    "Preprocess",
    "Product",
    "Progress",
    "RemovalScore",
    "Report",
    "Sanity",
    "ScaleState",
    "Scaling",
    "Scene",
    "Sentence",
    "SeriesDate",
    "SeriesResult",
    "Study",
    "TakenBack",
    "Target",
    "TokenMap",
    "Transition",
    "ValueRange",
    "Verdict",
    "Window",
    "notice",
]
