"""Frames that stay in their files until they are looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from core.errors import OutOfRange
from core.readers.dicom.decode import decode_frame
from core.readers.dicom.pixels import PixelLayout


@dataclass(frozen=True)
class ObjectFrames:
    """The frames of one single- or multi-frame object."""

    layout: PixelLayout

    @property
    def shape(self) -> tuple[int, int, int]:
        """(frames, rows, columns)."""
        return self.layout.frames, self.layout.rows, self.layout.columns

    def read(self, index: int) -> NDArray[Any]:
        """Frame `index` (from 0), as core.types.FrameSource says."""
        return decode_frame(self.layout, index)


@dataclass(frozen=True)
class SliceFrames:
    """The frames of a series of single-frame objects, one file a frame, in order; all of one size."""

    layouts: tuple[PixelLayout, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(frames, rows, columns)."""
        return len(self.layouts), self.layouts[0].rows, self.layouts[0].columns

    def read(self, index: int) -> NDArray[Any]:
        """Frame `index` (from 0), as core.types.FrameSource says."""
        if not 0 <= index < len(self.layouts):
            raise OutOfRange("frame", index, f"0 <= frame < {len(self.layouts)}")
        return decode_frame(self.layouts[index], 0)
