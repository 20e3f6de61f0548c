"""What a file is, by its content and never by its name."""

from __future__ import annotations

import struct
from enum import StrEnum
from pathlib import Path

from pydicom.datadict import dictionary_has_tag
from pydicom.valuerep import VR

from core.errors import NotFound, UnreadableFile

_HEAD = 4096
_EXPLICIT_VRS = frozenset(str(vr) for vr in VR if len(str(vr)) == 2)
_LONG_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
_UNDEFINED = 0xFFFFFFFF
_OFFICE = (b"[Content_Types].xml", b"mimetype", b"_rels/")

WHAT_IS_READ = "Sightline reads DICOM, GeoTIFF, JPEG 2000 of satellites, PNG, JPEG, and zip and tar archives of these."


class Kind(StrEnum):
    """What the readers tell apart; ZARR is a folder, and told by core/readers/scenes/zarr.py."""

    DICOM = "DICOM"
    TIFF = "TIFF"
    PNG = "PNG"
    JPEG = "JPEG"
    JPEG_2000 = "JPEG 2000"
    ZIP = "ZIP"
    TAR = "TAR"
    ZARR = "Zarr"
    OTHER = "OTHER"


def sniff(path: Path) -> Kind:
    """The kind of a file. Raises NotFound where there is none, UnreadableFile where it cannot be opened or is no regular file."""
    return _kind(_head(path), path.stat().st_size)


def refusal(path: Path, name: str, wanted: str = "") -> UnreadableFile:
    """The error for a file that no reader takes, or not the one that was asked: what it is, and what would be right.

    wanted: what to say of a file that another reader takes ("Give a GeoTIFF."). Raises what `sniff` raises.
    """
    words, advice = _described(path)
    is_for_others = bool(wanted) and sniff(path) is not Kind.OTHER
    return UnreadableFile(f"{name} is {words}.", wanted if is_for_others else advice)


def _described(path: Path) -> tuple[str, str]:
    """What a file is, and what to do instead of giving it here."""
    head = _head(path)
    if not head:
        return "an empty file", "Copy or export it again."
    kind = _kind(head, path.stat().st_size)
    if kind is not Kind.OTHER:
        return _KINDS.get(kind, f"a {kind} picture"), WHAT_IS_READ
    for offset, magic, words, advice in _KNOWN:
        if head[offset : offset + len(magic)] == magic:
            return words, advice
    return _described_text(head) or ("a file of a kind that is not known here", WHAT_IS_READ)


def _head(path: Path) -> bytes:
    if path.is_dir():
        raise UnreadableFile(f"{path.name} is a folder.", "Give the files in it.")
    if not path.exists():
        raise NotFound(f"{path.name} does not exist.", "Check the path.")
    if not path.is_file():  # a pipe or a device would keep the reader waiting for ever
        raise UnreadableFile(f"{path.name} is a pipe or a device.", "Give a regular file.")
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError as error:
        raise UnreadableFile(f"{path.name} cannot be opened: {error.strerror}.", "Check its permissions.") from error


def _kind(head: bytes, size: int) -> Kind:
    if head[128:132] == b"DICM":  # before TIFF: a preamble may hold a TIFF header (PS3.10 section 7.5)
        return Kind.DICOM
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return Kind.TIFF
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Kind.PNG
    if head.startswith(b"\xff\xd8\xff"):
        return Kind.JPEG
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Kind.OTHER if head[30:50].startswith(_OFFICE) else Kind.ZIP
    if head.startswith(b"\x00\x00\x00\x0cjP  \r\n\x87\n"):
        return Kind.JPEG_2000
    if head[257:262] == b"ustar":
        return Kind.TAR
    return Kind.DICOM if _is_bare_dicom(head, size) else Kind.OTHER


def _is_bare_dicom(head: bytes, size: int) -> bool:
    """DICOM without preamble and prefix: the first elements make sense, in one of the three uncompressed encodings."""
    return any(_elements_make_sense(head, size, order, explicit) for order in "<>" for explicit in (True, False))


def _elements_make_sense(head: bytes, size: int, order: str, explicit: bool, wanted: int = 3) -> bool:
    position, last, found = 0, -1, 0
    while found < wanted:
        element = _element(head, position, order, explicit)
        if element is None:
            return False
        tag, value_at, length = element
        if not found and tag >> 16 not in (0x0002, 0x0008):
            return False
        if tag <= last or length > size - value_at:
            return False
        last, found, position = tag, found + 1, value_at + length
        if position >= min(size, _HEAD - 8):  # no more elements to see; two that make sense are no accident
            return found >= 2
    return True


