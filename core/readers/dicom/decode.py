"""One frame of a DICOM object, decoded when it is asked for.

core/readers/dicom/codecs.py says which decoder takes which compressed frame.
"""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, convert_color_space
from pydicom.uid import UID, JPEGBaseline8Bit, RLELossless

from core.deidentify.header import CONVERSION_ERRORS
from core.errors import OutOfRange, TooLarge, UnreadableFile
from core.readers.dicom.codecs import decode_codestream, is_coloured_jpeg
from core.readers.dicom.codestream import CodestreamSize, codestream_size, is_too_short
from core.readers.dicom.parse import inflated, opened
from core.readers.dicom.pixels import PixelLayout, frame_bits
from core.readers.quiet import hush, without_words
from core.settings import settings

_DECODING_ERRORS = (*CONVERSION_ERRORS, RuntimeError, EOFError, MemoryError, StopIteration, struct.error)
_MOST_RLE_EXPANSION = 64  # two bytes for a run of 128 (PS3.5 G.3.1)


def decode_frame(layout: PixelLayout, index: int) -> NDArray[Any]:
    """Frame `index` (from 0): [rows, columns] in stored units, or uint8 [rows, columns, 3] of a colour object.

    Raises OutOfRange for a frame that is not there, UnreadableFile or TooLarge where it cannot be decoded.
    """
    if not 0 <= index < layout.frames:
        raise OutOfRange(f"frame of {layout.name}", index, f"0 <= frame < {layout.frames}")
    hush()
    with opened(layout.path, layout.name) as raw:
        file = inflated(raw, layout.name) if layout.is_inflated else raw
        try:
            frame = _compressed(file, layout, index) if layout.is_encapsulated else _uncompressed(file, layout, index)
            return _as_rgb(frame, layout) if layout.is_colour else _native(frame)
        except _DECODING_ERRORS as error:
            raise UnreadableFile(
                f"Frame {index + 1} of {layout.name} cannot be decoded ({layout.transfer_syntax.name}): its data are damaged or cut off.",
                "Export or copy it again from its source, if possible uncompressed.",
            ) from without_words(error)


def decode_cells(layout: PixelLayout, index: int) -> NDArray[Any]:
    """The whole cells of frame `index`, unsigned [rows, columns], with what stands beside the values. Raises as decode_frame does."""
    bits = layout.bits_allocated
    return decode_frame(replace(layout, bits_stored=bits, high_bit=bits - 1, is_signed=False, palette=None), index)


def cell_values(cells: NDArray[Any], bits_stored: int, high_bit: int, is_signed: bool) -> NDArray[Any]:
    """Stored values out of their cells: bits high_bit - bits_stored + 1 to high_bit, in two's complement where signed (PS3.5 8.1.1).

    Whatever stands in the other bits, such as an overlay, is no part of the value. Integers of any shape; of the same size in bytes.
    """
    bytes_each = cells.dtype.itemsize
    if bits_stored < 8 * bytes_each:
        unused = 8 * bytes_each - 1 - high_bit
        wide = cells.astype(cells.dtype.newbyteorder("=")).view(f"u{bytes_each}") << unused
        cells = wide.view(f"{'i' if is_signed else 'u'}{bytes_each}") >> (8 * bytes_each - bits_stored)
    return cells.astype(f"{'i' if is_signed else 'u'}{bytes_each}", copy=False)


def _uncompressed(file: BinaryIO, layout: PixelLayout, index: int) -> NDArray[Any]:
    if layout.spans:  # uncompressed all the same, in items
        frame = _by_pydicom(io.BytesIO(_joined(file, layout.spans[0])), layout, layout.transfer_syntax, index)
    else:
        file.seek(layout.offset)
        frame = _by_pydicom(file, layout, layout.transfer_syntax, index)
    if not layout.has_cells:
        return frame
    return cell_values(frame, layout.bits_stored, layout.high_bit, layout.is_signed)


