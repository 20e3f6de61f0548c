"""Compressed frames made for one test each, and DICOM files that hold them."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import RLELosslessEncoder
from pydicom.uid import HTJ2KLossless, JPEG2000Lossless, JPEGBaseline8Bit, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from core.readers.dicom.codestream import JPEG_FULL_PROGRESSION
from tests.unit.readers.dicom.dicom_files import save, slice_dataset


def scene(rows: int = 48, columns: int = 40, bits: int = 12) -> NDArray[np.uint16]:
    """A smooth slope with some noise, so that a frame that was cut or doubled shows."""
    noise = np.random.default_rng(7).integers(0, 1 << (bits - 4), (rows, columns))
    slope = np.add.outer(np.arange(rows), np.arange(columns)) * ((1 << bits) - 1) // (2 * (rows + columns))
    return (slope + noise).astype(np.uint16)


def _pillow(values: NDArray[np.uint16], **options: Any) -> bytes:
    data = io.BytesIO()
    Image.fromarray((values >> 4).astype(np.uint8)).save(data, "JPEG", quality=95, **options)
    return data.getvalue()


def _rle(values: NDArray[np.uint16]) -> bytes:
    rows, columns = values.shape
    options: dict[str, Any] = {
        "rows": rows, "columns": columns, "samples_per_pixel": 1, "number_of_frames": 1, "bits_allocated": 16, "bits_stored": 12,
        "pixel_representation": 0, "photometric_interpretation": "MONOCHROME2",
    }  # fmt: skip
    return RLELosslessEncoder.encode(values.tobytes(), encoding_plugin="pydicom", **options)


ENCODERS: dict[str, tuple[str, Callable[[NDArray[np.uint16]], bytes]]] = {
    "JPEG": (JPEGBaseline8Bit, _pillow),
    "JPEG with restarts": (JPEGBaseline8Bit, lambda values: _pillow(values, restart_marker_blocks=2)),
    "progressive JPEG": (JPEG_FULL_PROGRESSION, lambda values: _pillow(values, progressive=True)),
    "JPEG Lossless": (JPEGLosslessSV1, lambda values: bytes(imagecodecs.jpeg8_encode(values, lossless=True, bitspersample=12))),
    "JPEG-LS": (JPEGLSLossless, lambda values: bytes(imagecodecs.jpegls_encode(values))),
    "JPEG 2000": (
        JPEG2000Lossless,
        lambda values: bytes(imagecodecs.jpeg2k_encode(values, level=0, codecformat="J2K", bitspersample=12)),
    ),
    "HTJ2K": (HTJ2KLossless, lambda values: bytes(imagecodecs.htj2k_encode(values))),
    "HTJ2K in tiles": (HTJ2KLossless, lambda values: bytes(imagecodecs.htj2k_encode(values, tile=(16, 16)))),
    "RLE": (RLELossless, _rle),
}
"""By name: the transfer syntax, and the frame of some values."""

EIGHT_BITS = frozenset({"JPEG", "JPEG with restarts", "progressive JPEG"})
WITH_END_MARKER = tuple(name for name in ENCODERS if name != "RLE")


def compressed(kind: str, frames: Sequence[bytes], path: Path, **attributes: Any) -> Path:
    """A file of frames of `scene` that were compressed as ENCODERS[kind] says (and perhaps changed since)."""
    values = scene()
    dataset = slice_dataset(values, **{"BitsStored": 12, "HighBit": 11, "NumberOfFrames": len(frames)} | attributes)
    if kind in EIGHT_BITS:
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.file_meta.TransferSyntaxUID = ENCODERS[kind][0]
    dataset.PixelData = encapsulate(list(frames))
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return save(dataset, path)


def in_items(pieces: Sequence[bytes], table: Sequence[int] = (), order: str = "<") -> bytes:
    """Encapsulated pixels of these very pieces under an offset table of these very entries."""
    items = [struct.pack(f"{order}{len(table)}L", *table), *(piece + b"\0" * (len(piece) % 2) for piece in pieces)]
    tagged = [struct.pack(f"{order}HHL", 0xFFFE, 0xE000, len(item)) + item for item in items]
    return b"".join(tagged) + struct.pack(f"{order}HHL", 0xFFFE, 0xE0DD, 0)
