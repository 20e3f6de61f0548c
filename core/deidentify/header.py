"""The attributes of a DICOM header that stay, and in which form.

Numbers stay as finite numbers, text stays where it is one of the standard's terms (core/deidentify/terms.py), and nothing else
stays: no dates, names, identifiers, institutions, free text, private attributes or instance UIDs. A header is built anew from
what passes, never copied, so that what nobody thought of is dropped.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from pydicom import Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.uid import UID

from core.deidentify import terms as words

# What a hostile or damaged element raises when its value is converted.
CONVERSION_ERRORS = (
    ValueError,
    TypeError,
    ArithmeticError,
    LookupError,
    AttributeError,
    NotImplementedError,
    OSError,
    struct.error,
    BytesLengthException,
    InvalidDicomError,
)

_NUMBERS = words.terms(
    """
    Rows Columns SamplesPerPixel BitsAllocated BitsStored HighBit PixelRepresentation PlanarConfiguration NumberOfFrames
    PixelPaddingValue PixelPaddingRangeLimit RescaleSlope RescaleIntercept WindowCenter WindowWidth PixelIntensityRelationshipSign
    PixelSpacing ImagerPixelSpacing NominalScannedPixelSpacing PixelAspectRatio EstimatedRadiographicMagnificationFactor
    SliceThickness SpacingBetweenSlices ImagePositionPatient ImageOrientationPatient GantryDetectorTilt
    DistanceSourceToDetector DistanceSourceToPatient KVP DoseGridScaling InstanceNumber
    """
)
_TERMS: Mapping[str, Callable[[object], str]] = {
    "Modality": lambda value: words.one_of(value, words.MODALITIES),
    "BodyPartExamined": lambda value: words.made_of(value, words.BODY_WORDS),
    "ViewPosition": lambda value: words.one_of(value, words.VIEWS),
    "PatientSex": lambda value: words.one_of(value, words.SEXES),
    "PatientPosition": lambda value: words.one_of(value, words.PATIENT_POSITIONS),
    "PatientOrientation": words.patient_direction,
    "Laterality": lambda value: words.one_of(value, words.LATERALITIES),
    "ImageLaterality": lambda value: words.one_of(value, words.LATERALITIES),
    "ImageType": lambda value: words.made_of(value, words.IMAGE_TYPES),
    "PhotometricInterpretation": lambda value: words.one_of(value, words.PHOTOMETRIC),
    "PresentationIntentType": lambda value: words.one_of(value, words.INTENTS),
    "PresentationLUTShape": lambda value: words.one_of(value, words.LUT_SHAPES),
    "PixelIntensityRelationship": lambda value: words.one_of(value, words.INTENSITY),
    "RescaleType": lambda value: words.one_of(value, words.RESCALE_TYPES),
    "VOILUTFunction": lambda value: words.one_of(value, words.VOI_FUNCTIONS),
    "WindowCenterWidthExplanation": lambda value: words.made_of(value, words.WINDOW_WORDS),
    "BurnedInAnnotation": lambda value: words.one_of(value, words.YES_NO),
    "SyntheticData": lambda value: words.one_of(value, words.YES_NO),
    "QualityControlImage": lambda value: words.one_of(value, words.YES_NO),
    "ConvolutionKernel": words.kernel,
    "LossyImageCompression": lambda value: words.one_of(value, words.LOSSY),
}
_TABLES = frozenset({"ModalityLUTSequence", "VOILUTSequence"})
# A term that is not known is left out of these; elsewhere one unknown value drops the attribute, as order carries the meaning.
_KEEP_THE_KNOWN = frozenset({"ImageType"})

ALLOWED: frozenset[str] = _NUMBERS | frozenset(_TERMS) | _TABLES | {"SOPClassUID"}
"""Keywords that a Study's header may hold."""

DISPLAY: frozenset[str] = words.terms(
    """
    BitsAllocated BitsStored HighBit PixelRepresentation PhotometricInterpretation PresentationLUTShape SamplesPerPixel
    RescaleSlope RescaleIntercept RescaleType ModalityLUTSequence WindowCenter WindowWidth WindowCenterWidthExplanation VOILUTFunction
    VOILUTSequence PixelPaddingValue PixelPaddingRangeLimit
    """
)
"""Keywords that a frame's header may hold: what the way from stored values to a picture needs."""


def cleaned(source: Dataset, keywords: Iterable[str] = ALLOWED) -> Dataset:
    """A new header with those allowed attributes of `source` whose values pass. Never raises for what a file holds."""
    clean = Dataset()
    for keyword in _given(source, _in_order(frozenset(keywords))):
        value = allowed_value(source, keyword)
        if value is not None:
            put(clean, keyword, value)
    return clean


def put(header: Dataset, keyword: str, value: Any) -> None:
    """Set an attribute by its standard VR, whatever VR the file gave it."""
    tag, vr = _entry(keyword)
    if " or " in vr:  # "US or SS": the value decides
        vr = "SS" if _smallest(value) < 0 else "US"
    header[tag] = DataElement(tag, vr, value)


def allowed_value(source: Dataset, keyword: str) -> Any:
    """The value that may stay: int, float, str, a list of those, or a sequence of LUT items; None where nothing may."""
    value = raw_value(source, keyword)
    if value is None:
        return None
    if keyword in _TABLES:
        return _tables(source, value) or None
    if keyword == "SOPClassUID":
        return str(value) if _is_sop_class(str(value)) else None
    is_list = hasattr(value, "__iter__") and not isinstance(value, (str, bytes))
    many = list(value) if is_list else [value]
    kept = _numbers(keyword, many) if keyword in _NUMBERS else _terms(keyword, many)
    if not kept:
        return None
    return kept[0] if len(kept) == 1 else kept


