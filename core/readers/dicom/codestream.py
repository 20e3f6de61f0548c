"""What a compressed frame says of itself, read from its markers before a decoder allocates memory for it."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from pydicom.uid import JPEG2000, UID, JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLosslessSV1, JPEGLSNearLossless, RLELossless

from core.readers import jpeg

JPEG_SPECTRAL_SELECTION = UID("1.2.840.10008.1.2.4.53")
"""Retired: progressive JPEG of processes 6 and 8."""
JPEG_FULL_PROGRESSION = UID("1.2.840.10008.1.2.4.55")
"""Retired: progressive JPEG of processes 10 and 12."""

SIZ = 0x51
_BY_MARKER = {
    jpeg.SOF_BASELINE: JPEGBaseline8Bit,
    jpeg.SOF_EXTENDED: JPEGExtended12Bit,
    jpeg.SOF_PROGRESSIVE: JPEG_FULL_PROGRESSION,
    jpeg.SOF_LOSSLESS: JPEGLosslessSV1,
    jpeg.SOF_JPEG_LS: JPEGLSNearLossless,
    SIZ: JPEG2000,
}
# Fewest bits of a block of 8 x 8: one for its mean and one that nothing follows (progressive: the first); of a lossless sample: one.
_MOST_PIXELS_A_BYTE = {jpeg.SOF_BASELINE: 256, jpeg.SOF_EXTENDED: 256, jpeg.SOF_PROGRESSIVE: 512, jpeg.SOF_LOSSLESS: 8}
# JPEG-LS and JPEG 2000 have no such bound. What is larger than a detector and blank to this degree is no image.
_LARGE_PIXELS = 16_000_000
_BLANK_PIXELS_A_BYTE = 2_000

_SOC_SIZ = b"\xff\x4f\xff\x51"
_SOT = b"\xff\x90"
_EOC = b"\xff\xd9"
_PADDED_END = re.compile(rb"[\x00\xff]*(\xff\xd9|\Z)")
_BOX = b"\0\0\0\x0cjP  "
_RLE_HEADER_BYTES = 64


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
    if data.startswith(jpeg.START_OF_IMAGE):
        return _jpeg(data)
    start = data.find(_SOC_SIZ, 0, 4096)  # a JP2 box may stand before the codestream
    return _jpeg_2000(data, start + 4) if start >= 0 else None


def begins_frame(head: bytes) -> bool:
    """Whether a frame begins like this (12 bytes): a start of image or of a codestream, or the header of an RLE frame (PS3.5 G.5)."""
    return head.startswith((b"\xff\xd8\xff", _SOC_SIZ, _BOX)) or _is_rle(head)


def guessed_syntax(data: bytes) -> UID | None:
    """The transfer syntax of a compressed frame whose file does not name it; None where the frame does not tell either."""
    size = codestream_size(data)
    if size is not None:
        return _BY_MARKER.get(size.marker)
    return RLELossless if len(data) >= _RLE_HEADER_BYTES and _is_rle(data) else None


def is_too_short(data: bytes, size: CodestreamSize) -> bool:
    """Whether so many pixels as declared cannot come out of so few bytes."""
    pixels = size.rows * size.columns
    limit = _MOST_PIXELS_A_BYTE.get(size.marker)
    if limit is not None:
        return pixels > limit * len(data)
    return pixels > _LARGE_PIXELS and pixels > _BLANK_PIXELS_A_BYTE * len(data)


def jpeg_2000_whole(data: bytes) -> bytes:
    """A JPEG 2000 codestream without boxes around it and padding behind its last tile, with its end marker.

    Raises ValueError where tiles are missing or cut off: decoders fill their place with one value. A codestream whose tile-parts
    are not where it says is given back as it is.
    """
    start = data.find(_SOC_SIZ, 0, 4096)
    stream = data[max(0, start) :]
    position, tiles = stream.find(_SOT), set()
    while position >= 0 and stream.startswith(_SOT, position) and position + 12 <= len(stream):
        tile, length = struct.unpack_from(">HL", stream, position + 4)  # ISO 15444-1 A.4.2: Isot and Psot
        tiles.add(tile)
        end = position + length if length else max(stream.rfind(_EOC), position)
        if end > len(stream):
            raise ValueError("a tile is cut off")
        if not length or end <= position:
            break
        position = end
    if len(tiles) < _tiles(stream):
        raise ValueError("tiles are missing")
    return stream[:position] + _EOC if _PADDED_END.match(stream, position) else stream


def _tiles(stream: bytes) -> int:
    right, bottom, _, _, width, height, left, top = struct.unpack_from(">8L", stream, 8)
    return -((left - right) // width) * -((top - bottom) // height) if width and height else 0


def _is_rle(head: bytes) -> bool:
    if len(head) < 8:
        return False
    count, first = struct.unpack_from("<LL", head)
    return bool(1 <= count <= 15 and first == _RLE_HEADER_BYTES)


def _jpeg(data: bytes) -> CodestreamSize | None:
    """ITU-T T.81 annex B.2.2 and T.87 annex C.2.2: the first frame header."""
    for segment in jpeg.segments(data):
        if jpeg.is_frame_header(segment.marker) and segment.start + 6 <= len(data):
            bits, rows, columns, components = struct.unpack_from(">BHHB", data, segment.start)
            return CodestreamSize(rows, columns, components, bits, segment.marker)
        if segment.scan_end:  # no frame header came before the data
            return None
    return None


def _jpeg_2000(data: bytes, position: int) -> CodestreamSize | None:
    """ISO 15444-1 annex A.5.1: the SIZ marker segment."""
    if position + 39 > len(data):
        return None
    _, _, right, bottom, left, top = struct.unpack_from(">HHLLLL", data, position)
    components, depth = struct.unpack_from(">HB", data, position + 36)[0], data[position + 38]
    return CodestreamSize(bottom - top, right - left, components, (depth & 0x7F) + 1, SIZ)
