"""Names in the pixels: what makes them likely, where letters were found, and regions made black."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset
from pydicom.uid import (
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameSingleBitSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
)

from core.deidentify.header import allowed_value, raw_value
from core.types import Box, Notice, notice

BURNED_IN = frozenset({"US", "IVUS", "ES", "XC", "OT", "GM", "OP", "SC", "DOC", "XA", "RF", "BI", "EPS"})
"""Modalities that often write names into their pixels, or hold photographs and screens."""
CAPTURES = frozenset(
    {
        SecondaryCaptureImageStorage,
        MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
        MultiFrameSingleBitSecondaryCaptureImageStorage,
        MultiFrameTrueColorSecondaryCaptureImageStorage,
    }
)
READER = "tesseract"
_READER_SECONDS = 20
_SURE = 60.0
"""Per cent of certainty from which the reader of letters is believed."""
_FEWEST_LETTERS = 3


def pixel_warnings(source: Dataset) -> tuple[Notice, ...]:
    """Why names may stand in the pixels, by the header alone: its flag, the modality, captures of screens, film that was scanned."""
    found: list[Notice] = []
    flag, modality = str(allowed_value(source, "BurnedInAnnotation") or ""), str(allowed_value(source, "Modality") or "")
    kinds = raw_value(source, "ImageType")
    words = {str(kind).strip().upper() for kind in ([kinds] if isinstance(kinds, str) else kinds or ())}
    if flag == "YES":
        found.append(notice("pixels.flagged"))
    elif modality in BURNED_IN:
        found.append(notice("pixels.modality", modality=modality))
    elif (
        str(raw_value(source, "SOPClassUID") or "") in CAPTURES
        or words & {"SCREEN", "SCREEN SAVE", "CAPTURE"}
        or "ConversionType" in source
    ):
        found.append(notice("pixels.capture"))
    elif flag != "NO":
        found.append(notice("pixels.not-told"))
    if str(raw_value(source, "RecognizableVisualFeatures") or "").upper() == "YES":
        found.append(notice("pixels.features"))
    return tuple(found)


def letters_in(picture: NDArray[np.uint8]) -> tuple[Box, ...] | None:
    """(left, top, width, height) of words in uint8 [rows, columns] or [rows, columns, 3]; None where tesseract is not installed.

    It misses letters, and so does the header: that nothing was found is no proof.
    """
    program = shutil.which(READER)
    if program is None:
        return None
    held = io.BytesIO()
    Image.fromarray(picture).save(held, format="PNG")
    try:
        done = subprocess.run([program, "stdin", "stdout", "--psm", "11", "tsv"], input=held.getvalue(), capture_output=True,
                              timeout=_READER_SECONDS, check=True)  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    rows = csv.DictReader(io.StringIO(done.stdout.decode("utf-8", "replace")), delimiter="\t", quoting=csv.QUOTE_NONE)
    sure = (row for row in rows if float(row.get("conf") or -1) >= _SURE and len((row.get("text") or "").strip()) >= _FEWEST_LETTERS)
    return tuple((float(row["left"]), float(row["top"]), float(row["width"]), float(row["height"])) for row in sure)


def masked(frames: NDArray[Any], regions: Sequence[Box], black: Any) -> NDArray[Any]:
    """[frames, rows, columns] or [frames, rows, columns, samples] with every pixel of the regions `black`, all others as they were.

    regions: (left, top, width, height) in pixels; a pixel that they touch is masked.
    """
    made = frames.copy()
    for left, top, width, height in regions:
        rows = slice(max(0, int(np.floor(top))), max(0, int(np.ceil(top + height))))
        columns = slice(max(0, int(np.floor(left))), max(0, int(np.ceil(left + width))))
        made[:, rows, columns] = black
    return made
