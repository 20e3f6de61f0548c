"""Lookup tables of a DICOM header, brought to the one form that pydicom can apply."""

from __future__ import annotations

from copy import copy

import numpy as np
from pydicom import DataElement, Dataset

SEQUENCES = ("ModalityLUTSequence", "VOILUTSequence")


def plain_tables(header: Dataset, are_signed: bool) -> Dataset:
    """`header` with its modality and VOI tables as lists of numbers (VR US), each with a signed first input where the input is signed.

    pydicom unpacks tables of raw words (VR OW) only when it knows the byte order of the whole file, which a header of selected
    attributes does not carry; it refuses tables of 8-bit entries; and it takes a first input of -600 that was written
    with VR US (64936) literally, where DCMTK and the standard (PS3.3 C.11.2.1.1) read it as the input's sign tells.
    The header given is left as it was.
    """
    result = copy(header)
    for sequence in SEQUENCES:
        if header.get(sequence):
            setattr(result, sequence, [_plain(item, are_signed) for item in header[sequence].value])
    return result


def _plain(item: Dataset, are_signed: bool) -> Dataset:
    entries, first, bits = (int(value) for value in item.LUTDescriptor)
    data = item["LUTData"].value
    if isinstance(data, bytes):
        is_packed = len(data) < 2 * (entries or 2**16)  # one byte an entry
        data = np.frombuffer(data, dtype=np.uint8 if is_packed else "<u2")[: entries or 2**16].tolist()
    result = Dataset()
    result.LUTDescriptor = [entries, first - 2**16 if are_signed and first >= 2**15 else first, bits]
    result.add(DataElement("LUTData", "US", data))
    return result
