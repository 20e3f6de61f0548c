"""Where the weight of a map lies, in sentences, and the one that the answer is told with where much lies beside."""

from __future__ import annotations

from core.explain.inside import MUCH, beside
from core.types import Inside, Notice, notice

TELLING = 0.005
"""Share that is not written as 0 %."""


def inside_notices(inside: Inside | None) -> tuple[Notice, ...]:
    """A sentence for each part that was found, but for those of which nothing was read."""
    if inside is None:
        return ()
    is_split = inside.shares.get("lungs") is not None
    found = []
    for name, share in inside.shares.items():
        area = inside.areas[name]
        if share is not None and area is not None and max(share, area) >= TELLING:
            found.append(_part("elsewhere" if name == "body" and is_split else name, 100.0 * share, 100.0 * area))
    return tuple(found)


def beside_notice(inside: Inside | None) -> Notice | None:
    """What the answer is told with where much of the weight lies beside the patient, or where no ground was seen."""
    share = beside(inside)
    if inside is None or share < MUCH:
        return None
    if "outside" in inside.shares:
        return notice("explanation.beside-patient", percent=100.0 * share)
    return notice("explanation.beside-ground", percent=100.0 * share)


def _part(name: str, percent: float, area: float) -> Notice:
    made = {
        "lungs": notice("explanation.lungs", percent=percent, area=area),
        "body": notice("explanation.body", percent=percent, area=area),
        "elsewhere": notice("explanation.elsewhere", percent=percent, area=area),
        "outside": notice("explanation.outside", percent=percent, area=area),
        "valid": notice("explanation.valid", percent=percent, area=area),
        "cloud": notice("explanation.cloud", percent=percent, area=area),
        "nodata": notice("explanation.nodata", percent=percent, area=area),
    }
    return made[name]