def _compressed(file: BinaryIO, layout: PixelLayout, index: int) -> NDArray[Any]:
    data = _joined(file, layout.spans[index])
    size = codestream_size(data)
    if size is None:
        return _by_rle(data, layout)
    _check(size, data, layout)
    samples = decode_codestream(data, size, partial(_coloured_jpeg, layout=layout))
    if layout.samples == 3:
        colour = samples.reshape(layout.rows, layout.columns, 3)
        is_converted = is_coloured_jpeg(size) or not layout.photometric.startswith("YBR_FULL")  # decoders undo ICT and RCT themselves
        return colour if is_converted else convert_color_space(colour, layout.photometric, "RGB")
    bits = min(size.bits, layout.bits_stored)  # a codestream may hold the bare values or whole cells
    high = layout.high_bit if size.bits > layout.high_bit else bits - 1
    cells = samples.reshape(layout.rows, layout.columns).astype(f"i{max(layout.bits_allocated // 8, samples.dtype.itemsize)}")
    return cell_values(cells, bits, high, layout.is_signed)


def _by_rle(data: bytes, layout: PixelLayout) -> NDArray[Any]:
    if frame_bits(layout) > 8 * _MOST_RLE_EXPANSION * len(data):
        raise ValueError("too short")
    frame = _by_pydicom(io.BytesIO(encapsulate([data], has_bot=False)), replace(layout, frames=1), RLELossless, 0, "pydicom")
    return cell_values(frame, layout.bits_stored, layout.high_bit, layout.is_signed) if layout.has_cells else frame


def _coloured_jpeg(data: bytes, layout: PixelLayout) -> NDArray[Any]:
    """Red, green, blue of an 8-bit JPEG; a progressive one goes by the name of a baseline one, which is all the same to Pillow."""
    item = io.BytesIO(encapsulate([data], has_bot=False))
    return _by_pydicom(item, replace(layout, frames=1), JPEGBaseline8Bit, 0, "pillow")


def _by_pydicom(file: BinaryIO, layout: PixelLayout, syntax: UID, index: int, plugin: str = "") -> NDArray[Any]:
    options: dict[str, Any] = {
        "rows": layout.rows,
        "columns": layout.columns,
        "samples_per_pixel": layout.samples,
        "photometric_interpretation": layout.photometric,
        "bits_allocated": layout.bits_allocated,
        "bits_stored": layout.bits_allocated if layout.has_cells else layout.bits_stored,  # cell_values looks into the cells
        "pixel_representation": int(layout.is_signed),
        "planar_configuration": layout.planar,
        "number_of_frames": layout.frames,
        "pixel_keyword": layout.keyword,
        "pixel_vr": layout.vr,
    }
    array, _ = get_decoder(syntax).as_array(file, index=index, decoding_plugin=plugin, **options)
    return array


def _joined(file: BinaryIO, spans: tuple[tuple[int, int], ...]) -> bytes:
    pieces = []
    for start, length in spans:
        file.seek(start)
        pieces.append(file.read(length))
    return b"".join(pieces)


def _check(size: CodestreamSize, data: bytes, layout: PixelLayout) -> None:
    """A codestream that is larger than the header says, or than its bytes can be, would be decoded at that size: refuse it before that."""
    if size.rows * size.columns > settings().decoded_megapixels * 1_000_000:
        raise TooLarge(f"{layout.name} holds a compressed frame of {size.columns} x {size.rows} pixels.", "It does not fit its header.")
    if (size.rows, size.columns) != (layout.rows, layout.columns) or size.components != layout.samples:
        raise UnreadableFile(
            f"{layout.name} says {layout.columns} x {layout.rows} x {layout.samples}, "
            f"but its compressed frame is {size.columns} x {size.rows} x {size.components}.",
            "Export or copy it again from its source.",
        )
    if is_too_short(data, size):
        raise UnreadableFile(
            f"{layout.name} says {size.columns} x {size.rows} pixels, but its compressed frame has only {len(data):,} bytes.",
            "Export or copy it again from its source.",
        )


def _native(frame: NDArray[Any]) -> NDArray[Any]:
    """In the byte order of this machine, which torch and others insist on."""
    return np.ascontiguousarray(frame.astype(frame.dtype.newbyteorder("="), copy=False))


def _as_rgb(frame: NDArray[Any], layout: PixelLayout) -> NDArray[np.uint8]:
    """uint8 red, green, blue: palettes looked up, deeper samples scaled to their top eight bits."""
    bits = layout.bits_stored
    if layout.palette is not None:
        frame = apply_color_lut(frame, layout.palette)[..., :3]
        bits = 8 * frame.dtype.itemsize
        if bits == 16 and frame.max() < 256:  # eight-bit entries in 16-bit cells, which files often claim to be 16 bits deep
            bits = 8
    if bits > 8:
        frame = frame >> (bits - 8)
    return np.ascontiguousarray(np.clip(frame, 0, 255).astype(np.uint8))
