"""What the metadata of a satellite product say of a scene: whose it is, and how its numbers become reflectance."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from core.types.notice import Notice

if TYPE_CHECKING:
    from pathlib import Path


class ScaleState(StrEnum):
    """Whether the numbers of a scene are still to be scaled. UNKNOWN: nothing tells, so that whatever is done is a guess."""

    NEEDED = "needed"
    APPLIED = "already applied"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Scaling:
    """Of a scale or of an offset: its state, and the evidence for it. is_guess: whether somebody should look at it."""

    state: ScaleState
    evidence: Notice
    is_guess: bool = False


@dataclass(frozen=True)
class Product:
    """Where a scene comes from.

    sensor: "Sentinel-2A MSI", "Landsat 8 OLI". level: "L1C", "L2A", "L2SP". baseline: of processing, "05.09"; "" where there is none.
    """

    sensor: str
    level: str
    baseline: str
    scale: Scaling
    offset: Scaling


class CloudKind(StrEnum):
    """How a raster names clouds. SCL: scene classification of Sentinel-2 L2A. QA: bits of Landsat's QA_PIXEL. OWN: anything but 0."""

    SCL = "scl"
    QA = "qa"
    OWN = "own"


@dataclass(frozen=True)
class CloudMask:
    """A raster that tells clouds, and how. index: of its band, from 1."""

    kind: CloudKind
    file: Path
    index: int = 1
