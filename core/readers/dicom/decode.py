"""One frame of a DICOM object, decoded when it is asked for.

core/readers/dicom/codecs.py says which decoder takes which transfer syntax.
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO, cast

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, convert_color_space
from pydicom.uid import RLELossless

from core.deidentify.header import CONVERSION_ERRORS
from core.errors import OutOfRange, TooLarge, UnreadableFile
from core.readers.dicom.codecs import PLUGINS, is_for_libjpeg_turbo
from core.readers.dicom.codestream import CodestreamSize, codestream_size
from core.readers.dicom.parse import inflated, opened
from core.readers.dicom.pixels import PixelLayout
from core.readers.quiet import hush, without_words
from core.settings import settings

_DECODING_ERRORS = (*CONVERSION_ERRORS, RuntimeError, EOFError, MemoryError, StopIteration, struct.error)

_END_OF_IMAGE = b"\xff\xd9"


def decode_frame(layout: PixelLayout, index: int) -> NDArray[Any]:
    """Frame `index` (from 0): [rows, columns] in stored units, or uint8 [rows, columns, 3] of a colour object.

    Raises OutOfRange for a frame that is not there, UnreadableFile or TooLarge where it cannot be decoded.
    """
    if not 0 <= index < layout.frames:
        raise OutOfRange(f"frame of {layout.name}", index, f"0 <= frame < {layout.frames}")
    hush()
    with opened(layout.path, layout.name) as raw:
        file = inflated(raw, layout.name) if layout.is_inflated else raw
        file.seek(layout.offset)
        try:
            frame = _decoded(file, layout, index)
            return _as_rgb(frame, layout) if layout.is_colour else _native(frame)
        except _DECODING_ERRORS as error:
            raise UnreadableFile(
                f"Frame {index + 1} of {layout.name} cannot be decoded ({layout.transfer_syntax.name}): its data are damaged or cut off.",
                "Export or copy it again from its source, if possible uncompressed.",
            ) from without_words(error)


def _decoded(file: BinaryIO, layout: PixelLayout, index: int) -> NDArray[Any]:
    if not layout.is_encapsulated:
        return _by_pydicom(file, layout, index, "")
    data = get_frame(cast(Any, file), index, number_of_frames=layout.frames, extended_offsets=layout.extended_offsets)
    size = codestream_size(data)
    _check_codestream(size, layout)
    if size is not None and is_for_libjpeg_turbo(layout.transfer_syntax, size):
        return _by_libjpeg_turbo(data, layout)
    if PLUGINS[layout.transfer_syntax] == "pyjpegls" and not data.rstrip(b"\0").endswith(_END_OF_IMAGE):
        raise ValueError("cut off")  # CharLS searches for seconds before it says so
    file.seek(layout.offset)
    return _by_pydicom(file, layout, index, PLUGINS[layout.transfer_syntax])


def _by_libjpeg_turbo(data: bytes, layout: PixelLayout) -> NDArray[Any]:
    """JPEG Lossless, and JPEG Extended of 12 bits: samples as they are stored, signed where the header says so."""
    samples = np.asarray(imagecodecs.jpeg8_decode(data))
    frame: NDArray[Any] = samples.reshape((layout.rows, layout.columns, 3) if layout.samples == 3 else (layout.rows, layout.columns))
    if layout.samples == 3:
        return convert_color_space(frame, layout.photometric, "RGB") if layout.photometric.startswith("YBR") else frame
    if not layout.is_signed:
        return frame
    wide = frame.astype(np.uint32) << (32 - layout.bits_stored)  # the sign bit to the top, and back with the sign
    return (wide.view(np.int32) >> (32 - layout.bits_stored)).astype(f"i{layout.bits_allocated // 8}")


def _by_pydicom(file: BinaryIO, layout: PixelLayout, index: int, plugin: str) -> NDArray[Any]:
    options: dict[str, Any] = {
        "rows": layout.rows,
        "columns": layout.columns,
        "samples_per_pixel": layout.samples,
        "photometric_interpretation": layout.photometric,
        "bits_allocated": layout.bits_allocated,
        "bits_stored": layout.bits_stored,
        "pixel_representation": int(layout.is_signed),
        "planar_configuration": layout.planar,
        "number_of_frames": layout.frames,
        "pixel_keyword": layout.keyword,
        "pixel_vr": layout.vr,
    }
    if layout.extended_offsets is not None:
        options["extended_offsets"] = layout.extended_offsets
    array, _ = get_decoder(layout.transfer_syntax).as_array(file, index=index, decoding_plugin=plugin, **options)
    return array


def _check_codestream(size: CodestreamSize | None, layout: PixelLayout) -> None:
    """A codestream that is larger than the header says would be decoded at its own size: refuse it before that."""
    if layout.transfer_syntax == RLELossless:  # has no size of its own, and at most 64 times its length (PS3.5 annex G)
        return
    if size is None:
        raise ValueError("no codestream")
    if size.rows * size.columns > settings().decoded_megapixels * 1_000_000:
        raise TooLarge(f"{layout.name} holds a compressed frame of {size.columns} x {size.rows} pixels.", "It does not fit its header.")
    if (size.rows, size.columns) != (layout.rows, layout.columns) or size.components != layout.samples:
        raise UnreadableFile(
            f"{layout.name} says {layout.columns} x {layout.rows} x {layout.samples}, "
            f"but its compressed frame is {size.columns} x {size.rows} x {size.components}.",
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
