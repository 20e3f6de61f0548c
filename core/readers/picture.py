"""PNG and JPEG as plain pictures: pixels without a header that could say what they show."""

from __future__ import annotations

import struct
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps

from core.errors import TooLarge, UnreadableFile
from core.readers import jpeg
from core.readers.digest import sha256_of
from core.readers.quiet import without_words
from core.readers.sniff import Kind, refusal, sniff
from core.settings import settings
from core.types import Notice, Picture, notice

# What Pillow raises for damaged files.
_PICTURE_ERRORS = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, struct.error, MemoryError, AttributeError)


def read_picture(path: Path, name: str | None = None) -> Picture:
    """Read a PNG or JPEG, turned as its EXIF orientation says.

    Returns uint8 pixels: [rows, columns] for grey, [rows, columns, 3] for colour. Deeper grey is scaled to eight bits.
    Raises NotFound, UnreadableFile or TooLarge.
    """
    name = name or path.name
    if sniff(path) not in (Kind.PNG, Kind.JPEG):
        raise refusal(path, name, "Give a PNG or a JPEG.")
    limit = settings().decoded_megapixels * 1_000_000
    Pillow.MAX_IMAGE_PIXELS = limit  # Pillow's own guard, at our limit: it warns above it and refuses above twice it
    if not any(entry[0] == "ignore" and entry[2] is Pillow.DecompressionBombWarning for entry in warnings.filters[:4]):
        warnings.filterwarnings("ignore", category=Pillow.DecompressionBombWarning)
    try:
        with Pillow.open(path, formats=("PNG", "JPEG")) as image:
            if image.width * image.height > limit:
                raise _too_large(name, image.size)
            if image.format == "JPEG":
                jpeg.check_whole(path.read_bytes(), np.asarray(image), _decoded)
            pixels, assumptions = _pixels(image)
    except Pillow.DecompressionBombError:
        raise _too_large(name, None) from None
    except _PICTURE_ERRORS as error:
        raise UnreadableFile(
            f"{name} is a {sniff(path)} picture that is damaged or cut off.", "Copy or export it again."
        ) from without_words(error)
    return Picture(name=name, sha256=sha256_of(path), pixels=pixels, source=path, assumptions=assumptions)


def _decoded(data: bytes) -> NDArray[np.generic]:
    with Pillow.open(BytesIO(data), formats=("JPEG",)) as image:
        return np.asarray(image)


def _pixels(image: Pillow.Image) -> tuple[NDArray[np.uint8], tuple[Notice, ...]]:
    image.load()
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        return _eight_bits(np.asarray(image))
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        return _on_black(image)
    if image.mode in ("1", "L"):
        return np.array(image.convert("L")), ()
    return np.array(image.convert("RGB")), ()


def _eight_bits(deep: NDArray[np.generic]) -> tuple[NDArray[np.uint8], tuple[Notice, ...]]:
    """Scale by the bits that are used: a 12-bit radiograph in a 16-bit PNG would be nearly black otherwise."""
    values = deep.astype(np.int64)
    bits = max(8, int(values.max()).bit_length())
    eight = np.clip(values >> (bits - 8), 0, 255).astype(np.uint8)
    return eight, (notice("picture.scaled-to-8-bits", bits=bits),)


def _on_black(image: Pillow.Image) -> tuple[NDArray[np.uint8], tuple[Notice, ...]]:
    is_grey = image.mode in ("LA", "La")
    coloured = image.convert("RGBA")
    alpha = coloured.getchannel("A")
    shown = Pillow.composite(coloured.convert("RGB"), Pillow.new("RGB", image.size), alpha)
    is_opaque = alpha.getextrema() == (255, 255)
    notes = () if is_opaque else (notice("picture.transparency-black"),)
    return np.array(shown.convert("L") if is_grey else shown), notes


def _too_large(name: str, size: tuple[int, int] | None) -> TooLarge:
    many = f"{size[0]} x {size[1]} pixels, " if size else ""
    return TooLarge(
        f"{name} has {many}more than {settings().decoded_megapixels} million pixels.", "Raise SIGHTLINE_DECODED_MEGAPIXELS if it is sound."
    )
