"""Where each compressed frame stands: the items of encapsulated pixels (PS3.5 A.4), told apart by the items themselves.

The offset table is asked last: in practice it is often empty of meaning (zeros, one entry, counted from elsewhere), while the items and
the codestreams that begin in them are what is decoded.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import BinaryIO

from core.errors import UnreadableFile
from core.readers.dicom.codestream import begins_frame

_ITEM, _HEAD_BYTES, _LOOKED_AT = (0xFFFE, 0xE000), 8, 12
_UNDEFINED = 0xFFFFFFFF


@dataclass(frozen=True)
class Fragment:
    """One item: where its value starts in the file, its length in bytes, and whether a frame begins with it."""

    start: int
    length: int
    begins_frame: bool


@dataclass(frozen=True)
class Fragments:
    """The items of a pixel element in order, and the entries of its basic offset table, which may mean nothing."""

    items: tuple[Fragment, ...]
    table: tuple[int, ...] = field(default=(), repr=False)

    @property
    def frames(self) -> int:
        """How many frames begin, as far as the items tell; at least 1."""
        return max(1, sum(item.begins_frame for item in self.items))

    @property
    def length(self) -> int:
        """Bytes of all items together."""
        return sum(item.length for item in self.items)


def fragments(file: BinaryIO, start: int, end: int, order: str) -> Fragments:
    """Walk the items from `start` to the sequence delimiter or to `end`, the end of the file. order: "<" or ">".

    What no longer is an item ends the walk; an item that runs over the end is as long as the file lasts.
    """
    found: list[Fragment] = []
    position = start
    while position + _HEAD_BYTES <= end:
        file.seek(position)
        head = file.read(_HEAD_BYTES + _LOOKED_AT)
        group, element, length = struct.unpack_from(f"{order}HHL", head)
        if (group, element) != _ITEM or length == _UNDEFINED:
            break
        position += _HEAD_BYTES
        held = min(length, end - position)
        found.append(Fragment(position, held, begins_frame(head[_HEAD_BYTES:][:held])))
        position += length
    if not found or found[0].begins_frame:
        return Fragments(tuple(found))
    file.seek(found[0].start)
    table = file.read(found[0].length // 4 * 4)
    return Fragments(tuple(found[1:]), struct.unpack(f"{order}{len(table) // 4}L", table))


def frame_spans(found: Fragments, frames: int, extended: Sequence[int], name: str) -> tuple[tuple[tuple[int, int], ...], ...]:
    """(start, length) of the pieces of each frame. extended: the extended offset table, () where there is none.

    Raises UnreadableFile where there are too few pieces, or nothing tells which belong together.
    """
    items = found.items
    if len(items) < frames or not items:
        raise UnreadableFile(
            f"{name} ends before its pixels do: {len(items)} of {frames} frames are there.", "Export or copy it again from its source."
        )
    starts = [0] if frames == 1 else list(range(frames)) if len(items) == frames else _starts(found, frames, extended)
    if starts is None:
        raise UnreadableFile(
            f"{name} holds {len(items)} compressed pieces and does not tell which of its {frames} frames they make.",
            "Export it again from its source, if possible uncompressed.",
        )
    ends = [*starts[1:], len(items)]
    return tuple(tuple((item.start, item.length) for item in items[low:high]) for low, high in zip(starts, ends, strict=True))


def _starts(found: Fragments, frames: int, extended: Sequence[int]) -> list[int] | None:
    """The index of the first piece of each frame: where codestreams begin, else as an offset table tells."""
    begun = [index for index, item in enumerate(found.items) if item.begins_frame]
    if len(begun) == frames:
        return begun
    first = found.items[0].start
    places = [item.start - first for item in found.items]
    bare = list(accumulate((item.length for item in found.items[:-1]), initial=0))  # some count without the headers of the items
    for table in (extended, found.table):
        offsets = [entry - table[0] for entry in table]
        for counted in (places, bare):
            index = {place: number for number, place in enumerate(counted)}
            starts = [index.get(offset, -1) for offset in offsets]
            if len(starts) == frames and starts == sorted(set(starts)) and starts[0] == 0:
                return starts
    return None
