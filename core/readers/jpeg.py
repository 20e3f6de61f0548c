"""JPEG (ITU-T T.81) and JPEG-LS (T.87) streams by their markers: where they end, and whether their scans are whole.

Decoders fill what is missing of a scan with grey and say nothing, so that half an image looks like an answer.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

START_OF_IMAGE = b"\xff\xd8"
END_OF_IMAGE = b"\xff\xd9"
_SOS, _EOI, _DRI = 0xDA, 0xD9, 0xDD
SOF_BASELINE, SOF_EXTENDED, SOF_PROGRESSIVE, SOF_LOSSLESS, SOF_JPEG_LS = 0xC0, 0xC1, 0xC2, 0xC3, 0xF7
_NOT_A_FRAME = frozenset({0xC4, 0xC8, 0xCC})
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_COEFFICIENTS = 64
# What ends the data of a scan: a marker that is neither a stuffed byte (00; below 80 in JPEG-LS) nor a restart.
_AFTER_SCAN = re.compile(rb"\xff+[\x80-\xcf\xd8-\xfe]")
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_NOISE = hashlib.shake_128(b"what no scan holds").digest(2048).replace(b"\xff", b"")


@dataclass(frozen=True)
class Segment:
    """A marker of a stream: its code, where its parameters start and end; of a scan also where its data end."""

    marker: int
    start: int
    end: int
    scan_end: int = 0


def segments(data: bytes) -> Iterator[Segment]:
    """The marker segments of a stream in order, up to the end marker or as far as they make sense."""
    position = len(START_OF_IMAGE)
    while position + 2 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        start = position + 2
        if marker == _EOI or marker in _WITHOUT_LENGTH:
            yield Segment(marker, start, start)
            if marker == _EOI:
                return
            position = start
            continue
        if start + 2 > len(data):
            return
        end = start + struct.unpack_from(">H", data, start)[0]
        if marker == _SOS:
            following = _AFTER_SCAN.search(data, end)
            position = following.start() if following else len(data)
            yield Segment(marker, start + 2, end, position)
            continue
        yield Segment(marker, start + 2, end)
        position = end


def is_frame_header(marker: int) -> bool:
    """Whether a marker is one of SOF0 to SOF15, or that of JPEG-LS."""
    return (0xC0 <= marker <= 0xCF and marker not in _NOT_A_FRAME) or marker == SOF_JPEG_LS


def closed(data: bytes) -> bytes:
    """The stream without what stands behind its end (padding, PS3.5 A.4), and with an end marker where that is missing."""
    scan_end = 0
    for segment in segments(data):
        if segment.marker == _EOI:
            break
        scan_end = max(scan_end, segment.scan_end, segment.end)
    if not scan_end:
        return data
    return data[:scan_end].rstrip(b"\xff") + END_OF_IMAGE


def without_zeros(data: bytes) -> bytes:
    """A closed stream whose zeros before the end marker are taken for padding; the first of them is kept, since it may be data."""
    body = data.removesuffix(END_OF_IMAGE)
    return body[: len(body.rstrip(b"\0")) + 1] + END_OF_IMAGE


def decoded_whole(data: bytes, decode: Callable[[bytes], NDArray[np.generic]]) -> NDArray[np.generic]:
    """What `decode` makes of a JPEG stream whose scans are whole. Raises ValueError where one is cut off or missing."""
    frame = decode(closed(data))
    check_whole(data, frame, decode)
    return frame


def check_whole(data: bytes, frame: NDArray[np.generic], decode: Callable[[bytes], NDArray[np.generic]]) -> None:
    """Whether `frame`, what `decode` makes of a JPEG stream, comes of whole scans. Raises ValueError where one is cut off or missing.

    A scan that is whole does not care what stands behind it: with noise put behind each scan it gives the same pixels.
    """
    data = closed(data)
    if not _covers_all(data):
        raise ValueError("a scan is missing")
    if not np.array_equal(frame, decode(_with_noise(data))):
        raise ValueError("a scan is cut off")


def _with_noise(data: bytes) -> bytes:
    pieces, position, has_restarts = [], 0, False
    for segment in segments(data):
        has_restarts = has_restarts or segment.marker == _DRI
        if segment.marker != _SOS:
            continue
        noise = _NOISE
        if has_restarts:  # a scan may also be cut between two intervals: noise for the next one
            restarts = len(_RESTART.findall(data, segment.end, segment.scan_end))
            noise += bytes((0xFF, 0xD0 + restarts % 8)) + _NOISE
        pieces += [data[position : segment.scan_end], noise]
        position = segment.scan_end
    return b"".join((*pieces, data[position:]))


def _covers_all(data: bytes) -> bool:
    """Whether every component has its scan; of a progressive stream, every coefficient down to its last bit (T.81 G.1.1.1)."""
    wanted: set[tuple[int, int]] = set()
    found: set[tuple[int, int]] = set()
    is_progressive = False
    for segment in segments(data):
        parameters = data[segment.start : segment.end]
        if is_frame_header(segment.marker):
            is_progressive = segment.marker == SOF_PROGRESSIVE
            each = range(_COEFFICIENTS) if is_progressive else range(1)
            wanted = {(component, index) for component in parameters[6 : 6 + 3 * parameters[5] : 3] for index in each}
        elif segment.marker == _SOS:
            count = parameters[0]
            first, last, approximation = parameters[1 + 2 * count : 4 + 2 * count]
            if is_progressive and approximation & 0x0F:
                continue
            each = range(first, last + 1) if is_progressive else range(1)
            found |= {(component, index) for component in parameters[1 : 1 + 2 * count : 2] for index in each}
    return wanted <= found
