"""Slices made ready for the browser: 16-bit values after the modality LUT, in chunks of a few megabytes, windowed there by drag.

A series above MOST_BYTES is thinned by a whole factor for scrolling; the slice on which the hand rests follows at full size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.prepare.windowing import modality_values, render
from core.render.scene import png
from core.types import FloatImage, Picture, Study

MOST_BYTES = 64_000_000
CHUNK_BYTES = 4_000_000
CURVE_POINTS = 1024

Reader = Callable[[int], FloatImage]
Watcher = Callable[[int, int], None]


@dataclass(frozen=True)
class Chunk:
    """Slices `first` (from 0) to `first + count - 1`: little-endian int16, or red, green, blue, alpha bytes of a colour object."""

    first: int
    count: int
    data: bytes


@dataclass(frozen=True)
class Curve:
    """A VOI LUT as the screen needs it: grey in [0, 255] at evenly spaced values from low to high."""

    low: float
    high: float
    grey: tuple[int, ...]


@dataclass(frozen=True)
class Packed:
    """A stack for viewer.js. value = stored * scale + offset, in `unit`; reduced: each such row and column was kept in the chunks.

    is_inverted: MONOCHROME1, the smallest value is white.
    sharp: the bytes of one slice at full size.
    overlays: (slice, PNG) of what the file draws over its slices, white on clear, at full size.
    """

    columns: int
    rows: int
    count: int
    reduced: int
    chunks: tuple[Chunk, ...]
    scale: float
    offset: float
    unit: str
    is_inverted: bool
    is_colour: bool
    curve: Curve | None
    sharp: Callable[[int], bytes]
    overlays: tuple[tuple[int, bytes], ...] = ()


def pack_study(study: Study, watch: Watcher = lambda done, total: None) -> Packed:
    """Every frame of a study. watch(done, total) is told after each frame, and may raise to stop.

    Raises UnreadableFile where a frame cannot be decoded.
    """
    return replace(_pack_frames(study, watch), overlays=tuple(_overlays(study)))


def _pack_frames(study: Study, watch: Watcher) -> Packed:
    count, rows, columns = study.shape
    if study.frames.read(0).ndim == 3:
        return _pack_colour(lambda index: render(study, index), count, watch)
    header = study.frame_header(0)
    is_inverted = str(header.get("PhotometricInterpretation", study.photometric)) == "MONOCHROME1"
    unit = "HU" if study.modality == "CT" else ""
    curve = _curve_of(study, is_inverted) if header.get("VOILUTSequence") and not header.get("WindowCenter") else None
    return _pack_grey(lambda index: modality_values(study, index), (count, rows, columns), unit, is_inverted, curve, watch)


def _overlays(study: Study) -> Iterator[tuple[int, bytes]]:
    if study.overlays is None:
        return
    for index in range(study.shape[0]):
        mask = study.overlays.mask(index)
        if mask is not None and mask.any():
            alpha = np.where(mask, np.uint8(255), np.uint8(0))
            yield index, png(np.dstack([alpha, alpha, alpha, alpha]))


def pack_picture(picture: Picture) -> Packed:
    """A PNG or JPEG as a stack of one."""
    if picture.pixels.ndim == 3:
        return _pack_colour(lambda index: picture.pixels, 1, lambda done, total: None)
    rows, columns = picture.pixels.shape
    return _pack_grey(lambda index: picture.pixels.astype(np.float32), (1, rows, columns), "", False, None, lambda done, total: None)


def _pack_grey(read: Reader, shape: tuple[int, int, int], unit: str, is_inverted: bool, curve: Curve | None, watch: Watcher) -> Packed:
    count, rows, columns = shape
    reduced = _reduction(count, rows, columns)
    thinned = []
    watch(0, count)
    for index in range(count):
        thinned.append(read(index)[::reduced, ::reduced])
        watch(index + 1, count)
    scale, offset = _quantisation(thinned)
    slices = [_stored(values, scale, offset) for values in thinned]
    return Packed(
        columns, rows, count, reduced, _chunks(slices), scale, offset, unit, is_inverted, False, curve,
        sharp=lambda index: _stored(read(index), scale, offset),
    )  # fmt: skip


def _pack_colour(read: Callable[[int], NDArray[np.uint8]], count: int, watch: Watcher) -> Packed:
    rows, columns, _ = read(0).shape
    reduced = _reduction(count, rows, columns, bytes_a_pixel=4)
    slices = []
    watch(0, count)
    for index in range(count):
        slices.append(_with_alpha(read(index)[::reduced, ::reduced]))
        watch(index + 1, count)
    return Packed(
        columns, rows, count, reduced, _chunks(slices), 1.0, 0.0, "", False, True, None,
        sharp=lambda index: _with_alpha(read(index)),
    )  # fmt: skip


def _reduction(count: int, rows: int, columns: int, bytes_a_pixel: int = 2) -> int:
    if count == 1:
        return 1
    reduced = 1
    while count * (rows // reduced) * (columns // reduced) * bytes_a_pixel > MOST_BYTES:
        reduced += 1
    return reduced


def _quantisation(frames: list[FloatImage]) -> tuple[float, float]:
    """(scale, offset): 1 and 0 where every value is a whole number that 16 bits hold, else the range is spread over them."""
    low = min(float(np.nanmin(values)) for values in frames)
    high = max(float(np.nanmax(values)) for values in frames)
    if low >= -32768 and high <= 32767 and all(bool(np.all(values == np.rint(values))) for values in frames):
        return 1.0, 0.0
    scale = (high - low) / 65535 or 1.0
    return scale, low + 32768 * scale


def _stored(values: FloatImage, scale: float, offset: float) -> bytes:
    known = np.nan_to_num(values, nan=offset - 32768 * scale)
    return bytes(np.clip(np.rint((known - offset) / scale), -32768, 32767).astype("<i2").tobytes())


def _with_alpha(pixels: NDArray[np.uint8]) -> bytes:
    opaque = np.full((*pixels.shape[:2], 1), 255, dtype=np.uint8)
    return np.concatenate([pixels, opaque], axis=2).tobytes()


def _chunks(slices: list[bytes]) -> tuple[Chunk, ...]:
    each = max(1, CHUNK_BYTES // max(1, len(slices[0])))
    return tuple(
        Chunk(first, len(slices[first : first + each]), b"".join(slices[first : first + each])) for first in range(0, len(slices), each)
    )


def _curve_of(study: Study, is_inverted: bool) -> Curve | None:
    """The VOI LUT of the first frame, read off its rendering: the grey that each value got (before the inversion of MONOCHROME1)."""
    values, first = np.unique(modality_values(study, 0), return_index=True)
    if len(values) < 2:
        return None
    grey = render(study, 0).ravel()[first].astype(np.float64)
    points = np.linspace(values[0], values[-1], CURVE_POINTS)
    shown = np.rint(np.interp(points, values, 255 - grey if is_inverted else grey))
    return Curve(float(values[0]), float(values[-1]), tuple(int(level) for level in shown))
