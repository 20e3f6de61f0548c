"""Which sensor and level the name of a file speaks of, where no metadata do: what is read there is a guess, since names are changed freely.

Sentinel-2: S2A_MSIL1C_20170101T..., S2A L1C; Landsat Collection 2: LC08_L2SP_... (USGS, LSDS-1656).
"""

from __future__ import annotations

import re

_SENTINEL = re.compile(r"(?<![A-Z0-9])S2([A-D])(?![A-Z0-9])(?:.*?(?:MSI)?(L[12][AC])(?![A-Z0-9]))?", re.IGNORECASE)
_LANDSAT = re.compile(r"(?<![A-Z0-9])L([COTEM])0([1-9])(?![A-Z0-9])(?:[_ -](L[12](?:SP|SR|TP|GT|GS)))?", re.IGNORECASE)
_INSTRUMENTS = {"C": "OLI", "O": "OLI", "T": "TM", "E": "ETM+", "M": "MSS"}
_OLD_TM = (4, 5)


def sensor_in(name: str) -> tuple[str, str]:
    """(sensor, level) as product metadata call them: ("Sentinel-2A MSI", "L1C"); "" for what the name does not say."""
    plain = name.replace("_", " ").replace("-", " ")
    found = _SENTINEL.search(plain)
    if found is not None:
        return f"Sentinel-2{found[1].upper()} MSI", (found[2] or "").upper()
    found = _LANDSAT.search(plain)
    if found is None:
        return "", ""
    letter, number = found[1].upper(), int(found[2])
    instrument = "TM" if letter == "T" and number in _OLD_TM else "TIRS" if letter == "T" else _INSTRUMENTS[letter]
    return f"Landsat {number} {instrument}", (found[3] or "").upper()
