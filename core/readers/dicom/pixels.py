"""How the pixels of a DICOM object are laid out, checked before anything is decoded (PS3.3 C.7.6.3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydicom import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from core.deidentify import terms as words
from core.deidentify.header import number, raw_value
from core.errors import NoPixels, TooLarge, UnreadableFile
from core.readers.dicom.codecs import DECODERS
from core.readers.dicom.codestream import guessed_syntax
from core.readers.dicom.fragments import frame_spans
from core.readers.dicom.parse import UNDEFINED_LENGTH, Parsed, PixelPlace
from core.settings import settings
from core.types import Notice, notice

_EXPORT_AGAIN = "Export or copy it again from its source."
_PALETTES = tuple(f"{c}PaletteColorLookupTable{part}" for c in ("Red", "Green", "Blue") for part in ("Descriptor", "Data"))
_SEGMENTED = tuple(f"Segmented{c}PaletteColorLookupTableData" for c in ("Red", "Green", "Blue"))
_VIDEO = "1.2.840.10008.1.2.4.10"  # MPEG-2, MPEG-4 and HEVC are 1.2.840.10008.1.2.4.100 to .108


@dataclass(frozen=True)
class PixelLayout:
    """Everything that decoding a frame needs, and nothing that names a person.

    offset: of the pixel value in the file (in the inflated data set where is_inflated).
    spans: (start, length) in the file of the pieces of each frame where these are compressed; of all frames together where the pixels
    stand in items though they are not compressed; () otherwise.
    """

    path: Path
    name: str
    transfer_syntax: UID
    is_inflated: bool
    keyword: str
    vr: str
    offset: int
    frames: int
    rows: int
    columns: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool
    planar: int
    spans: tuple[tuple[tuple[int, int], ...], ...] = field(default=(), repr=False)
    palette: Dataset | None = field(default=None, repr=False)

    @property
    def is_colour(self) -> bool:
        """Whether a decoded frame is red, green, blue."""
        return self.samples == 3 or self.palette is not None

    @property
    def has_cells(self) -> bool:
        """Whether a value stands in a cell of whole bytes, of which it may be a part (PS3.5 8.1.1); colour fills its cells."""
        return self.samples == 1 and self.keyword == "PixelData" and self.bits_allocated >= 8

    @property
    def is_encapsulated(self) -> bool:
        """Whether frames are compressed items (PS3.5 A.4)."""
        return bool(self.transfer_syntax.is_encapsulated)


def pixel_layout(parsed: Parsed, path: Path, name: str) -> tuple[PixelLayout, tuple[Notice, ...]]:
    """The layout of an object's pixels and what had to be assumed for it. Raises NoPixels, TooLarge or UnreadableFile."""
    dataset, place = parsed.dataset, parsed.pixels
    if place is None or place.length == 0:
        raise _no_pixels(dataset, name)
    rows, columns = _size(dataset, name)
    samples = int(number(dataset, "SamplesPerPixel") or 1)
    if samples not in (1, 3):
        raise UnreadableFile(f"{name} has {samples} samples a pixel.", "Images with one (grey) or three (colour) are read.")
    photometric, assumptions = _photometric(dataset, samples)
    allocated, stored, high = _bits(dataset, place, name)
    layout = PixelLayout(
        path=path,
        name=name,
        transfer_syntax=parsed.transfer_syntax,
        is_inflated=parsed.is_inflated,
        keyword=place.keyword,
        vr=place.vr,
        offset=place.offset,
        frames=1,
        rows=rows,
        columns=columns,
        samples=samples,
        photometric=photometric,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high,
        is_signed=number(dataset, "PixelRepresentation") == 1,
        planar=int(number(dataset, "PlanarConfiguration") or 0),
        palette=_palette(dataset, name) if photometric == "PALETTE COLOR" else None,
    )
    syntax, more = _syntax(parsed.transfer_syntax, layout, place)
    layout = replace(layout, transfer_syntax=syntax)
    frames, guessed = _frames(dataset, layout, place)
    layout = replace(layout, frames=frames, spans=_spans(dataset, layout, place, frames))
    return layout, (*assumptions, *more, *guessed)


def frame_bits(layout: PixelLayout) -> int:
    """Bits of one uncompressed frame as stored; YBR_FULL_422 shares its colour between two pixels."""
    bits = layout.rows * layout.columns * layout.samples * layout.bits_allocated
    return bits * 2 // 3 if layout.photometric == "YBR_FULL_422" else bits


def kind_of_object(dataset: Dataset) -> str:
    """What a DICOM object is, by its SOP class: "Comprehensive SR", "RT Plan", or "" where it does not tell."""
    meta = getattr(dataset, "file_meta", None) or Dataset()
    name = UID(str(raw_value(dataset, "SOPClassUID") or raw_value(meta, "MediaStorageSOPClassUID") or "")).name
    return "" if name.startswith(("1.", "2.")) or not name else name.removesuffix(" Storage").removesuffix(" - For Presentation")


def _no_pixels(dataset: Dataset, name: str) -> NoPixels:
    kind = kind_of_object(dataset)
    if kind.startswith("Media Storage Directory") or raw_value(dataset, "DirectoryRecordSequence") is not None:
        return NoPixels(f"{name} is a DICOMDIR, the index of a disc or folder.", "Give the image files that it lists.")
    if raw_value(dataset, "Rows") is not None or "Image" in kind:
        return NoPixels(f"{name} is a DICOM image ({kind or 'kind not told'}) without pixels; it may be cut off.", _EXPORT_AGAIN)
    return NoPixels(f"{name} is a DICOM object that holds no image ({kind or 'kind not told'}).", "Give the images that belong to it.")


