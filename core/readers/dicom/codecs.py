"""Which decoder takes which compressed transfer syntax.

One decoder each, and only such as survive damaged data: GDCM ends the whole process on some damaged JPEG (a C++ exception that nobody
catches) and pylibjpeg-rle panics past every except clause, so neither is used.
"""

from __future__ import annotations

from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
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

from core.readers.dicom.codestream import CodestreamSize

PLUGINS = {
    RLELossless: "pydicom",
    JPEGBaseline8Bit: "pillow",
    JPEGExtended12Bit: "pillow",
    JPEGLossless: "",
    JPEGLosslessSV1: "",
    JPEGLSLossless: "pyjpegls",
    JPEGLSNearLossless: "pyjpegls",
    JPEG2000: "pylibjpeg",
    JPEG2000Lossless: "pylibjpeg",
    HTJ2K: "pylibjpeg",
    HTJ2KLossless: "pylibjpeg",
    HTJ2KLosslessRPCL: "pylibjpeg",
}
"""pydicom's plugin by transfer syntax; "" where libjpeg-turbo decodes without it."""

_JPEG = frozenset({JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1})
_SOF_LOSSLESS = 0xC3


def is_for_libjpeg_turbo(syntax: UID, size: CodestreamSize) -> bool:
    """JPEG Lossless, and JPEG Extended of 12 bits, which no plugin of pydicom decodes."""
    return syntax in _JPEG and (size.marker == _SOF_LOSSLESS or size.bits > 8)
