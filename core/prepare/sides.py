"""Which side of the patient lies at which edge of an image, by the header alone: nothing is taken for granted."""

from __future__ import annotations

from typing import Literal

from core.types import Image, Study

Side = Literal["left", "right"]
OTHER: dict[Side, Side] = {"left": "right", "right": "left"}
_OF_LETTER: dict[str, Side] = {"L": "left", "R": "right"}


def side_at_right(image: Image) -> Side | None:
    """The patient's side at the right edge of the image as it is stored and displayed; None where the file does not tell.

    By the direction cosines of the rows, whose x runs to the patient's left (PS3.3 C.7.6.2.1.1), else by Patient Orientation (0020,0020),
    the direction of the rows (PS3.3 C.7.6.1.1.1). None too where the rows run to the head, the feet, the front or the back.
    """
    if not isinstance(image, Study):
        return None
    if image.orientation and len(image.orientation) == 6:
        along = [abs(part) for part in image.orientation[:3]]
        return None if along[0] < max(along) else "left" if image.orientation[0] > 0 else "right"
    told = image.header.get("PatientOrientation")
    return _OF_LETTER.get(str(told[0])[:1].upper()) if told and len(told) == 2 else None