def _element(head: bytes, position: int, order: str, explicit: bool) -> tuple[int, int, int] | None:
    """(tag, where its value starts, its length), None where nothing sensible stands there."""
    if position + 12 > len(head):
        return None
    group, number = struct.unpack_from(f"{order}HH", head, position)
    tag = group << 16 | number
    if not explicit:
        known = number == 0 or group % 2 == 1 or dictionary_has_tag(tag)
        length = struct.unpack_from(f"{order}L", head, position + 4)[0]
        return (tag, position + 8, 0 if length == _UNDEFINED else length) if known else None
    vr = head[position + 4 : position + 6].decode("latin-1")
    if vr not in _EXPLICIT_VRS:
        return None
    if vr not in _LONG_VRS:
        return tag, position + 8, struct.unpack_from(f"{order}H", head, position + 6)[0]
    length = struct.unpack_from(f"{order}L", head, position + 8)[0]
    return tag, position + 12, 0 if length == _UNDEFINED else length


def _described_text(head: bytes) -> tuple[str, str] | None:
    """As of _described, for a text file; None where it is none."""
    text = head.decode("utf-8", errors="ignore")
    if "\0" in text or len(text.encode()) < 0.9 * len(head) or sum(not (c.isprintable() or c.isspace()) for c in text) > 2:
        return None
    start = text.lstrip("\ufeff \t\r\n").lower()
    for opening, words, advice in _MARKUP:
        if opening in start[:600]:
            return words, advice
    if start.startswith("<"):
        return "an XML document", WHAT_IS_READ
    return "a JSON document" if start.startswith(("{", "[")) else "a text file", WHAT_IS_READ


_KINDS = {
    Kind.DICOM: "a DICOM file",
    Kind.TIFF: "a TIFF",
    Kind.JPEG_2000: "a JPEG 2000 image",
    Kind.ZIP: "a zip archive",
    Kind.TAR: "a tar archive",
}
# (offset, first bytes, words, what to do instead)
_SAVE_AS = "Save the picture as PNG or JPEG."
_UNPACK = "Unpack it first, or pack its files as a zip."
_TO_GEOTIFF = "Convert it to GeoTIFF, for example with gdal_translate."
_TO_DICOM = "Give the DICOM files that it was made from."
_KNOWN: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"%PDF", "a PDF document", "Give the image itself: DICOM, GeoTIFF, PNG or JPEG."),
    (0, b"GIF8", "a GIF picture", _SAVE_AS),
    (0, b"BM", "a BMP picture", _SAVE_AS),
    (8, b"WEBP", "a WebP picture", _SAVE_AS),
    (4, b"ftyphei", "a HEIC picture", _SAVE_AS),
    (4, b"ftypmif1", "a HEIC picture", _SAVE_AS),
    (4, b"ftypavif", "an AVIF picture", _SAVE_AS),
    (4, b"ftyp", "a video", "Give single images."),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 codestream", _TO_GEOTIFF),
    (0, b"\xff\x0a", "a JPEG XL picture", _SAVE_AS),
    (0, b"8BPS", "a Photoshop document", _SAVE_AS),
    (0, b"\x1f\x8b", "a gzip archive", _UNPACK),
    (0, b"BZh", "a bzip2 archive", _UNPACK),
    (0, b"\xfd7zXZ", "an xz archive", _UNPACK),
    (0, b"7z\xbc\xaf", "a 7-Zip archive", _UNPACK),
    (0, b"Rar!", "a RAR archive", _UNPACK),
    (344, b"n+1\0", "a NIfTI volume", _TO_DICOM),
    (344, b"ni1\0", "a NIfTI header", _TO_DICOM),
    (0, b"NRRD", "an NRRD volume", _TO_DICOM),
    (0, b"ObjectType = Image", "a MetaImage header", _TO_DICOM),
    (0, b"\x89HDF", "an HDF5 or netCDF file", _TO_GEOTIFF),
    (0, b"CDF\x01", "a netCDF file", _TO_GEOTIFF),
    (0, b"CDF\x02", "a netCDF file", _TO_GEOTIFF),
    (0, b"NITF", "a NITF image", _TO_GEOTIFF),
    (0, b"EHFA_HEADER", "an ERDAS Imagine file", _TO_GEOTIFF),
    (0, b"SQLite format 3", "a database (SQLite or GeoPackage)", "Give the raster as a GeoTIFF."),
    (0, b"\x93NUMPY", "a NumPy array", "Save it as an image in one of the formats that are read."),
    (0, b"\x7fELF", "a program", WHAT_IS_READ),
    (0, b"MZ", "a program", WHAT_IS_READ),
    (0, b"PK\x03\x04", "an office document or an application package", "Give the image itself: DICOM, GeoTIFF, PNG or JPEG."),
)
_GIVE_THE_FILES = "It only points to other files, which is not followed: give the GeoTIFF files themselves."
# (what stands at the beginning of a text file, words, what to do instead)
_MARKUP = (
    ("<vrtdataset", "a VRT (GDAL virtual raster)", _GIVE_THE_FILES),
    ("<gdal_wms", "a GDAL web map description", "It only points to an address, which is not followed: give a GeoTIFF file."),
    ("<!doctype html", "a web page", WHAT_IS_READ),
    ("<html", "a web page", WHAT_IS_READ),
    ("<svg", "an SVG drawing", WHAT_IS_READ),
)
