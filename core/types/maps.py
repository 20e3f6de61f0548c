"""What is made of scenes: land-cover maps, changes, areas, polygons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.types.notice import Notice
from core.types.scene import Scene
from core.types.taken_back import TakenBack

WARN_OUTSIDE_SHARE = 0.05
"""Share of valid pixels outside what the model knows from which that is said first; validation itself refuses about that many."""


@dataclass(frozen=True)
class ClassArea:
    """Area of one class: pixels, hectares on the ellipsoid, share of the valid area in [0, 1]."""

    label: str
    pixels: int
    hectares: float
    share: float


@dataclass(frozen=True)
class LandCoverMap:
    """What `sightline map` made; rasters stay on disk.

    landcover: COG uint8, index into labels, 255 nodata. confidence, outside: COG float32, NaN nodata. unstable: COG uint8, 1 where the
    class depends on where tiles are laid, 255 nodata; None where nobody looked. unstable_share: of the valid pixels.
    uncertainty: COG float32, NaN nodata, of the bands entropy, margin, outside, unstable.
    outside_share: share of valid pixels whose tile is outside what the model knows. warnings: those of the assumptions that are said first.
    is_ground_known: whether the model was made for pixels and an extent of that size. is_scale_known: whether it is known how the values
    become reflectance. linear: labels of lines, which have no areas. token_metres: what one answer of the model covers on the ground.
    """

    scene: Scene
    model: str
    weights: str
    labels: tuple[str, ...]
    landcover: Path
    confidence: Path
    outside: Path
    classes: Path
    areas: tuple[ClassArea, ...]
    valid_pixels: int
    outside_share: float
    mean_confidence: float
    parameters: Mapping[str, Any]
    unstable: Path | None = None
    uncertainty: Path | None = None
    unstable_share: float = 0.0
    assumptions: tuple[Notice, ...] = ()
    warnings: tuple[Notice, ...] = ()
    is_ground_known: bool = True
    is_scale_known: bool = True
    linear: tuple[str, ...] = ()
    token_metres: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Transition:
    """Pixels and hectares that went from one label to another (the same label where nothing changed)."""

    before: str
    after: str
    pixels: int
    hectares: float


@dataclass(frozen=True)
class ChangePolygon:
    """One connected area of change, in the grid's CRS.

    window: (left, top, width, height) in pixels of the first date's grid. probability: mean over its pixels of what
    the method gives: a probability where it is calibrated, else a score. taken_back: None where nobody asked.
    confidence: in [0, 1], how much of it the shift between the dates cannot explain; None where the shift could not be measured.
    """

    id: int
    hectares: float
    before: str | None
    after: str | None
    probability: float
    window: tuple[int, int, int, int]
    centre: tuple[float, float]
    taken_back: TakenBack | None = None
    confidence: float | None = None

    def is_linear(self, linear: Sequence[str]) -> bool:
        """Whether one of its classes is among those that are lines on the ground, which have no areas."""
        return self.before in linear or self.after in linear


@dataclass(frozen=True)
class ChangeMap:
    """What `sightline change` made of two dates; rasters stay on disk.

    outlined_hectares: of the polygons that are not below the smallest area asked for; None where nobody counted.
    labels: of the land cover of both dates; () where no classes are known, and no transitions. transitions: the cross-table of the maps of
    both dates, each as it is made alone. became: the same of the pixels that changed.
    change: COG uint8, 1 changed, 0 not, 255 nodata. score: COG float32, NaN nodata (change_score.tif, or change_probability.tif where
    is_calibrated says that it is a probability). assumptions: the weightiest first. warnings: those of them that are said first.
    is_ground_known, is_scale_known: of both dates, as of a LandCoverMap; linear as there.
    severity: COG uint8 of the classes of burn severity, 255 nodata; severities: their areas. None and () for what is no dNBR.
    """

    before: Scene
    after: Scene
    model: str
    weights: str
    method: str
    labels: tuple[str, ...]
    change: Path
    score: Path
    polygons_file: Path
    transitions: tuple[Transition, ...]
    polygons: tuple[ChangePolygon, ...]
    changed_pixels: int
    valid_pixels: int
    changed_hectares: float
    parameters: Mapping[str, Any]
    became: tuple[Transition, ...] = ()
    assumptions: tuple[Notice, ...] = ()
    landcover_before: Path | None = None
    landcover_after: Path | None = None
    is_calibrated: bool = False
    outlined_hectares: float | None = None
    severity: Path | None = None
    severities: tuple[ClassArea, ...] = ()
    warnings: tuple[Notice, ...] = ()
    is_ground_known: bool = True
    is_scale_known: bool = True
    linear: tuple[str, ...] = ()
    seconds: float = 0.0
