"""What kind of object a DICOM header describes, by the codes of DICOM.

The SOP class is believed before Modality: software must set it to be able to store the object at all, while Modality is
often wrong or missing in converted files. Secondary capture says nothing about how the image came about.
"""

from __future__ import annotations

from core.types import Study

STORAGE = "1.2.840.10008.5.1.4.1.1."

MODALITY_OF_CLASS = {
    "1": "CR",
    "1.1": "DX",
    "1.2": "MG",
    "1.3": "IO",
    "2": "CT",
    "3": "US",
    "4": "MR",
    "6": "US",
    "12.1": "XA",
    "12.2": "RF",
    "13.1.1": "XA",
    "13.1.2": "CT",
    "13.1": "MG",
    "14": "OCT",
    "20": "NM",
    "30": "PMAP",
    "66": "SEG",
    "77.1.1": "ES",
    "77.1.2": "GM",
    "77.1.3": "GM",
    "77.1.4": "XC",
    "77.1.5": "OP",
    "77.1.6": "SM",
    "77.1.7": "XC",
    "77.1.8": "SM",
    "128": "PT",
    "130": "PT",
    "481.1": "RTIMAGE",
    "481.2": "RTDOSE",
}
"""Modality by storage SOP class (PS3.4 B.5), the part after the common root; the longest match counts."""

NOT_IMAGES = frozenset({"RTDOSE", "SEG", "PMAP", "REG", "RWV", "PR", "SR", "KO", "RTSTRUCT", "RTPLAN"})
"""Objects whose pixels are not an image of anything: doses, labels, computed maps."""


def modality_of(study: Study) -> str:
    """Modality by SOP class, else by the header's Modality, upper case; "" where neither tells."""
    said = study.modality.strip().upper()
    by_class = _by_class(study.sop_class_uid)
    is_same_family = {said, by_class} <= {"CR", "DX"}
    return said if is_same_family and said else by_class or said


def _by_class(uid: str) -> str:
    if not uid.startswith(STORAGE):
        return ""
    parts = uid.removeprefix(STORAGE).split(".")
    heads = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((MODALITY_OF_CLASS[head] for head in heads if head in MODALITY_OF_CLASS), "")
