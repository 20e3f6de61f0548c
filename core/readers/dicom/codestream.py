"""How large a compressed frame says it is, read from its markers before a decoder allocates memory for it."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from pydicom.uid import JPEG2000, UID, JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLosslessSV1, JPEGLSNearLossless, RLELossless

_BY_MARKER = {
    0xC0: JPEGBaseline8Bit,
    0xC1: JPEGExtended12Bit,
    0xC3: JPEGLosslessSV1,
    0xF7: JPEGLSNearLossless,
    0x51: JPEG2000,
}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_NOT_A_FRAME = frozenset({0xC4, 0xC8, 0xCC})


@dataclass(frozen=True)
class CodestreamSize:
    """rows, columns and components of a codestream; bits a sample; the marker that told (SOFn, or SIZ)."""

    rows: int
    columns: int
    components: int
    bits: int
    marker: int


def codestream_size(data: bytes) -> CodestreamSize | None:
    """The size that a JPEG, JPEG-LS or JPEG 2000 codestream declares; None where no such header is found."""
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data)
    start = data.find(b"\xff\x4f\xff\x51", 0, 4096)  # a JP2 box may stand before the codestream
    return _jpeg_2000(data, start + 4) if start >= 0 else None


def guessed_syntax(data: bytes) -> UID | None:
    """The transfer syntax of a compressed frame whose file does not name it; None where the frame does not tell either."""
    size = codestream_size(data)
    if size is not None:
        return _BY_MARKER.get(size.marker)
    if len(data) < 64:
        return None
    segments, first = struct.unpack_from("<LL", data)
    return RLELossless if 1 <= segments <= 15 and first == 64 else None  # PS3.5 annex G.5


def _jpeg(data: bytes) -> CodestreamSize | None:
    """ITU-T T.81 annex B.2.2 and T.87 annex C.2.2: the first SOF marker."""
    position = 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            return None
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        if marker in _WITHOUT_LENGTH:
            position += 2
            continue
        length = struct.unpack_from(">H", data, position + 2)[0]
        is_frame = (0xC0 <= marker <= 0xCF and marker not in _NOT_A_FRAME) or marker == 0xF7
        if is_frame and position + 10 <= len(data):
            bits, rows, columns, components = struct.unpack_from(">BHHB", data, position + 4)
            return CodestreamSize(rows, columns, components, bits, marker)
        if marker == 0xDA:  # scan data: no frame header came before it
            return None
        position += 2 + length
    return None


def _jpeg_2000(data: bytes, position: int) -> CodestreamSize | None:
    """ISO 15444-1 annex A.5.1: the SIZ marker segment."""
    if position + 39 > len(data):
        return None
    _, _, right, bottom, left, top = struct.unpack_from(">HHLLLL", data, position)
    components, depth = struct.unpack_from(">HB", data, position + 36)[0], data[position + 38]
    return CodestreamSize(bottom - top, right - left, components, (depth & 0x7F) + 1, 0x51)