def raw_value(source: Dataset, keyword: str) -> Any:
    """A header value as pydicom gives it, None where it is absent, empty, or cannot be converted."""
    try:
        value = source.get(keyword)
    except CONVERSION_ERRORS:
        return None
    return None if value is None or value == "" or value == [] else value


def unreadable(source: Dataset, clean: Dataset) -> tuple[str, ...]:
    """Keywords of the allowed numbers that the file gives, but not as numbers; the number of frames is counted anyway.

    clean: what `cleaned` made of it, so that no value is converted a second time.
    """
    told = _given(source, _in_order(_NUMBERS - {"NumberOfFrames"}))
    return tuple(keyword for keyword in told if keyword not in clean and _is_given(source, keyword))


def number(source: Dataset, keyword: str) -> float | None:
    """A single finite number of the header, None where there is none."""
    value = allowed_value(source, keyword)
    return float(value) if isinstance(value, (int, float)) else None


def numbers(source: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    """Exactly `count` finite numbers of the header, None where there are not as many."""
    value = allowed_value(source, keyword)
    if not isinstance(value, list) or len(value) != count:
        return None
    return tuple(float(part) for part in value)


@cache
def _in_order(keywords: frozenset[str]) -> tuple[str, ...]:
    """Those of the keywords that are allowed, in the order of their names."""
    return tuple(sorted(keywords & ALLOWED))


@cache
def _entry(keyword: str) -> tuple[int, str]:
    """Tag and VR of an attribute of the standard."""
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    return tag, dictionary_VR(tag)


def _given(source: Dataset, keywords: Iterable[str]) -> list[str]:
    """The keywords that the header has: most are absent, and pydicom takes its time to say so of each."""
    tags = frozenset(source.keys())
    return [keyword for keyword in keywords if _entry(keyword)[0] in tags]


def _is_given(source: Dataset, keyword: str) -> bool:
    value = source.get_item(keyword).value
    return bool(value.strip(b"\0 \\") if isinstance(value, bytes) else value not in (None, "", []))


def _numbers(keyword: str, values: list[Any]) -> list[int | float]:
    """All values as finite numbers, or none of them: a pair with a hole has lost its meaning.

    A decimal comma is read as what it is: in a DS (PS3.5 6.2) it can mean nothing else.
    """
    vr = _entry(keyword)[1]
    whole, is_decimal = vr in ("IS", "US", "SS", "UL", "SL", "US or SS"), vr == "DS"
    kept: list[int | float] = []
    for value in values:
        try:
            figure = float(value.replace(",", ".") if isinstance(value, str) and is_decimal else value)
        except (ValueError, TypeError, OverflowError):
            return []
        if not math.isfinite(figure):
            return []
        kept.append(int(figure) if whole else figure)
    return kept


def _terms(keyword: str, values: list[Any]) -> list[str]:
    kept = [_TERMS[keyword](value) for value in values]
    if keyword in _KEEP_THE_KNOWN:
        return [term for term in kept if term]
    if keyword == "WindowCenterWidthExplanation":  # stays beside its window, empty where its words are not known
        return kept if any(kept) else []
    return kept if all(kept) else []


def _is_sop_class(value: str) -> bool:
    uid = UID(value)
    return uid.name != str(uid) and "SOP Class" in getattr(uid, "type", "")


def _tables(source: Dataset, items: Any) -> list[Dataset]:
    try:
        read = [_table(source, item) for item in items]
    except (*CONVERSION_ERRORS, RecursionError):
        return []
    return [item for item in read if item is not None]


def _table(source: Dataset, item: Dataset) -> Dataset | None:
    """One lookup table (PS3.3 C.11.1.1 and C.11.2.1.1): descriptor and entries as plain numbers."""
    descriptor = [int(value) for value in item.LUTDescriptor]
    if len(descriptor) != 3:
        return None
    entries = descriptor[0] % 65536 or 65536
    data = _entries(item.LUTData, entries, source)
    if len(data) < entries:
        return None
    clean = Dataset()
    tag = tag_for_keyword("LUTDescriptor")
    assert tag is not None
    first = descriptor[1]
    clean[tag] = DataElement(tag, "SS" if first < 0 else "US", [_as_vr(entries % 65536, first < 0), first, descriptor[2]])
    put(clean, "LUTData", data[:entries])
    kind = words.one_of(raw_value(item, "ModalityLUTType") or "", words.RESCALE_TYPES)
    if kind:
        put(clean, "ModalityLUTType", kind)
    return clean


def _entries(data: Any, entries: int, source: Dataset) -> list[int]:
    if not isinstance(data, bytes):
        return [int(value) % 65536 for value in ([data] if isinstance(data, int) else data)]
    if len(data) < 2 * entries:  # 8-bit entries, packed
        return list(data)
    order = ">" if source.original_encoding[1] is False else "<"
    return list(struct.unpack(f"{order}{len(data) // 2}H", data[: len(data) // 2 * 2]))


def _as_vr(value: int, signed: bool) -> int:
    return value - 65536 if signed and value > 32767 else value


def _smallest(value: Any) -> float:
    return float(min(value)) if isinstance(value, list) else float(value)
