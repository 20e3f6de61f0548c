"""The objects that an export belongs to: what identifies patient and study, byte by byte, and where the slices lie.

This is the one place where identifiers leave the reader: they go from a source's header straight into the object that goes back to the same
study, and nowhere else. Values that the standard does not allow are repaired, not copied; what is not known of type 2 is sent empty.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydicom import Dataset
from pydicom.config import RAISE
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    MRImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
)
from pydicom.valuerep import validate_value

from core.deidentify.header import CONVERSION_ERRORS, number, numbers, put, raw_value
from core.errors import InputError
from core.readers.dicom.parse import parse
from core.types import Study

PATIENT = (
    "PatientName", "PatientID", "IssuerOfPatientID", "TypeOfPatientID", "PatientBirthDate", "PatientBirthTime", "PatientSex",
    "OtherPatientNames", "EthnicGroup", "PatientComments",
)  # fmt: skip
STUDY = (
    "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName", "StudyDescription",
    "PatientAge", "PatientSize", "PatientWeight", "AdmissionID",
)  # fmt: skip
"""Attributes of the patient and study modules (PS3.3 C.7.1.1, C.7.2.1, C.7.2.2) that every object of a study has in common."""
TYPE_2 = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID", "AccessionNumber",
    "ReferringPhysicianName",
)  # fmt: skip
_LONGEST = {"LO": 64, "SH": 16, "PN": 64, "LT": 10_240}
_AXES = ("LR", "PA", "HF")
"""Letters at the positive and the negative end of each axis of the patient."""
_LEAST_LEAN = 1e-3
_SEXES = ("M", "F", "O")
_OF_ONE_FRAME = frozenset(
    {
        CTImageStorage,
        ComputedRadiographyImageStorage,
        DigitalXRayImageStorageForPresentation,
        MRImageStorage,
        SecondaryCaptureImageStorage,
        UltrasoundImageStorage,
        "1.2.840.10008.5.1.4.1.1.6",  # Ultrasound, retired
    }
)
"""Classes whose objects have one frame; files of them that hold several are not referred to by number (PS3.3 10.3, Table 10-3)."""
_IMAGE = ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel")


@dataclass(frozen=True)
class SourceImages:
    """The images that an export refers to, in frame order; one dataset where all frames are of one object.

    images: patient, study, geometry and references, valid, without pixels. identity: patient and study attributes by keyword, as they
    stand in the source (raw) or repaired. charset: SpecificCharacterSet of the source. institution: its InstitutionName, "" where not told.
    """

    images: tuple[Dataset, ...] = field(repr=False)
    identity: Mapping[str, DataElement | RawDataElement] = field(repr=False)
    charset: Any = field(repr=False)
    institution: str = field(repr=False, default="")

    @property
    def is_placed(self) -> bool:
        """Whether every image says where it lies in a frame of reference."""
        return all("ImagePositionPatient" in image and "ImageOrientationPatient" in image for image in self.images) and all(
            "FrameOfReferenceUID" in image and "PixelSpacing" in image for image in self.images
        )

    def image(self, frame: int) -> Dataset:
        """The object that holds frame `frame` (from 0)."""
        return self.images[frame if len(self.images) > 1 else 0]

    def number_in(self, frame: int) -> int | None:
        """The number of a frame inside its object, from 1; None for an object of one frame."""
        one = self.images[0]
        is_many = len(self.images) == 1 and int(one.get("NumberOfFrames", 1)) > 1 and one.SOPClassUID not in _OF_ONE_FRAME
        return frame + 1 if is_many else None


def source_images(study: Study) -> SourceImages:
    """Read the headers of a study's files again. Raises UnreadableFile, NotFound, InputError for what is no DICOM image with UIDs."""
    if not study.sources:
        raise InputError(f"{study.name} did not come from DICOM files.", "Objects of DICOM belong to the study of their source.")
    headers = [_header(path) for path in study.sources]
    first = headers[0]
    identity = _identity(first)
    plain = Dataset()
    plain.SpecificCharacterSet = first.get("SpecificCharacterSet") or "ISO_IR 100"
    for _keyword, element in identity.items():
        plain.add(element if isinstance(element, DataElement) else first[element.tag])
    images = tuple(_image(header, plain, study, index) for index, header in enumerate(headers))
    return SourceImages(images, identity, first.get("SpecificCharacterSet"), _text(first, "InstitutionName"))


def _header(path: Path) -> Dataset:
    dataset = parse(path, path.name).dataset
    if not raw_value(dataset, "SOPInstanceUID") or not raw_value(dataset, "SOPClassUID"):
        raise InputError(f"{path.name} has no SOP Instance UID that an object could refer to.", "Export it again from its source.")
    return dataset


def _identity(header: Dataset) -> dict[str, DataElement | RawDataElement]:
    held: dict[str, DataElement | RawDataElement] = {}
    for keyword in (*PATIENT, *STUDY):
        tag = tag_for_keyword(keyword)
        assert tag is not None
        element = header.get_item(tag) if tag in header else None
        if element is not None and _is_valid(header, keyword):
            held[keyword] = element
        elif element is not None or keyword in TYPE_2 or keyword == "StudyInstanceUID":
            held[keyword] = DataElement(tag, dictionary_VR(tag), _repaired(header, keyword))
    return held


def _is_valid(header: Dataset, keyword: str) -> bool:
    """Whether a value is one that its VR allows (PS3.5 6.2), and its attribute. Checked on a copy: the raw bytes stay as they are."""
    tag = tag_for_keyword(keyword)
    assert tag is not None
    copy = Dataset()
    copy[tag] = header.get_item(tag)
    try:
        value = copy[tag].value
        values = list(value) if copy[tag].VM > 1 else [value]
        for one in values:
            validate_value(copy[tag].VR, str(one) if one is not None else "", RAISE)
    except CONVERSION_ERRORS:
        return False
    if keyword == "PatientSex":
        return value in (*_SEXES, "", None)
    return not (keyword == "StudyInstanceUID" and not UID(str(value or "")).is_valid)