def _size(dataset: Dataset, name: str) -> tuple[int, int]:
    rows, columns = number(dataset, "Rows"), number(dataset, "Columns")
    if not rows or not columns or rows < 1 or columns < 1:
        raise UnreadableFile(f"{name} does not tell how many rows and columns its image has.", _EXPORT_AGAIN)
    limit = settings().decoded_megapixels
    if rows * columns > limit * 1_000_000:
        raise TooLarge(
            f"{name} has frames of {int(columns)} x {int(rows)} pixels, more than {limit} million.",
            "Raise SIGHTLINE_DECODED_MEGAPIXELS if it is sound.",
        )
    return int(rows), int(columns)


def _photometric(dataset: Dataset, samples: int) -> tuple[str, tuple[Notice, ...]]:
    known = words.one_of(raw_value(dataset, "PhotometricInterpretation") or "", words.PHOTOMETRIC)
    if known:
        return known, ()
    assumed = "RGB" if samples == 3 else "MONOCHROME2"
    return assumed, (notice("dicom.photometric-assumed", photometric=assumed),)


def _bits(dataset: Dataset, place: PixelPlace, name: str) -> tuple[int, int, int]:
    """Bits allocated, bits stored, and the highest bit of a value in its cell."""
    if place.keyword != "PixelData":
        bits = 32 if place.keyword == "FloatPixelData" else 64
        return bits, bits, bits - 1
    allocated = number(dataset, "BitsAllocated")
    stored = number(dataset, "BitsStored") or allocated
    if allocated not in (1, 8, 16, 32, 64) or stored is None or not 1 <= stored <= allocated:
        raise UnreadableFile(f"{name} gives no usable number of bits a pixel.", "1, 8, 16, 32 or 64 bits are read.")
    high = number(dataset, "HighBit")
    is_possible = high is not None and stored - 1 <= high < allocated
    return int(allocated), int(stored), int(high) if high is not None and is_possible else int(stored) - 1


def _syntax(declared: UID, layout: PixelLayout, place: PixelPlace) -> tuple[UID, tuple[Notice, ...]]:
    """The transfer syntax to decode with. Raises UnreadableFile where there is no decoder for it."""
    name = layout.name
    if declared.is_private or declared.type != "Transfer Syntax":
        raise UnreadableFile(f"{name} is encoded in a way that is not part of the DICOM standard.", "Export it uncompressed.")
    if str(declared).startswith(_VIDEO):
        raise UnreadableFile(f"{name} holds a video ({declared.name}).", "Export single frames.")
    if declared.is_encapsulated and place.length != UNDEFINED_LENGTH:
        return ExplicitVRLittleEndian, (notice("dicom.not-compressed"),)
    if not declared.is_encapsulated and place.fragments is not None:
        guessed = guessed_syntax(place.head)
        if guessed is not None:
            return guessed, (notice("dicom.compression-guessed", syntax=guessed.name),)
        if 8 * place.fragments.length < frame_bits(layout):
            raise UnreadableFile(f"{name} holds compressed pixels, but does not tell how they are compressed.", _EXPORT_AGAIN)
        return declared, (notice("dicom.in-items"),)
    if declared.is_encapsulated and declared not in DECODERS:
        raise UnreadableFile(f"{name} is compressed as {declared.name}, which is not read here.", "Export it uncompressed.")
    return declared, ()


def _frames(dataset: Dataset, layout: PixelLayout, place: PixelPlace) -> tuple[int, tuple[Notice, ...]]:
    declared = number(dataset, "NumberOfFrames")
    is_told = declared is not None and declared >= 1
    if layout.is_encapsulated and place.fragments is not None:
        if is_told or place.fragments.frames == 1:
            return int(declared or 1) if is_told else 1, ()
        return place.fragments.frames, (notice("dicom.frames-begun", frames=place.fragments.frames),)
    length = min(place.available, place.length) if place.fragments is None else place.fragments.length
    held = 8 * length // frame_bits(layout)
    if held < 1 or (declared or 1) > held:
        raise UnreadableFile(f"{layout.name} ends before its pixels do: {held} of {int(declared or 1)} frames are there.", _EXPORT_AGAIN)
    if declared is None and raw_value(dataset, "NumberOfFrames") is None and "NumberOfFrames" not in dataset:
        return 1, ()
    if not is_told:
        return held, (notice("dicom.frames-counted", frames=held),)
    return int(declared or 1), ()


def _spans(dataset: Dataset, layout: PixelLayout, place: PixelPlace, frames: int) -> tuple[tuple[tuple[int, int], ...], ...]:
    if place.fragments is None:
        return ()
    if not layout.is_encapsulated:
        return frame_spans(place.fragments, 1, (), layout.name)
    table = raw_value(dataset, "ExtendedOffsetTable")
    extended = struct.unpack(f"<{len(table) // 8}Q", table[: len(table) // 8 * 8]) if isinstance(table, bytes) else ()
    return frame_spans(place.fragments, frames, extended, layout.name)


def _palette(dataset: Dataset, name: str) -> Dataset:
    """The palette's own attributes, which are numbers (PS3.3 C.7.9)."""
    palette = Dataset()
    for keyword in (*_PALETTES, *_SEGMENTED):
        if raw_value(dataset, keyword) is not None:
            palette[keyword] = dataset[keyword]
    if "RedPaletteColorLookupTableDescriptor" not in palette:
        raise UnreadableFile(f"{name} is coloured by a palette that is not in the file.", _EXPORT_AGAIN)
    palette.set_original_encoding(*dataset.original_encoding)
    return palette
