"""The date of a scene: told by the file, or read out of its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from core.types import Notice, notice

_SENSED = (
    "DATATAKE_1_DATATAKE_SENSING_START",
    "DATATAKE_SENSING_START",
    "PRODUCT_START_TIME",
    "DATE_ACQUIRED",
    "ACQUISITION_DATE",
    "ACQUISITIONDATETIME",
    "ACQUISITION_TIME",
    "SENSING_TIME",
    "SENSING_DATE",
    "DATETIME",
    "DATE",
)
_PLAIN = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_:.]?(0[1-9]|1[0-2])[-_:.]?(0[1-9]|[12]\d|3[01])(?!\d)")


def date_of(tags: Mapping[str, str], name: str) -> tuple[date | None, Notice | None]:
    """(date, the assumption it rests on): from a tag that says when the scene was taken, TIFFTAG_DATETIME, or a date in the name."""
    upper = {key.upper(): value for key, value in tags.items()}
    for key in _SENSED:
        found = plain_date(upper.get(key, ""))
        if found is not None:
            return found, None
    found = plain_date(upper.get("TIFFTAG_DATETIME", ""))
    if found is not None:
        return found, notice("scene.date-from-header", date=found.isoformat())
    found = plain_date(name)
    return found, notice("scene.date-from-name", date=found.isoformat()) if found is not None else None


def plain_date(text: str) -> date | None:
    """The first date in a text: 20171107, 2017-11-07, 2017:11:07, 2017_11_07; None where there is none."""
    for year, month, day in _PLAIN.findall(text):
        try:
            return date(int(year), int(month), int(day))
        except ValueError:  # the 31st of a month that has none
            continue
    return None
