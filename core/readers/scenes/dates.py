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
_YEAR = re.compile(r"(?<![A-Za-z0-9])((?:19[5-9]|20[0-4])\d)(?:[-_.]?(0[1-9]|1[0-2]))?(?![A-Za-z0-9])")
_NO_YEARS = re.compile(r"(?:WGS|NAD|ETRS|EPSG|ED)[-_: ]?\d+|2048", re.IGNORECASE)
"""Numbers that look like years: of datums, and of tiles of 2,048 pixels."""
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


def place_in_time_of(tags: Mapping[str, str], name: str, folder: str = "") -> tuple[date | None, str, Notice | None]:
    """(date, the year or month where no more is known, what it rests on): as `date_of`, else from the name of the file's folder.

    A year in the name of the file stands over another one in the TIFF's header, which is then that of processing.
    """
    taken, said = date_of(tags, name)
    year = plain_year(name)
    if taken is not None and (said is None or said.code != "scene.date-from-header" or year is None or year[0].year == taken.year):
        return taken, "", said
    if (taken := plain_date(folder)) is not None and year is None:
        return taken, "", notice("scene.date-from-folder", date=taken.isoformat())
    if year is not None:
        return *year, notice("scene.date-from-name", date=year[1])
    year = plain_year(folder)
    return (*year, notice("scene.date-from-folder", date=year[1])) if year is not None else (None, "", None)


def plain_year(name: str) -> tuple[date, str] | None:
    """(first day, "1985" or "2019-06") where a name holds one year, or one month of one, between other signs than letters and digits."""
    found = {match.groups() for match in _YEAR.finditer(_NO_YEARS.sub("", name))}
    if len(found) != 1:
        return None
    year, month = found.pop()
    return date(int(year), int(month or 1), 1), f"{year}-{month}" if month else year


def plain_date(text: str) -> date | None:
    """The first date in a text: 20171107, 2017-11-07, 2017:11:07, 2017_11_07; None where there is none."""
    for year, month, day in _PLAIN.findall(text):
        try:
            return date(int(year), int(month), int(day))
        except ValueError:  # the 31st of a month that has none
            continue
    return None
