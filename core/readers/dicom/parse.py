"""From the bytes of a DICOM file to its header and the place of its pixels. The only caller of pydicom's parser.

What is parsed here holds everything the file says, names included, and must not leave core/readers: read_dicom and read_series keep
the allow-list and drop the rest.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from pydicom import Dataset, dcmread
from pydicom.filereader import read_dataset, read_partial
from pydicom.tag import BaseTag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from core.deidentify.header import CONVERSION_ERRORS, raw_value
from core.errors import NotFound, TooLarge, UnreadableFile
from core.readers.dicom.fragments import Fragments, fragments
from core.readers.quiet import hush, without_words
from core.settings import settings

PIXEL_KEYWORDS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}
UNDEFINED_LENGTH = 0xFFFFFFFF
# Values longer than this are not read with the header: none that is kept is longer than a lookup table of 65536 entries.
_DEFER_BYTES = 1 << 20
_META_LENGTH_AT = 140
_FRAGMENT_BYTES = 1 << 16
_PARSE_ERRORS = (*CONVERSION_ERRORS, EOFError, RecursionError, MemoryError)


@dataclass(frozen=True)
class PixelPlace:
    """Where the pixels stand: byte offset of the value in the (inflated) file, its length as declared, its keyword and VR.

    available: bytes from there to the end of the file. fragments: the items, where the value is encapsulated (of undefined length).
    head: how the first item begins, or the one behind the offset table.
    """

    offset: int
    length: int
    keyword: str
    vr: str
    available: int
    fragments: Fragments | None = None
    head: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Parsed:
    """A header with everything in it, and the place of the pixels (None where there are none). Never shown, never kept."""

    dataset: Dataset
    transfer_syntax: UID
    is_inflated: bool
    pixels: PixelPlace | None

    def __repr__(self) -> str:
        return f"Parsed({len(self.dataset)} elements)"


def parse(path: Path, name: str) -> Parsed:
    """The header of a DICOM file, up to its pixels. Raises UnreadableFile, TooLarge or NotFound."""
    hush()
    with opened(path, name) as file:
        try:
            return _parse(file, name)
        except _PARSE_ERRORS as error:
            raise UnreadableFile(
                f"{name} begins like a DICOM file, but its header is damaged.", "Export or copy it again from its source."
            ) from without_words(error)


def parse_whole(path: Path, name: str) -> Dataset:
    """Everything that a DICOM file holds, its pixels included, as a copy that can be changed and written. For core/deidentify alone.

    Raises UnreadableFile or NotFound.
    """
    hush()
    with opened(path, name) as file:
        try:
            dataset = dcmread(file, force=True)
        except _PARSE_ERRORS as error:
            raise UnreadableFile(
                f"{name} begins like a DICOM file, but is damaged.", "Export or copy it again from its source."
            ) from without_words(error)
    if not len(dataset):
        raise UnreadableFile(f"{name} begins like a DICOM file, but holds no attributes.", "Export or copy it again from its source.")
    return dataset


@contextmanager
def opened(path: Path, name: str) -> Iterator[BinaryIO]:
    """A file for reading; what goes wrong while opening becomes an error of ours."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise NotFound(f"{name} is no longer there.", "Open it again.") from None
    except OSError as error:
        raise UnreadableFile(f"{name} cannot be opened: {error.strerror}.", "Check its permissions.") from error
    with file:
        yield file


def inflated(file: BinaryIO, name: str) -> BinaryIO:
    """The data set of a file in Deflated Explicit VR Little Endian (PS3.5 A.5), unpacked up to the size limit."""
    file.seek(0)
    start = _data_set_starts_at(file)
    limit = settings().decoded_megapixels * 2_000_000
    worker = zlib.decompressobj(-zlib.MAX_WBITS)
    file.seek(start)
    try:
        data = worker.decompress(file.read(), limit)
    except zlib.error as error:
        raise UnreadableFile(f"{name} is deflated, and damaged.", "Export or copy it again from its source.") from without_words(error)
    if worker.unconsumed_tail:
        raise TooLarge(f"{name} unpacks to more than {limit // 1_000_000} MB.", "Raise SIGHTLINE_DECODED_MEGAPIXELS if it is sound.")
    return io.BytesIO(data)


