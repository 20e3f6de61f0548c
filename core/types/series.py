"""What is made of a series of dates of one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.types.notice import Notice
from core.types.scene import Scene


@dataclass(frozen=True)
class SeriesDate:
    """One date. valid_share: of the grid, with data and without cloud. clouds: share that is masked, None where nothing tells clouds.

    shift: (right, down) in pixels by which it lay off the first date, None where it cannot be told. left: what a correction left of it,
    None where none was tried. is_corrected: whether the correction was kept.
    """

    scene: Scene
    valid_share: float
    clouds: float | None
    shift: tuple[float, float] | None
    left: tuple[float, float] | None
    is_corrected: bool


@dataclass(frozen=True)
class AreaOnDate:
    """Hectares of one class, or where one index is above its threshold. low, high: of its interval, None where there is none."""

    date: str
    name: str
    hectares: float
    valid_share: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class LevelBreak:
    """Ground whose level breaks between two dates. size: of the index, after minus before. days: until the next break, or the last date.

    lasts_to: that date. is_lasting: whether it is the last of the series. p: corrected for the number of tests.
    """

    id: int
    hectares: float
    date_before: str
    date_after: str
    size: float
    days: int
    lasts_to: str
    is_lasting: bool
    p: float


@dataclass(frozen=True)
class SeriesResult:
    """What `sightline series` made. dates: in the order of time. areas: by date, then class or index. thresholds: of the indices.

    index: by whose level breaks were searched, "" where the bands form none. tested: places with dates enough to be tested, 0 where
    nothing is claimed. inflation: of the statistics of stable ground. breaks: the largest first. broken_hectares: each place once.
    """

    dates: tuple[SeriesDate, ...]
    bands: tuple[str, ...]
    indices: tuple[str, ...]
    thresholds: tuple[float, ...]
    index: str
    labels: tuple[str, ...]
    areas: tuple[AreaOnDate, ...]
    tested: int
    inflation: float
    breaks: tuple[LevelBreak, ...]
    broken_hectares: float
    areas_file: Path
    series_file: Path
    breaks_file: Path
    parameters: Mapping[str, Any]
    model: str = ""
    weights: str = ""
    assumptions: tuple[Notice, ...] = ()
    seconds: float = 0.0
