"""Which decoder takes which compressed frame: by what the frame is, since files often name another transfer syntax.

imagecodecs decodes all but colour in 8-bit JPEG, whose colours pydicom sorts out with Pillow, and RLE, which is pydicom's own. Only such
decoders are used as survive damaged data: GDCM ends the whole process on some damaged JPEG (a C++ exception that nobody catches) and
pylibjpeg-rle panics past every except clause.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from core.readers import jpeg
from core.readers.dicom.codestream import JPEG_FULL_PROGRESSION, JPEG_SPECTRAL_SELECTION, SIZ, CodestreamSize, jpeg_2000_whole

DECODERS = {
    RLELossless: "pydicom",
    JPEGBaseline8Bit: "jpeg8",
    JPEGExtended12Bit: "jpeg8",
    JPEG_SPECTRAL_SELECTION: "jpeg8",
    JPEG_FULL_PROGRESSION: "jpeg8",
    JPEGLossless: "jpeg8",
    JPEGLosslessSV1: "jpeg8",
    JPEGLSLossless: "jpegls",
    JPEGLSNearLossless: "jpegls",
    JPEG2000: "jpeg2k",
    JPEG2000Lossless: "jpeg2k",
    HTJ2K: "jpeg2k",
    HTJ2KLossless: "jpeg2k",
    HTJ2KLosslessRPCL: "jpeg2k",
}
"""The compressed transfer syntaxes that are read, with what decodes them: a codec of imagecodecs, or pydicom."""

THREADED_PIXELS = 1_000_000
"""Of a JPEG 2000 frame that several threads decode together: below, frames are decoded beside each other."""
MOST_THREADS = 4

Decoder = Callable[[bytes], NDArray[Any]]


def is_available(decoder: str) -> bool:
    """Whether a decoder of DECODERS is installed."""
    return decoder == "pydicom" or bool(getattr(getattr(imagecodecs, decoder.upper(), None), "available", False))


def is_coloured_jpeg(size: CodestreamSize) -> bool:
    """Whether this is colour in JPEG of 8 bits, whose marker segments say in part what the header says in part."""
    return size.components == 3 and size.bits == 8 and size.marker in (jpeg.SOF_BASELINE, jpeg.SOF_EXTENDED, jpeg.SOF_PROGRESSIVE)


def decode_codestream(data: bytes, size: CodestreamSize, coloured_jpeg: Decoder) -> NDArray[Any]:
    """The samples of a JPEG, JPEG-LS or JPEG 2000 frame: [rows, columns] or [rows, columns, 3].

    Raises ValueError where the frame is cut off, and what the decoders raise where it is damaged.
    """
    if size.marker == SIZ:
        threads = min(MOST_THREADS, os.cpu_count() or 1) if size.rows * size.columns >= THREADED_PIXELS else 1
        return np.asarray(imagecodecs.jpeg2k_decode(jpeg_2000_whole(data), numthreads=threads))
    if size.marker == jpeg.SOF_JPEG_LS:
        return _by_charls(jpeg.closed(data))  # without an end CharLS searches for half a minute
    return jpeg.decoded_whole(data, coloured_jpeg if is_coloured_jpeg(size) else _by_libjpeg_turbo)


def _by_libjpeg_turbo(data: bytes) -> NDArray[Any]:
    return np.asarray(imagecodecs.jpeg8_decode(data))


def _by_charls(data: bytes) -> NDArray[Any]:
    try:
        return np.asarray(imagecodecs.jpegls_decode(data))
    except imagecodecs.JpeglsError:  # some encoders pad before the end marker; CharLS bears one byte of that
        return np.asarray(imagecodecs.jpegls_decode(jpeg.without_zeros(data)))
