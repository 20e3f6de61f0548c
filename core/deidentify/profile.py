"""PS3.15 Annex E, edition 2026c: what becomes of each attribute of an object that leaves.

The table is ps3_15_2026c.csv. Where it leaves a choice between removing and keeping in another form by the type of an attribute in an
object (X/Z, X/D, Z/D), the form that satisfies every type is taken: emptied rather than removed, a dummy rather than emptied; what is of
type 2 wherever it stands may be empty, and is. Private
attributes, curves and overlays go; persons' names go wherever they stand, in the table or not; so do attributes the standard does not know.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pydicom import Dataset
from pydicom.datadict import dictionary_has_tag, dictionary_VR, repeater_has_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import FileMetaDataset
from pydicom.tag import BaseTag
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from core.deidentify import terms
from core.deidentify.header import CONVERSION_ERRORS, raw_value
from core.deidentify.pseudonyms import STANDARD, Pseudonyms

TABLE = Path(__file__).parent / "ps3_15_2026c.csv"
MOST_DEEP = 24
"""Sequences inside each other; a file that goes deeper is left out from there on."""
_DUMMY = "ANONYMIZED"
DUMMIES: Mapping[str, object] = {
    **dict.fromkeys(("AE", "CS", "LO", "LT", "SH", "ST", "UC", "UT"), _DUMMY),
    **dict.fromkeys(("SL", "SS", "UL", "US"), 0),
    **dict.fromkeys(("FD", "FL"), 0.0),
    **dict.fromkeys(("DS", "IS"), "0"),
    **dict.fromkeys(("OB", "OW", "UN"), b"\0\0"),
    "AS": "000Y", "DA": "19000101", "DT": "19000101000000", "PN": f"{_DUMMY}^", "TM": "000000", "UR": "urn:anonymized",
}  # fmt: skip
"""What stands in for a value that may not be empty, by VR."""
BASIC, MODIFIED_DATES, CLEAN_DESCRIPTORS, CLEAN_PIXELS = (
    ("113100", "Basic Application Confidentiality Profile"),
    ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    ("113105", "Clean Descriptors Option"),
    ("113101", "Clean Pixel Data Option"),
)
"""Codes of PS3.16 CID 7050 for what was done."""
MAY_BE_EMPTY = frozenset((0x00100020, 0x00180010, 0x00700084))
"""Of rule Z/D, never of type 1: PatientID (PS3.3 C.7.1.1), ContrastBolusAgent (C.7.6.4), ContentCreatorName (C.10.8)."""
_CURVES, _OVERLAYS, _REPEATED = 0x5000, 0x6000, 0xFF00
_OVERLAY_ELEMENTS = (0x3000, 0x4000)
_GROUP_LENGTHS = 0x0000


@dataclass(frozen=True)
class ProfileOptions:
    """What is kept in another form. dates: moved by one number of days a patient, times as they are. descriptors: their words of the
    field kept, all others dropped. patient: a pseudonym in place of the empty ID and name, so that studies of one patient stay together.
    """

    dates: bool = False
    descriptors: bool = False
    patient: bool = False


@dataclass
class Cleaned:
    """An object that names nobody, and the tags ("0010,0010") of all that was changed or taken away, at whatever depth; each once."""

    dataset: Dataset = field(repr=False)
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Rule:
    basic: str
    options: frozenset[str]


def deidentified(source: Dataset, pseudonyms: Pseudonyms, options: ProfileOptions = ProfileOptions()) -> Cleaned:
    """A copy of an object without anything that identifies. source: whole, pixels included; it stays as it is.

    UIDs but the standard's own become those of `pseudonyms`. Never raises for what a header holds: what cannot be read goes.
    """
    who = (str(raw_value(source, "PatientID") or ""), str(raw_value(source, "IssuerOfPatientID") or ""))
    work = _Work(pseudonyms, options, who)
    clean = work.cleaned(source)
    if options.patient:
        name = pseudonyms.patient(who[0] or str(raw_value(source, "StudyInstanceUID") or ""), who[1])
        clean.PatientID, clean.PatientName = name, name
    _mark(clean, options)
    clean.file_meta = _meta(source, clean, pseudonyms)
    clean.preamble = b"\0" * 128
    return Cleaned(clean, tuple(sorted(work.changed)))


@dataclass
class _Work:
    pseudonyms: Pseudonyms
    options: ProfileOptions
    who: tuple[str, str]
    changed: set[str] = field(default_factory=set)

    def cleaned(self, source: Dataset, depth: int = 0) -> Dataset:
        clean = Dataset()
        for tag in sorted(source.keys()):
            if tag.group <= 0x0002 or tag.element == _GROUP_LENGTHS:
                continue  # file meta information is made anew
            element = self._element(source, tag, depth)
            if element is not None:
                clean[tag] = element
        return clean

    def _element(self, source: Dataset, tag: BaseTag, depth: int) -> DataElement | None:
        rule = _table().get(int(tag))
        if _is_dropped(tag):
            return self._gone(tag)
        raw = source.get_item(tag)
        vr = _vr(tag, getattr(raw, "VR", None))
        if vr == "PN" and (rule is None or rule.basic == "X"):
            return self._gone(tag) if rule is not None else self._changed(tag, DataElement(tag, vr, ""))
        if rule is None:
            return self._kept(source, tag, vr, depth)
        return self._ruled(source, tag, vr, rule, depth)

    def _kept(self, source: Dataset, tag: BaseTag, vr: str, depth: int) -> DataElement | None:
        """What the table does not name: as it is, sequences cleaned inside."""
        try:
            element = source[tag]
            if element.VR == "UN" and vr == "SQ":
                return self._gone(tag)
            return self._sequence(element, depth) if element.VR == "SQ" else element
        except (*CONVERSION_ERRORS, RecursionError):
            return self._gone(tag)

    def _sequence(self, element: DataElement, depth: int) -> DataElement | None:
        if depth >= MOST_DEEP:
            return self._gone(element.tag)
        return DataElement(element.tag, "SQ", [self.cleaned(item, depth + 1) for item in element.value or ()])

    def _ruled(self, source: Dataset, tag: BaseTag, vr: str, rule: _Rule, depth: int) -> DataElement | None:
        option = self._by_option(source, tag, vr, rule)
        if option is not None:
            return self._changed(tag, option)
        if "U" in rule.basic:
            return self._uid(source, tag, vr, depth)
        if "D" in rule.basic and int(tag) not in MAY_BE_EMPTY:
            return self._dummy(source, tag, vr, depth)
        if "Z" in rule.basic:
            return self._changed(tag, DataElement(tag, vr, [] if vr == "SQ" else None))
        return self._gone(tag)

    def _by_option(self, source: Dataset, tag: BaseTag, vr: str, rule: _Rule) -> DataElement | None:
        if self.options.dates and "dates" in rule.options and vr in ("DA", "DT", "TM"):
            values = _texts(source, tag)
            moved = values if vr == "TM" else [self.pseudonyms.shifted(text, *self.who) for text in values]
            return DataElement(tag, vr, moved if len(moved) != 1 else moved[0]) if any(moved) else None
        if self.options.descriptors and "descriptors" in rule.options and vr in ("LO", "SH", "ST", "LT", "UT", "UC"):
            kept = [terms.words_of_the_field(text) for text in _texts(source, tag)]
            return DataElement(tag, vr, kept if len(kept) != 1 else kept[0]) if any(kept) else None
        return None

    def _uid(self, source: Dataset, tag: BaseTag, vr: str, depth: int) -> DataElement | None:
        if vr == "SQ":  # X/Z/U*: the UIDs inside
            return self._changed(tag, self._kept(source, tag, vr, depth))
        made = [UID(uid if uid.startswith(STANDARD) else self.pseudonyms.uid(uid)) for uid in _texts(source, tag)]
        return self._changed(tag, DataElement(tag, "UI", made if len(made) != 1 else made[0]))

    def _dummy(self, source: Dataset, tag: BaseTag, vr: str, depth: int) -> DataElement | None:
        if vr == "SQ":
            return self._changed(tag, self._kept(source, tag, vr, depth))
        if vr == "UI":
            return self._uid(source, tag, vr, depth)
        return self._changed(tag, DataElement(tag, vr, DUMMIES.get(vr)))

    def _changed(self, tag: BaseTag, element: DataElement | None) -> DataElement | None:
        self.changed.add(f"{tag.group:04X},{tag.element:04X}")
        return element

    def _gone(self, tag: BaseTag) -> DataElement | None:
        return self._changed(tag, None)


def _is_dropped(tag: BaseTag) -> bool:
    if tag.is_private or (tag.group & _REPEATED) == _CURVES:
        return True
    if (tag.group & _REPEATED) == _OVERLAYS:
        return tag.element in _OVERLAY_ELEMENTS
    return not dictionary_has_tag(tag) and not repeater_has_tag(int(tag)) and int(tag) not in _table()


def _vr(tag: BaseTag, told: str | None) -> str:
    """By the standard, whatever the file says; where it offers several, what the file says or the first."""
    try:
        vr = dictionary_VR(tag)
    except KeyError:
        return told or "UN"
    return vr if " " not in vr else (told if told and told in vr else vr.split()[0])


def _texts(source: Dataset, tag: BaseTag) -> list[str]:
    try:
        value = source[tag].value
    except (*CONVERSION_ERRORS, RecursionError):
        return []
    if value is None or value == "":
        return []
    return [str(part) for part in value] if not isinstance(value, (str, bytes)) and hasattr(value, "__iter__") else [str(value)]


def _mark(clean: Dataset, options: ProfileOptions) -> None:
    """(0012,0062) to (0012,0064) and (0028,0303): that it was done, and how."""
    done = [BASIC, *([MODIFIED_DATES] if options.dates else []), *([CLEAN_DESCRIPTORS] if options.descriptors else [])]
    clean.PatientIdentityRemoved = "YES"
    clean.DeidentificationMethod = "DICOM PS3.15 2026c, by Sightline"
    clean.DeidentificationMethodCodeSequence = [_code(*each) for each in done]
    clean.LongitudinalTemporalInformationModified = "MODIFIED" if options.dates else "REMOVED"


def mark_pixels(clean: Dataset) -> None:
    """Say that names in the pixels were masked, by a person's word."""
    clean.BurnedInAnnotation = "NO"
    clean.DeidentificationMethodCodeSequence.append(_code(*CLEAN_PIXELS))


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


def _meta(source: Dataset, clean: Dataset, pseudonyms: Pseudonyms) -> FileMetaDataset:
    """Made anew: of the source's it keeps how the pixels are packed, and nobody's application entity title."""
    old, meta = getattr(source, "file_meta", None) or Dataset(), FileMetaDataset()
    told = raw_value(old, "TransferSyntaxUID")
    meta.TransferSyntaxUID = UID(str(told)) if told else _encoding(source)
    meta.MediaStorageSOPClassUID = UID(clean.get("SOPClassUID") or str(raw_value(old, "MediaStorageSOPClassUID") or ""))
    original = str(raw_value(old, "MediaStorageSOPInstanceUID") or "")
    meta.MediaStorageSOPInstanceUID = UID(clean.get("SOPInstanceUID") or pseudonyms.uid(original))
    return meta


def _encoding(source: Dataset) -> UID:
    """In which a header without file meta information was read."""
    is_implicit, is_little = source.original_encoding
    if is_implicit in (True, None):
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian


@cache
def _table() -> Mapping[int, _Rule]:
    with TABLE.open(encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return {int(row["tag"].replace(",", ""), 16): _Rule(row["basic"], frozenset(row["options"].split())) for row in rows}
