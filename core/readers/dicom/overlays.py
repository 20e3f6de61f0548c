"""Overlay planes (PS3.3 C.9.2): drawings and regions of one bit that lie over the pixels, in groups 6000 to 601E.

They are pixels as much as the image is: read from the file when a frame is looked at, drawn on what a person sees, and kept nowhere.
A model never sees them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from pydicom import DataElement, Dataset
from pydicom.dataelem import RawDataElement
from pydicom.uid import ExplicitVRBigEndian

from core.deidentify.header import CONVERSION_ERRORS
from core.readers.dicom.decode import decode_cells
from core.readers.dicom.parse import inflated, opened
from core.readers.dicom.pixels import PixelLayout
from core.types import Mask

_GROUPS = range(0x6000, 0x6020, 2)
_ROWS, _COLUMNS, _FRAMES, _ORIGIN, _FIRST_FRAME = 0x0010, 0x0011, 0x0015, 0x0050, 0x0051
_BITS_ALLOCATED, _BIT_POSITION, _DATA = 0x0100, 0x0102, 0x3000


@dataclass(frozen=True)
class OverlayPlane:
    """One plane. top, left: of its first pixel on the image, from 0 (negative where it begins outside).

    first, frames: the frames of the image that it lies on, each with bits of its own; frames None: the same bits on every frame.
    start, length: of its data in the (inflated) file in bytes, swapped in pairs where is_swapped; of a plane in the unused bits of the
    pixels `bit` is the bit that holds it, and start is None.
    """

    rows: int
    columns: int
    top: int
    left: int
    first: int
    frames: int | None
    start: int | None
    length: int
    is_swapped: bool
    bit: int

    def covers(self, frame: int) -> bool:
        """Whether the plane lies on a frame of the image (from 0)."""
        return self.frames is None or self.first <= frame < self.first + self.frames


@dataclass(frozen=True)
class ObjectOverlays:
    """The planes of one object."""

    layout: PixelLayout
    planes: tuple[OverlayPlane, ...]

    def mask(self, index: int) -> Mask | None:
        """Where a plane marks frame `index` (from 0): bool [rows, columns] of the image; None where none lies on it.

        A plane that is cut off marks what is there of it. Raises UnreadableFile or NotFound.
        """
        planes = [plane for plane in self.planes if plane.covers(index)]
        if not planes:
            return None
        mask = np.zeros((self.layout.rows, self.layout.columns), dtype=np.bool_)
        for plane in planes:
            _put(mask, self._bits(plane, index), plane.top, plane.left)
        return mask

    def _bits(self, plane: OverlayPlane, index: int) -> Mask:
        if plane.start is None:
            cells = decode_cells(self.layout, index)
            return np.asarray(cells >> plane.bit & 1, dtype=np.bool_)[: plane.rows, : plane.columns]
        with opened(self.layout.path, self.layout.name) as raw:
            return _packed(inflated(raw, self.layout.name) if self.layout.is_inflated else raw, plane, index)


@dataclass(frozen=True)
class SliceOverlays:
    """The planes of a series of single-frame objects, one an object, None where it has none."""

    objects: tuple[ObjectOverlays | None, ...]

    def mask(self, index: int) -> Mask | None:
        """As of ObjectOverlays."""
        one = self.objects[index]
        return None if one is None else one.mask(0)


def overlays_of(dataset: Dataset, layout: PixelLayout) -> ObjectOverlays | None:
    """The overlay planes of an object, None where it has none that can be drawn."""
    held = {int(tag) >> 16 for tag in dataset.keys()}  # noqa: SIM118 - iterating itself converts every value
    planes = tuple(plane for plane in (_plane(dataset, group, layout) for group in _GROUPS if group in held) if plane is not None)
    return ObjectOverlays(layout, planes) if planes else None


def _plane(dataset: Dataset, group: int, layout: PixelLayout) -> OverlayPlane | None:
    rows, columns = _number(dataset, group, _ROWS) or 0, _number(dataset, group, _COLUMNS) or 0
    bit = _number(dataset, group, _BIT_POSITION) or 0
    data = dataset.get_item((group, _DATA), keep_deferred=True) if (group, _DATA) in dataset else None
    is_embedded = data is None and (_number(dataset, group, _BITS_ALLOCATED) or 0) > 1
    values = range(layout.high_bit - layout.bits_stored + 1, layout.high_bit + 1)
    has_bits = data is not None or (is_embedded and layout.has_cells and bit not in values)
    if rows < 1 or columns < 1 or not has_bits:
        return None
    start, length = _place(data)
    origin = _numbers(dataset, group, _ORIGIN)
    top, left = (origin[0], origin[1]) if len(origin) == 2 else (1, 1)
    return OverlayPlane(
        rows=rows,
        columns=columns,
        top=top - 1,
        left=left - 1,
        first=max(1, _number(dataset, group, _FIRST_FRAME) or 1) - 1,
        frames=_number(dataset, group, _FRAMES) if layout.frames > 1 and not is_embedded else None,
        start=start,
        length=length,
        is_swapped=layout.transfer_syntax == ExplicitVRBigEndian and getattr(data, "VR", "") != "OB",
        bit=bit,
    )


def _place(data: DataElement | RawDataElement | None) -> tuple[int | None, int]:
    """Where the data of a plane start in the file, and their length in bytes."""
    if data is None:
        return None, 0
    if isinstance(data, RawDataElement):
        return data.value_tell, data.length
    return data.file_tell or 0, len(data.value or b"")


def _packed(file: BinaryIO, plane: OverlayPlane, index: int) -> Mask:
    """Bits of one frame, eight a byte, the first in the lowest bit; frames follow each other without a gap (PS3.5 8.1.2)."""
    assert plane.start is not None
    size = plane.rows * plane.columns
    first = 0 if plane.frames is None else (index - plane.first) * size
    word = first // 16 * 2  # bytes may be swapped in whole words
    end = min(plane.length, -(-(first + size) // 16) * 2)
    file.seek(plane.start + word)
    held = file.read(max(0, end - word))
    data = np.frombuffer(held.ljust(-(-(first + size) // 16) * 2 - word, b"\0"), dtype=np.uint8)
    if plane.is_swapped:
        data = data.reshape(-1, 2)[:, ::-1].ravel()
    bits = np.unpackbits(data, bitorder="little")[first - 8 * word :][:size]
    return bits.astype(np.bool_).reshape(plane.rows, plane.columns)


def _put(mask: Mask, bits: Mask, top: int, left: int) -> None:
    """Mark `mask` where `bits`, which begin at (top, left), fall on it."""
    bits = bits[max(0, -top) :, max(0, -left) :]
    target = mask[max(0, top) : max(0, top) + bits.shape[0], max(0, left) : max(0, left) + bits.shape[1]]
    target |= bits[: target.shape[0], : target.shape[1]]


def _number(dataset: Dataset, group: int, element: int) -> int | None:
    found = _numbers(dataset, group, element)
    return found[0] if found else None


def _numbers(dataset: Dataset, group: int, element: int) -> Sequence[int]:
    try:
        value = dataset[group, element].value
        return [int(part) for part in ([value] if isinstance(value, (int, str)) else value or ())]
    except CONVERSION_ERRORS:
        return ()
