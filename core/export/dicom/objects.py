"""What every object of an export has: a new series in the study of its source, who made it, and whose it is.

A repeat lands in the same series: its UID is that of source, weights and kind. Each object of it is new.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydicom import Dataset
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID, generate_uid

from core.deidentify.pseudonyms import STANDARD, Pseudonyms
from core.errors import InputError
from core.export.dicom.content import ExportContent
from core.export.dicom.source import PATIENT, STUDY, hashed_uid
from core.report.language import language_of

MANUFACTURER = "Sightline"
CREATOR = "Sightline^"
"""As a person's name (PS3.5 6.2.1), where one is asked for."""
SERIES_NUMBERS = {"sr": 9_101, "seg": 9_102, "pm": 9_103, "pr": 9_104, "sc": 9_105, "pdf": 9_106}
"""Far above those of scanners, so that viewers list them last."""


OTHERS = "Take sc or pdf: they suit every image."
WITHOUT_SIDE = ("SR", "DOC", "SEG")
"""Modalities of objects whose series has no Laterality, or says it for each frame."""


@dataclass(frozen=True)
class Naming:
    """How objects of one kind are called: arguments that all of highdicom's constructors share."""

    kind: str
    content: ExportContent

    def arguments(self, instance: int = 1) -> dict[str, Any]:
        """For object number `instance` of the series."""
        prediction = self.content.prediction
        return {
            "series_instance_uid": hashed_uid(self.content.study.sha256, prediction.weights, self.kind),
            "series_number": SERIES_NUMBERS[self.kind],
            "sop_instance_uid": generate_uid(prefix=None),
            "instance_number": instance,
            "manufacturer": MANUFACTURER,
        }

    def device(self) -> dict[str, Any]:
        """For the kinds that tell the device: model, weights and version."""
        prediction = self.content.prediction
        return {
            "manufacturer_model_name": prediction.model[:64],
            "software_versions": f"weights {prediction.weights}"[:64],
            "device_serial_number": prediction.weights[:64] or "0",
        }


@contextmanager
def refused_by_highdicom(what: str) -> Iterator[None]:
    """What highdicom does not build for images of a kind, or without a place, becomes an error that says what will do instead."""
    try:
        yield
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise InputError(f"{what} cannot be made for images of this kind, or that do not say how their frames lie.", OTHERS) from error


def intended_use(content: ExportContent) -> str:
    """The line that every object carries."""
    return language_of(content.report.language).words["intended_use"]


def finish(made: Dataset, content: ExportContent, description: str, pseudonyms: Pseudonyms | None = None) -> Dataset:
    """An object as it is written: patient and study byte by byte as in the source, or with pseudonyms alone.

    description: of the series. pseudonyms: for research; no identifier of the source then stays, its UIDs included.
    """
    made.SeriesDescription = description[:64]
    if made.Modality not in WITHOUT_SIDE and "Laterality" not in made:
        made.Laterality = ""  # type 2C (PS3.3 C.7.3.1): sent empty, since nobody says that the body part is one of a pair
    _to_the_second(made)
    if pseudonyms is not None:
        return _without_names(made, content, pseudonyms)
    for keyword in (*PATIENT, *STUDY):
        if keyword in made:
            del made[keyword]
    source = content.source
    if _can_be_written(made, source.charset):
        made.update({element.tag: _explicit(element) for element in source.identity.values()})
        made.SpecificCharacterSet = source.charset or "ISO_IR 6"
    else:  # the same names, in other bytes
        made.update({element.tag: source.images[0][element.tag] for element in source.identity.values()})
        made.SpecificCharacterSet = "ISO_IR 192"
    if not source.charset and made.SpecificCharacterSet == "ISO_IR 6":
        del made.SpecificCharacterSet
    return made


def _explicit(element: DataElement | RawDataElement) -> DataElement | RawDataElement:
    """An element as read, its bytes untouched, for a file that names the VR of each; one of an implicit file does not know its own."""
    if isinstance(element, DataElement):
        return DataElement(element.tag, element.VR, element.value)
    return element._replace(VR=dictionary_VR(element.tag), is_implicit_VR=False, is_little_endian=True)


def write_object(made: Dataset, path: Path) -> None:
    """Write with preamble and file meta information (PS3.10 7.1), each once."""
    made.save_as(path, enforce_file_format=True)


def _can_be_written(ours: Dataset, charset: Any) -> bool:
    """Whether every text that we added can be written in the source's characters: all but a signer's name is ASCII."""
    texts = [str(element.value) for element in ours.iterall() if element.VR in ("PN", "LO", "UT", "LT", "ST", "SH", "UC")]
    if all(text.isascii() for text in texts):
        return True
    codec = {"ISO_IR 100": "latin-1", "ISO_IR 192": "utf-8", "GB18030": "gb18030"}.get(str(charset))
    try:
        return codec is not None and all(text.encode(codec) is not None for text in texts)
    except UnicodeError:
        return False


def _to_the_second(made: Dataset) -> None:
    now = datetime.now(UTC)
    made.SeriesDate, made.SeriesTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    made.TimezoneOffsetFromUTC = "+0000"


def _without_names(made: Dataset, content: ExportContent, pseudonyms: Pseudonyms) -> Dataset:
    """Patient and study by pseudonyms, dates moved as all of the patient's are, and every UID of the source by its other one."""
    source = content.source.images[0]
    identifier, issuer = str(source.get("PatientID", "")), str(source.get("IssuerOfPatientID", ""))
    kept = {"PatientSex": str(source.get("PatientSex") or ""), "StudyInstanceUID": str(source.StudyInstanceUID)}
    day = pseudonyms.shifted(str(source.get("StudyDate") or ""), identifier, issuer)
    name = pseudonyms.patient(identifier or str(source.StudyInstanceUID), issuer)
    for keyword in (*PATIENT, *STUDY):
        if keyword in made:
            del made[keyword]
    values = {
        "PatientName": name, "PatientID": name, "PatientBirthDate": "", "PatientSex": kept["PatientSex"], "StudyDate": day, "StudyTime": "",
        "StudyInstanceUID": kept["StudyInstanceUID"], "StudyID": "", "AccessionNumber": "", "ReferringPhysicianName": "",
        "PatientIdentityRemoved": "YES", "DeidentificationMethod": "Made with pseudonyms by Sightline",
        "LongitudinalTemporalInformationModified": "MODIFIED",
    }  # fmt: skip
    for keyword, value in values.items():
        setattr(made, keyword, value)
    made.SpecificCharacterSet = "ISO_IR 192"
    _other_uids(made, pseudonyms)
    _other_days(made, pseudonyms, identifier, issuer)
    if hasattr(made, "file_meta"):
        made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    return made


def _other_uids(dataset: Dataset, pseudonyms: Pseudonyms) -> None:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value if isinstance(element.value, Items) else ():
                _other_uids(item, pseudonyms)
        elif element.VR == "UI" and element.value:
            many = element.value if element.VM > 1 else [element.value]
            element.value = [UID(uid if str(uid).startswith(STANDARD) else pseudonyms.uid(str(uid))) for uid in many]


def _other_days(dataset: Dataset, pseudonyms: Pseudonyms, identifier: str, issuer: str) -> None:
    """The day of the work itself would tell when the patient was there: all days but the study's move by the same number."""
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value if isinstance(element.value, Items) else ():
                _other_days(item, pseudonyms, identifier, issuer)
        elif element.VR in ("DA", "DT") and element.keyword != "StudyDate" and element.value:
            element.value = pseudonyms.shifted(str(element.value), identifier, issuer)