def _repaired(header: Dataset, keyword: str) -> str:
    """What is sent in place of an invalid or missing value: text cut to its length, UIDs by their hash, all else empty."""
    text = _text(header, keyword)
    vr = dictionary_VR(keyword)
    if keyword == "StudyInstanceUID":
        return hashed_uid("study", text or str(raw_value(header, "SOPInstanceUID")))
    if keyword == "PatientSex":
        return text.upper() if text.upper() in _SEXES else ""
    return text.replace("\\", "/")[: _LONGEST[vr]].strip() if vr in _LONGEST else ""


def _text(header: Dataset, keyword: str) -> str:
    value = raw_value(header, keyword)
    return "" if value is None else "".join(letter for letter in str(value) if letter.isprintable()).strip()


def _image(header: Dataset, plain: Dataset, study: Study, index: int) -> Dataset:
    image = Dataset()
    image.update(plain)
    image.SOPClassUID, image.SOPInstanceUID = str(header.SOPClassUID).strip(". \0"), _uid(header, "SOPInstanceUID")
    image.SeriesInstanceUID = _uid(header, "SeriesInstanceUID") or hashed_uid("series", image.SOPInstanceUID)
    image.Modality, image.InstanceNumber = study.modality or "OT", index + 1
    for keyword in _IMAGE:
        if keyword in study.header:
            put(image, keyword, study.header[keyword].value)
    image.Rows, image.Columns = study.shape[1:]
    image.PhotometricInterpretation = study.photometric
    frames = int(number(header, "NumberOfFrames") or 1)
    if frames > 1:
        image.NumberOfFrames = frames
        for keyword in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "DimensionOrganizationSequence"):
            if keyword in header:
                image[keyword] = header[keyword]
    _place(image, header, study)
    return image


def _place(image: Dataset, header: Dataset, study: Study) -> None:
    """Where it lies (PS3.3 C.7.6.2), as the file gives it; a frame of reference without a UID is none."""
    frame = _uid(header, "FrameOfReferenceUID")
    if frame:
        image.FrameOfReferenceUID = frame
        image.PositionReferenceIndicator = _text(header, "PositionReferenceIndicator")[:64]
    for keyword, count in (("ImagePositionPatient", 3), ("ImageOrientationPatient", 6), ("PixelSpacing", 2), ("ImagerPixelSpacing", 2)):
        given = numbers(header, keyword, count)
        if given is not None:
            put(image, keyword, [_decimal(value) for value in given])
    thickness = study.thickness_mm or study.slice_spacing_mm
    image.SliceThickness = _decimal(thickness) if thickness else None
    if (spacing := number(header, "SpacingBetweenSlices")) is not None:
        image.SpacingBetweenSlices = _decimal(spacing)
    for keyword in ("RescaleSlope", "RescaleIntercept"):
        value = number(header, keyword)
        if value is not None:
            put(image, keyword, _decimal(value))
    if "RescaleSlope" in image and "RescaleIntercept" in image:
        image.RescaleType = "HU" if study.modality == "CT" else "US"


def _uid(header: Dataset, keyword: str) -> str:
    """A UID as it is, or where it is none that the standard allows, one by its hash; "" where there is none."""
    text = _text(header, keyword)
    return text if not text or UID(text).is_valid else hashed_uid(keyword, text)


def hashed_uid(*parts: str) -> str:
    """ "2.25." and a number (PS3.5 B.2) that depends on the parts alone."""
    return f"2.25.{uuid.UUID(bytes=hashlib.sha256(chr(0).join(parts).encode()).digest()[:16], version=5).int}"


def _decimal(value: float) -> str:
    """A number as DS allows it, at most 16 characters."""
    text = repr(float(value))
    return text if len(text) <= 16 else f"{value:.10g}"[:16]


def patient_letters(study: Study) -> tuple[str, str]:
    """Where rows and columns run to (PS3.3 C.7.6.1.1.1): of the plane, else as the file says in letters; ("", "") without either."""
    if study.orientation and len(study.orientation) == 6:
        return _letters(study.orientation[:3]), _letters(study.orientation[3:])
    told = [str(part) for part in study.header.get("PatientOrientation") or ()]
    return (told[0], told[1]) if len(told) == 2 else ("", "")


def _letters(direction: Sequence[float]) -> str:
    ranked = sorted(range(3), key=lambda axis: -abs(direction[axis]))
    return "".join(_AXES[axis][direction[axis] < 0] for axis in ranked if abs(direction[axis]) >= _LEAST_LEAN)


def placed_like(image: Dataset, source: Dataset) -> None:
    """Give an object the plane of its source: PS3.3 C.7.6.2 and C.7.4.1."""
    for keyword in (
        "FrameOfReferenceUID", "PositionReferenceIndicator", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing",
        "SliceThickness", "SpacingBetweenSlices",
    ):  # fmt: skip
        if keyword in source:
            image[keyword] = source[keyword]


def referenced(images: Sequence[Dataset], frames: Mapping[str, Sequence[int]] | None = None) -> list[Dataset]:
    """Items that refer to images, each once (PS3.3 10-11). frames: numbers from 1, by SOP Instance UID."""
    items = []
    for image in {str(image.SOPInstanceUID): image for image in images}.values():
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
        if frames and frames.get(str(image.SOPInstanceUID)):
            item.ReferencedFrameNumber = list(frames[str(image.SOPInstanceUID)])
        items.append(item)
    return items
