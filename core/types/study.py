"""Medical images as read: one DICOM object or series, or a plain picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.types.notice import Notice

if TYPE_CHECKING:
    from pydicom import Dataset


PROJECTION_MODALITIES = frozenset({"CR", "DX", "IO", "MG", "PX", "RF", "RG", "XA"})
"""Modalities whose image is a shadow: its millimetres are those of the detector, not of the body. A photograph (XC) is none."""


class FrameSource(Protocol):
    """Frames that are decoded when asked for, so that a long series costs no memory until it is looked at."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(frames, rows, columns)."""

    def read(self, index: int) -> NDArray[Any]:
        """Frame `index` (from 0) in stored units: [rows, columns], or uint8 [rows, columns, 3] for a colour object.

        Raises UnreadableFile where the frame cannot be decoded.
        """


class OverlaySource(Protocol):
    """Overlay planes (DICOM PS3.3 C.9.2), read from the file when asked for. They may hold a name, as pixels may."""

    def mask(self, index: int) -> NDArray[np.bool_] | None:
        """Where planes mark frame `index` (from 0): [rows, columns]; None where none lies on it. Raises UnreadableFile or NotFound."""


@dataclass(frozen=True)
class Window:
    """A VOI window: DICOM PS3.3 C.11.2.1.2. centre and width are in output units of the modality transform (HU for CT)."""

    centre: float
    width: float
    function: str = "LINEAR"
    explanation: str = ""


@dataclass(frozen=True)
class Study:
    """One DICOM image, or one series put in order, without anything that names a person.

    name: the file's or folder's own name, as the user gave it. Shown to the user, never logged.
    frames: lazy pixels [frames, rows, columns] in stored units, first slice first.
    overlays: drawings over the frames, None where the file has none. A model does not see them.
    header: the attributes on the allow-list of core/readers/dicom/image.py, and no others.
    frame_headers: one a frame (or a single one for all): rescale, modality LUT, VOI windows and LUT, photometric interpretation.
    spacing_mm: (row, column) spacing of pixels, None where the file does not tell; at the detector for projection radiographs.
    slice_spacing_mm: distance of neighbouring slices, None for a single frame or an irregular stack.
    orientation: the six direction cosines of PS3.3 C.7.6.2.1.1, None where there are none.
    series: opaque, the same for what came from one series; of use while the process lives.
    instance_numbers: one a frame, () where not told.
    kernels: reconstruction kernels of CT, one a frame, or a single one for all; () where not told.
    is_volume: whether the frames were proven to be one regular stack.
    age_years: age at the study, None where the file does not tell. The only fact kept of the person, besides sex.
    sha256: of the source bytes (of the concatenated sha256 of every file in order, for a series).
    sources: the files that the frames came from, in frame order (one file for a multi-frame object).
    assumptions: what had to be assumed while reading.
    """

    name: str
    sha256: str
    frames: FrameSource
    header: Dataset
    frame_headers: tuple[Dataset, ...]
    modality: str
    body_part: str = ""
    view: str = ""
    photometric: str = "MONOCHROME2"
    sop_class_uid: str = ""
    age_years: float | None = None
    sex: str = ""
    spacing_mm: tuple[float, float] | None = None
    slice_spacing_mm: float | None = None
    orientation: tuple[float, ...] | None = None
    positions: tuple[tuple[float, float, float], ...] = ()
    overlays: OverlaySource | None = None
    series: str = ""
    instance_numbers: tuple[int, ...] = ()
    kernels: tuple[str, ...] = ()
    is_volume: bool = False
    sources: tuple[Path, ...] = ()
    assumptions: tuple[Notice, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(frames, rows, columns)."""
        return self.frames.shape

    @property
    def is_projection(self) -> bool:
        """Whether the image is a shadow, whose millimetres are those of the detector."""
        return self.modality in PROJECTION_MODALITIES

    @property
    def pixel_aspect(self) -> float:
        """Height of a pixel by its width, for display: by its spacing, else by PixelAspectRatio (PS3.3 C.7.6.3.1.7), else 1."""
        told = self.spacing_mm or self.header.get("PixelAspectRatio") or ()
        heights = [float(part) for part in told]
        return heights[0] / heights[1] if len(heights) == 2 and min(heights) > 0 else 1.0

    @property
    def kernel(self) -> str:
        """The kernel of all its slices, "" where they have several or the file does not tell."""
        return self.kernels[0] if len(set(self.kernels)) == 1 else ""

    @property
    def thickness_mm(self) -> float | None:
        """Slice thickness (0018,0050), None where not told."""
        told = self.header.get("SliceThickness")
        return float(told) if told else None

    def frame_header(self, index: int) -> Dataset:
        """The display attributes of frame `index` (from 0)."""
        return self.frame_headers[index if len(self.frame_headers) > 1 else 0]


@dataclass(frozen=True)
class Picture:
    """A PNG or JPEG: pixels without a header that could say what they show.

    pixels: uint8 [rows, columns] for grey, [rows, columns, 3] for red, green, blue.
    """

    name: str
    sha256: str
    pixels: NDArray[np.uint8]
    source: Path | None = None
    assumptions: tuple[Notice, ...] = ()

    @property
    def is_colour(self) -> bool:
        """Whether the file holds three channels that differ."""
        return self.pixels.ndim == 3 and bool(np.ptp(self.pixels.astype(np.int16), axis=2).max() > 0)