def _parse(file: BinaryIO, name: str) -> Parsed:
    seen: list[tuple[int, int]] = []

    def at_pixels(tag: BaseTag, vr: str | None, length: int) -> bool:
        if int(tag) in PIXEL_KEYWORDS:
            seen.append((int(tag), length))
            return True
        return False

    is_deflated = _is_deflated(file)
    if is_deflated:
        file = inflated(file, name)
        dataset = read_dataset(file, False, True, stop_when=at_pixels, defer_size=_DEFER_BYTES)
        dataset.set_original_encoding(False, True, None)
        return Parsed(dataset, DeflatedExplicitVRLittleEndian, True, _pixel_place(file, seen, True))
    file.seek(0)
    dataset = read_partial(file, stop_when=at_pixels, defer_size=_DEFER_BYTES, force=True)
    if not len(dataset):
        raise UnreadableFile(f"{name} begins like a DICOM file, but holds no attributes.", "Export or copy it again from its source.")
    syntax = _transfer_syntax(dataset)
    return Parsed(dataset, syntax, False, _pixel_place(file, seen, syntax != ExplicitVRBigEndian))


def _pixel_place(file: BinaryIO, seen: list[tuple[int, int]], little_endian: bool) -> PixelPlace | None:
    """The reader stopped at the tag of the pixel element, if there was one: the value starts 8 or 12 bytes later."""
    if not seen:
        return None
    tag = seen[-1][0]
    start = file.tell()
    head = file.read(12)
    if len(head) < 8:
        return None
    vr = head[4:6].decode("latin-1")
    order = "<" if little_endian else ">"
    if vr in ("OB", "OW", "UN", "OF", "OD"):
        if len(head) < 12:
            return None
        length, offset = struct.unpack_from(f"{order}L", head, 8)[0], start + 12
    else:
        length, offset, vr = struct.unpack_from(f"{order}L", head, 4)[0], start + 8, "OW"
    end = file.seek(0, io.SEEK_END)
    place = PixelPlace(offset, length, PIXEL_KEYWORDS[tag], vr, max(0, end - offset))
    if length != UNDEFINED_LENGTH:
        return place
    found = fragments(file, offset, end, order)
    return replace(place, fragments=found, head=_head(file, found))


def _head(file: BinaryIO, found: Fragments) -> bytes:
    if not found.items:
        return b""
    file.seek(found.items[0].start)
    return file.read(min(found.items[0].length, _FRAGMENT_BYTES))


def _transfer_syntax(dataset: Dataset) -> UID:
    """The one that the file declares, else the encoding in which its header made sense."""
    declared = raw_value(dataset.file_meta, "TransferSyntaxUID")
    if declared:
        return UID(str(declared))
    implicit, little_endian = dataset.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little_endian else ExplicitVRBigEndian


def _is_deflated(file: BinaryIO) -> bool:
    file.seek(0)
    head = file.read(1024)
    at = head.find(b"\x02\0\x10\0UI", 132)  # (0002,0010), which stands first in the file and is never compressed itself
    if head[128:132] != b"DICM" or at < 0 or at + 8 > len(head):
        return False
    length = struct.unpack_from("<H", head, at + 6)[0]
    return head[at + 8 : at + 8 + length].rstrip(b"\0 ") == DeflatedExplicitVRLittleEndian.encode()


def _data_set_starts_at(file: BinaryIO) -> int:
    """After the file meta information, whose length stands in (0002,0000) (PS3.10 section 7.1)."""
    head = file.read(_META_LENGTH_AT + 4)
    if head[132:136] != b"\x02\0\0\0" or len(head) < _META_LENGTH_AT + 4:
        raise ValueError("no group length")
    return _META_LENGTH_AT + 4 + int(struct.unpack_from("<L", head, _META_LENGTH_AT)[0])
