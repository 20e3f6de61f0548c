"""What a band shows, told from its name: Sentinel-2 (MSI), Landsat (TM, ETM+, OLI), or the colour in words."""

from __future__ import annotations

import re
from collections.abc import Sequence

# ESA, Sentinel-2 User Handbook, table 1.
SENTINEL_2 = {
    "B01": "coastal aerosol",
    "B02": "blue",
    "B03": "green",
    "B04": "red",
    "B05": "red edge 1",
    "B06": "red edge 2",
    "B07": "red edge 3",
    "B08": "near infrared",
    "B8A": "near infrared narrow",
    "B09": "water vapour",
    "B10": "cirrus",
    "B11": "short-wave infrared 1",
    "B12": "short-wave infrared 2",
}
# USGS, Landsat 4-7 and 8-9 Collection 2 data dictionaries.
LANDSAT_TM = {
    "B1": "blue",
    "B2": "green",
    "B3": "red",
    "B4": "near infrared",
    "B5": "short-wave infrared 1",
    "B6": "thermal infrared 1",
    "B7": "short-wave infrared 2",
    "B8": "panchromatic",
}
LANDSAT_OLI = {
    "B1": "coastal aerosol",
    "B2": "blue",
    "B3": "green",
    "B4": "red",
    "B5": "near infrared",
    "B6": "short-wave infrared 1",
    "B7": "short-wave infrared 2",
    "B8": "panchromatic",
    "B9": "cirrus",
    "B10": "thermal infrared 1",
    "B11": "thermal infrared 2",
}
_WORDS = {
    "red": "red",
    "r": "red",
    "green": "green",
    "g": "green",
    "blue": "blue",
    "b": "blue",
    "nir": "near infrared",
    "nir1": "near infrared",
    "nir08": "near infrared",
    "nearinfrared": "near infrared",
    "infrared": "near infrared",
    "nir09": "near infrared narrow",
    "nirnarrow": "near infrared narrow",
    "nir2": "near infrared narrow",
    "narrownir": "near infrared narrow",
    "swir": "short-wave infrared 1",
    "swir1": "short-wave infrared 1",
    "swir16": "short-wave infrared 1",
    "shortwaveinfrared1": "short-wave infrared 1",
    "swir2": "short-wave infrared 2",
    "swir22": "short-wave infrared 2",
    "shortwaveinfrared2": "short-wave infrared 2",
    "coastal": "coastal aerosol",
    "coastalaerosol": "coastal aerosol",
    "aerosol": "coastal aerosol",
    "rededge": "red edge 1",
    "rededge1": "red edge 1",
    "rededge2": "red edge 2",
    "rededge3": "red edge 3",
    "pan": "panchromatic",
    "panchromatic": "panchromatic",
    "cirrus": "cirrus",
    "watervapour": "water vapour",
    "watervapor": "water vapour",
    "thermal": "thermal infrared 1",
}
_OLI = re.compile(r"(?<![A-Z0-9])L[CO]0[89]|LANDSAT[_ -]?[89]|OLI", re.IGNORECASE)
_TM = re.compile(r"(?<![A-Z0-9])L[TEM]0[4-7]|LANDSAT[_ -]?[4-7]|ETM|THEMATIC", re.IGNORECASE)
_TOKEN = re.compile(r"(?<![A-Z0-9])B(0?[1-9]|1[0-2]|8A)(?![A-Z0-9])", re.IGNORECASE)


def colour_of(name: str, product: str = "") -> str:
    """What a band of that name shows, "" where the name does not tell.

    name: "B04", "SR_B4", "Red", "B4 (665 nm)". product: further text of the file (its name, its tags) that may tell the satellite.
    """
    token = band_token(name)
    if token:
        return _by_token(token, f"{name} {product}")
    return _WORDS.get(re.sub(r"[^a-z0-9]", "", name.lower()), "")


def band_token(text: str) -> str:
    """The last band token in a text, in capitals ("T31UDQ_20171107_B04.tif" has "B04"), "" where there is none."""
    found = _TOKEN.findall(text.replace("_", " "))
    return f"B{found[-1].upper()}" if found else ""


def colours(names: Sequence[str], product: str = "") -> tuple[str, ...]:
    """`colour_of` each."""
    return tuple(colour_of(name, product) for name in names)


def _by_token(token: str, product: str) -> str:
    """Landsat where the text says so, else Sentinel-2, whose blue, green and red have the same numbers as those of Landsat 8 and 9."""
    text = product.replace("_", " ")
    if _OLI.search(text):
        return LANDSAT_OLI.get(_short(token), "")
    if _TM.search(text):
        return LANDSAT_TM.get(_short(token), "")
    return SENTINEL_2.get(_padded(token), "")


def _short(token: str) -> str:
    return "B" + token[1:].lstrip("0")


def _padded(token: str) -> str:
    return token if token == "B8A" else f"B{int(token[1:]):02d}"
