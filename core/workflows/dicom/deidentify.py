"""DICOM files leave without anything that identifies: one after another, nothing that is wrong with one keeps the others."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from core.deidentify.pixels import READER, letters_in, masked, pixel_warnings
from core.deidentify.profile import Cleaned, ProfileOptions, deidentified, mark_pixels
from core.deidentify.pseudonyms import Pseudonyms
from core.errors import InputError, NoPixels, OutOfRange, SightlineError, UnreadableFile
from core.prepare.windowing import render
from core.readers import Kind, read_dicom, sniff
from core.readers.dicom.parse import parse, parse_whole
from core.sources import Source, Unusable
from core.types import Box, Notice, Study, notice
from core.workflows.faults import our_fault


@dataclass(frozen=True)
class DeidentifiedFile:
    """Of one file: the name of what was written, the tags that were changed or removed, and what to look at; or the error in their place.

    warnings: why names may still stand in the pixels. letters: regions of the middle frame in which words were read.
    """

    label: str
    file: str = ""
    tags: tuple[str, ...] = ()
    warnings: tuple[Notice, ...] = ()
    letters: tuple[Box, ...] = ()
    error: SightlineError | None = None


def deidentify_files(
    items: Iterable[Source | Unusable], folder: Path, pseudonyms: Pseudonyms, options: ProfileOptions, regions: Sequence[Box] = ()
) -> Iterator[DeidentifiedFile]:
    """Write a cleaned copy of each file into `folder`, which exists, under its new UID: names of files identify too.

    regions: (left, top, width, height) in pixels, made black in every frame of every file.
    """
    for item in items:
        if isinstance(item, Unusable):
            yield DeidentifiedFile(item.label, error=item.error)
            continue
        try:
            yield _written(item, folder, pseudonyms, options, regions)
        except SightlineError as error:
            yield DeidentifiedFile(item.label, error=error)
        except Exception as error:  # of one file; the others go on
            yield DeidentifiedFile(item.label, error=our_fault(error))


def _written(item: Source, folder: Path, pseudonyms: Pseudonyms, options: ProfileOptions, regions: Sequence[Box]) -> DeidentifiedFile:
    cleaned, warnings, letters = deidentified_file(item.path, pseudonyms, options, regions)
    file = _free_name(folder, str(cleaned.dataset.file_meta.MediaStorageSOPInstanceUID or "object"))
    try:
        cleaned.dataset.save_as(file, enforce_file_format=True)
    except (ValueError, AttributeError, KeyError, TypeError) as error:  # what the standard asks of a file is not there
        file.unlink(missing_ok=True)
        raise UnreadableFile(f"{item.path.name} lacks what a DICOM file must have, a SOP class or UID.", "Export it again.") from error
    return DeidentifiedFile(item.label, file.name, cleaned.tags, warnings, letters)


def deidentified_file(
    path: Path, pseudonyms: Pseudonyms, options: ProfileOptions, regions: Sequence[Box] = ()
) -> tuple[Cleaned, tuple[Notice, ...], tuple[Box, ...]]:
    """A cleaned copy, what to look at, and where words were read. Raises UnreadableFile, InputError for what is no DICOM, OutOfRange."""
    if sniff(path) is not Kind.DICOM:
        raise InputError(f"{path.name} is no DICOM file.", "Only DICOM files are de-identified; pictures hold no header.")
    source = parse_whole(path, path.name)
    cleaned = deidentified(source, pseudonyms, options)
    study = _image(path)
    if regions:
        if study is None:
            raise InputError(f"{path.name} holds no pixels that could be masked.", "Leave the regions out.")
        _mask(cleaned.dataset, study, regions)
        return cleaned, (), ()
    if study is None:
        return cleaned, (), ()
    letters = _letters(study)
    found = (notice("pixels.letters", count=len(letters)),) if letters else ()
    return cleaned, (*pixel_warnings(source), *found), letters


def _letters(study: Study) -> tuple[Box, ...]:
    """Where words were read in the middle frame; none where nothing reads them, or the frame cannot be decoded."""
    if shutil.which(READER) is None:
        return ()
    try:
        return letters_in(render(study, study.shape[0] // 2)) or ()
    except SightlineError:
        return ()


def _image(path: Path) -> Study | None:
    try:
        return read_dicom(path)
    except (NoPixels, UnreadableFile):  # no image; its header is cleaned all the same
        return None


def _free_name(folder: Path, uid: str) -> Path:
    """Two files of one UID both stay."""
    name, number = folder / f"{uid}.dcm", 2
    while name.exists():
        name, number = folder / f"{uid}-{number}.dcm", number + 1
    return name


def _mask(clean: Dataset, study: Study, regions: Sequence[Box]) -> None:
    """Regions black in every frame; what was compressed is written as it was decoded, so that no other pixel changes."""
    count, rows, columns = study.shape
    for left, top, width, height in regions:
        if left < 0 or top < 0 or width <= 0 or height <= 0 or left + width > columns or top + height > rows:
            raise OutOfRange("region", f"{left:g} {top:g} {width:g} {height:g}", f"inside {columns} x {rows} pixels")
    frames = np.stack([study.frames.read(index) for index in range(count)])
    is_colour = frames.ndim == 4
    darkest = frames.max() if study.photometric == "MONOCHROME1" and not is_colour else frames.min()
    made = masked(frames, regions, 0 if is_colour else darkest)
    for keyword in ("FloatPixelData", "DoubleFloatPixelData"):
        if keyword in clean:
            raise InputError("Float pixels are not masked.", "Leave the regions out: such objects hold no letters.")
    clean.PixelData = np.ascontiguousarray(made).astype(made.dtype.newbyteorder("<")).tobytes()
    clean.PixelData += b"\0" * (len(clean.PixelData) % 2)
    clean["PixelData"].VR = "OB" if made.dtype.itemsize == 1 else "OW"
    clean.BitsAllocated, clean.SamplesPerPixel = 8 * made.dtype.itemsize, 3 if is_colour else 1
    if is_colour:
        clean.PhotometricInterpretation, clean.PlanarConfiguration = "RGB", 0
        clean.BitsStored, clean.HighBit, clean.PixelRepresentation = 8, 7, 0
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in clean:
            del clean[keyword]
    clean.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    mark_pixels(clean)


def study_warnings(study: Study) -> tuple[Notice, ...]:
    """Why names may stand in the pixels of an open study, by the header of its first file; nothing of what is no DICOM file any more."""
    try:
        return pixel_warnings(parse(study.sources[0], study.name).dataset) if study.sources else ()
    except SightlineError:
        return ()


def deidentified_archive(study: Study, pseudonyms: Pseudonyms, options: ProfileOptions, regions: Sequence[Box] = ()) -> bytes:
    """Cleaned copies of all files of a study, in one zip. Raises as deidentified_file: of several files none leaves uncleaned."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, path in enumerate(dict.fromkeys(study.sources), start=1):
            cleaned = deidentified_file(path, pseudonyms, options, regions)[0]
            one = io.BytesIO()
            cleaned.dataset.save_as(one, enforce_file_format=True)
            archive.writestr(f"image-{number:05d}.dcm", one.getvalue())
    return held.getvalue()
