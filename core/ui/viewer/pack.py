"""A stack of slices as the browser asks for it: each by itself, at full size, as 16-bit values that are windowed there by drag.

A slice is decoded when it is asked for, so that the first one is there as soon as a study is open, and a long series costs no memory here.
Before a large one comes a preview of it, which is soon there over a slow network too.
"""

from __future__ import annotations

import math
import struct
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.jobs import jobs
from core.prepare.windowing import modality_values, render
from core.render.scene import png
from core.types import FloatImage, OverlaySource, Picture, Study

CURVE_POINTS = 1024
OVERLAY = "overlay"
"""What the browser adds to the number of a slice to get what the file draws over it."""
PREVIEW = "preview"
"""The same for a slice of which each so many rows and columns were kept, Packed.thinned."""
MOST_BYTES = 1_500_000
"""Of a preview."""
_BYTES_OF_GREY, _BYTES_OF_COLOUR = 2, 4
_LOWEST, _HIGHEST = -32768, 32767


@dataclass(frozen=True)
class Curve:
    """A VOI LUT as the screen needs it: grey in [0, 255] at evenly spaced values from low to high."""

    low: float
    high: float
    grey: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Packed:
    """A stack for viewer.js. unit: of its values. is_inverted: MONOCHROME1, the smallest value is white.

    read: the pixels of a slice (from 0): float32 [rows, columns], or uint8 [rows, columns, 3] of a colour object.
    overlays: what the file draws over its slices. token: by which the browser asks for slices, as long as this lives.
    """

    columns: int
    rows: int
    count: int
    unit: str
    is_inverted: bool
    is_colour: bool
    curve: Curve | None
    read: Callable[[int], NDArray[np.generic]]
    overlays: OverlaySource | None = None
    token: str = field(init=False, default="")

    def __post_init__(self) -> None:
        here = weakref.ref(self)
        object.__setattr__(self, "token", jobs().hold(here, is_busy=lambda: here() is not None))

    @property
    def thinned(self) -> int:
        """Of a preview one row and column in so many is kept; 1 where slices are so small that none is needed."""
        each = self.columns * self.rows * (_BYTES_OF_COLOUR if self.is_colour else _BYTES_OF_GREY)
        return math.ceil(math.sqrt(each / MOST_BYTES))

    def piece(self, name: str) -> bytes | None:
        """What the browser fetches: "12" for a slice (from 0), "12/preview" for a thinned one, "12/overlay" for a PNG, white on clear, of
        what the file draws over it.

        A slice is two little-endian float64, scale and offset, and its pixels: little-endian int16, value = stored * scale + offset, or
        red, green, blue, alpha bytes of a colour object. None where there is nothing of that name.
        Raises UnreadableFile where the frame cannot be decoded.
        """
        number, _, what = name.partition("/")
        if not number.isdecimal() or int(number) >= self.count or what not in ("", OVERLAY, PREVIEW):
            return None
        if what == OVERLAY:
            return self._overlay(int(number))
        step = self.thinned if what else 1
        return _slice(self.read(int(number))[::step, ::step])

    def _overlay(self, index: int) -> bytes | None:
        mask = None if self.overlays is None else self.overlays.mask(index)
        if mask is None or not mask.any():
            return None
        alpha = np.where(mask, np.uint8(255), np.uint8(0))
        return png(np.dstack([alpha, alpha, alpha, alpha]))


def pack_study(study: Study) -> Packed:
    """Every frame of a study; the middle one, which is looked at first, is decoded. Raises UnreadableFile where it cannot be."""
    count, rows, columns = study.shape
    if study.frames.read(count // 2).ndim == 3:
        return Packed(columns, rows, count, "", False, True, None, lambda index: render(study, index), study.overlays)
    header = study.frame_header(0)
    is_inverted = str(header.get("PhotometricInterpretation", study.photometric)) == "MONOCHROME1"
    unit = "HU" if study.modality == "CT" else ""
    curve = _curve_of(study, is_inverted) if header.get("VOILUTSequence") and not header.get("WindowCenter") else None
    return Packed(columns, rows, count, unit, is_inverted, False, curve, lambda index: modality_values(study, index), study.overlays)


def pack_picture(picture: Picture) -> Packed:
    """A PNG or JPEG as a stack of one."""
    rows, columns = picture.pixels.shape[:2]
    if picture.pixels.ndim == 3:
        return Packed(columns, rows, 1, "", False, True, None, lambda index: picture.pixels)
    return Packed(columns, rows, 1, "", False, False, None, lambda index: picture.pixels.astype(np.float32))


def _slice(pixels: NDArray[np.generic]) -> bytes:
    if pixels.ndim == 3:
        opaque = np.full((*pixels.shape[:2], 1), 255, dtype=np.uint8)
        return struct.pack("<dd", 1.0, 0.0) + np.concatenate([pixels, opaque], axis=2).tobytes()
    values = pixels.astype(np.float32, copy=False)
    scale, offset = _quantisation(values)
    return struct.pack("<dd", scale, offset) + _stored(values, scale, offset).tobytes()


def _quantisation(values: FloatImage) -> tuple[float, float]:
    """(scale, offset): 1 and 0 where every value is a whole number that 16 bits hold, else the range is spread over them."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if low >= _LOWEST and high <= _HIGHEST and bool(np.all(values == np.rint(values))):
        return 1.0, 0.0
    scale = (high - low) / 65535 or 1.0
    return scale, low - _LOWEST * scale


def _stored(values: FloatImage, scale: float, offset: float) -> NDArray[np.int16]:
    if (scale, offset) == (1.0, 0.0):
        return values.astype("<i2")
    known = np.nan_to_num(values, nan=offset + _LOWEST * scale)
    return np.asarray(np.clip(np.rint((known - offset) / scale), _LOWEST, _HIGHEST), dtype="<i2")


def _curve_of(study: Study, is_inverted: bool) -> Curve | None:
    """The VOI LUT of the first frame, read off its rendering: the grey that each value got (before the inversion of MONOCHROME1)."""
    values, first = np.unique(modality_values(study, 0), return_index=True)
    if len(values) < 2:
        return None
    grey = render(study, 0).ravel()[first].astype(np.float64)
    points = np.linspace(values[0], values[-1], CURVE_POINTS)
    shown = np.rint(np.interp(points, values, 255 - grey if is_inverted else grey))
    return Curve(float(values[0]), float(values[-1]), tuple(int(level) for level in shown))
