"""One DICOM object becomes a Study: lazy pixels, the allow-list of its header, and nothing that names a person."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from pydicom import Dataset

from core.deidentify.header import ALLOWED, cleaned, put, raw_value, unreadable
from core.readers.dicom import geometry
from core.readers.dicom.frames import ObjectFrames
from core.readers.dicom.functional import display_headers, frame_groups, shared_group
from core.readers.dicom.overlays import ObjectOverlays, overlays_of
from core.readers.dicom.parse import parse
from core.readers.dicom.pixels import PixelLayout, pixel_layout
from core.readers.digest import opaque, sha256_of
from core.types import Notice, Study, notice

__all__ = ["ALLOWED", "ReadObject", "read_dicom", "read_object"]

OLDEST_TOLD_YEARS = 90.0
"""Ages above this identify (45 CFR 164.514 counts those over 89): they are given as this."""

_YEARS_A_UNIT = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}


@dataclass(frozen=True)
class ReadObject:
    """A Study with what a series needs to be put in order, which the Study itself must not keep."""

    study: Study
    layout: PixelLayout
    overlays: ObjectOverlays | None
    series_uid: str
    instance_uid: str
    instance_number: int
    acquisition: tuple[str, ...]

    def __repr__(self) -> str:
        return f"ReadObject({self.study.name})"


def read_dicom(path: Path, name: str | None = None) -> Study:
    """Read one object, single- or multi-frame. Pixels stay in the file until a frame is read.

    name: what to call it; the file's own name where None.
    Raises NotFound, UnreadableFile, NoPixels or TooLarge.
    """
    return read_object(path, name).study


def read_object(path: Path, name: str | None = None) -> ReadObject:
    """As `read_dicom`, with the identifiers that put a series in order."""
    name = name or path.name
    parsed = parse(path, name)
    layout, assumptions = pixel_layout(parsed, path, name)
    dataset = parsed.dataset
    shared, (groups, notes) = shared_group(dataset), frame_groups(dataset, layout.frames)
    assumptions += notes
    header = cleaned(dataset)
    if unread := unreadable(dataset, header):
        assumptions += (notice("dicom.no-numbers", attributes=unread),)
    for element in shared:
        if element.keyword not in header:
            header[element.tag] = element
    _fit_to_pixels(header, layout)
    overlays = overlays_of(dataset, layout)
    if overlays is not None:
        assumptions += (notice("dicom.overlays"),)
    study = _study(path, name, dataset, header, layout, shared, groups, assumptions)
    return ReadObject(
        study=replace(study, overlays=overlays),
        layout=layout,
        overlays=overlays,
        series_uid=str(raw_value(dataset, "SeriesInstanceUID") or ""),
        instance_uid=str(raw_value(dataset, "SOPInstanceUID") or ""),
        instance_number=_whole(raw_value(dataset, "InstanceNumber")),
        acquisition=tuple(str(raw_value(dataset, keyword) or "") for keyword in _ACQUISITION),
    )


# What tells apart slices of one series that lie at the same place: another phase, echo, diffusion weight or reconstruction.
_ACQUISITION = (
    "AcquisitionNumber",
    "TemporalPositionIdentifier",
    "EchoNumbers",
    "DiffusionBValue",
    "ImageType",
    "ConvolutionKernel",
    "TriggerTime",
    "AcquisitionTime",
)


def _study(
    path: Path,
    name: str,
    dataset: Dataset,
    header: Dataset,
    layout: PixelLayout,
    shared: Dataset,
    groups: tuple[Dataset, ...],
    assumptions: tuple[Notice, ...],
) -> Study:
    modality = str(header.get("Modality", ""))
    first = groups[0] if groups else Dataset()
    cosines = geometry.orientation(header) or geometry.orientation(first)
    positions = _positions(header, groups)
    stack = _stack(groups, positions, cosines)
    if not modality:
        assumptions += (notice("dicom.modality-not-told"),)
    return Study(
        name=name,
        sha256=sha256_of(path),
        frames=ObjectFrames(layout),
        header=header,
        frame_headers=display_headers(header, shared, groups if not layout.is_colour else ()),
        modality=modality,
        body_part=str(header.get("BodyPartExamined", "")),
        view=str(header.get("ViewPosition", "")),
        photometric=str(header.PhotometricInterpretation),
        sop_class_uid=str(header.get("SOPClassUID", "")),
        age_years=_age_years(dataset),
        sex=str(header.get("PatientSex", "")),
        spacing_mm=geometry.spacing(header, modality) or geometry.spacing(first, modality),
        slice_spacing_mm=stack.spacing_mm if stack is not None else None,
        orientation=cosines,
        positions=positions,
        series=opaque(str(raw_value(dataset, "SeriesInstanceUID") or "")),
        instance_numbers=(int(header.InstanceNumber),) if layout.frames == 1 and "InstanceNumber" in header else (),
        kernels=_kernels(header, first),
        is_volume=stack is not None and stack.reason is None,
        sources=(path,),
        assumptions=assumptions,
    )


def _kernels(header: Dataset, first: Dataset) -> tuple[str, ...]:
    told = header.get("ConvolutionKernel", first.get("ConvolutionKernel", ""))
    words = [told] if isinstance(told, str) else [str(part) for part in told]
    return (" ".join(words),) if any(words) else ()


def _positions(header: Dataset, groups: tuple[Dataset, ...]) -> tuple[geometry.Position, ...]:
    if groups:
        found = [geometry.position(group) for group in groups]
        return tuple(point for point in found if point is not None) if all(found) else ()
    point = geometry.position(header)
    return () if point is None else (point,)


def _stack(
    groups: tuple[Dataset, ...], positions: tuple[geometry.Position, ...], cosines: tuple[float, ...] | None
) -> geometry.Stack | None:
    """What the frames of a multi-frame object make together; None where they do not tell, or do not lie alike."""
    if cosines is None or len(positions) < 2:
        return None
    for group in groups:
        own = geometry.orientation(group)
        if own is not None and not geometry.same_orientation(own, cosines):
            return None
    return geometry.check_geometry(positions, cosines)


def _fit_to_pixels(header: Dataset, layout: PixelLayout) -> None:
    """The header says what a decoded frame is: colour comes out as 8-bit red, green, blue; assumptions about grey are written down."""
    header.PhotometricInterpretation = "RGB" if layout.is_colour else layout.photometric
    put(header, "SamplesPerPixel", 3 if layout.is_colour else 1)
    for keyword in ("PlanarConfiguration", "NumberOfFrames"):
        if keyword in header:
            del header[keyword]
    if layout.is_colour:
        for keyword, value in (("BitsAllocated", 8), ("BitsStored", 8), ("HighBit", 7), ("PixelRepresentation", 0)):
            put(header, keyword, value)
    elif layout.keyword == "PixelData":
        put(header, "BitsAllocated", layout.bits_allocated)
        put(header, "BitsStored", layout.bits_stored)
        put(header, "HighBit", layout.bits_stored - 1)
        put(header, "PixelRepresentation", int(layout.is_signed))


def _age_years(dataset: Dataset) -> float | None:
    """Age at the study: PatientAge (PS3.5 6.2, AS), else from the dates of birth and study, which are then forgotten."""
    text = str(raw_value(dataset, "PatientAge") or "").strip().upper()
    match = re.fullmatch(r"(\d{1,3})([DWMY])", text)
    if match and int(match[1]) > 0:  # 000Y stands where nobody asked
        return min(OLDEST_TOLD_YEARS, round(int(match[1]) * _YEARS_A_UNIT[match[2]], 2))
    born = _date(raw_value(dataset, "PatientBirthDate"))
    for keyword in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"):
        taken = _date(raw_value(dataset, keyword))
        if born is not None and taken is not None and taken >= born:
            years = (taken - born).days / 365.25
            return min(OLDEST_TOLD_YEARS, float(int(years)) if years >= 2 else round(years, 2))
    return None


def _date(value: object) -> date | None:
    match = re.fullmatch(r"(\d{4})[-.]?(\d{2})[-.]?(\d{2})", str(value or "").strip())
    try:
        return date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        return None


def _whole(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 0
