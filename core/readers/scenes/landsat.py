"""Metadata of a Landsat Collection 2 product (MTL as JSON, text or XML; USGS, Landsat 8-9 Collection 2 Level 2 Data Format Control Book).

Level 2 is surface reflectance by scale and offset. Level 1 becomes reflectance at the top of the atmosphere by its own scale and offset and
the sun's elevation, for which it is not corrected as it comes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from core.errors import UnreadableFile
from core.readers.scenes.band_names import LANDSAT_OLI, LANDSAT_TM
from core.readers.scenes.dates import plain_date
from core.readers.scenes.product import BandFile, ProductFacts, metadata_text, parsed_xml
from core.types import CloudKind, Product, ScaleState, Scaling, notice

LANDSAT_METADATA = re.compile(r"_MTL\.(json|txt|xml)$", re.IGNORECASE)
_ORDER = (".json", ".txt", ".xml")
"""One product has all three, which say the same."""
_BAND = re.compile(r"FILE_NAME_BAND_(\d+)$")
_LEFT_OUT = frozenset({"panchromatic", "cirrus", "thermal infrared 1", "thermal infrared 2"})
"""Panchromatic would make the whole scene finer than its colours; the others show no ground in the light of the sun."""
_LINE = re.compile(r"^\s*(\w+)\s*=\s*(.*?)\s*$")

Groups = Mapping[str, Mapping[str, str]]


def read_landsat(metadata: Path, files: Mapping[PurePosixPath, Path]) -> ProductFacts:
    """What a product says of itself. files: all of its files by their place in it. Raises UnreadableFile, TooLarge."""
    groups = _groups(metadata)
    contents, image = groups.get("PRODUCT_CONTENTS", {}), groups.get("IMAGE_ATTRIBUTES", {})
    level = contents.get("PROCESSING_LEVEL", "")
    is_surface = level.startswith("L2")
    factors = groups.get("LEVEL2_SURFACE_REFLECTANCE_PARAMETERS" if is_surface else "LEVEL1_RADIOMETRIC_RESCALING", {})
    sun = 1.0 if is_surface else _sine(image.get("SUN_ELEVATION", ""), metadata)
    number = image.get("SPACECRAFT_ID", "LANDSAT_").rpartition("_")[2]
    colours = LANDSAT_OLI if number in ("8", "9") else LANDSAT_TM
    by_name = {place.name: path for place, path in files.items()}
    bands = tuple(_bands(contents, factors, colours, by_name, sun))
    if not bands:
        raise UnreadableFile(f"{metadata.name} lies beside no image of a band whose scale it tells.", "Give the whole product.")
    clouds = by_name.get(contents.get("FILE_NAME_QUALITY_L1_PIXEL", ""))
    evidence = _evidence(metadata.name, level, factors, image.get("SUN_ELEVATION", ""), is_surface)
    product = Product(
        sensor=f"Landsat {number} {image.get('SENSOR_ID', '').replace('_TIRS', '')}".strip(),
        level=level,
        baseline="",
        scale=evidence,
        offset=evidence,
    )
    name = contents.get("LANDSAT_PRODUCT_ID", LANDSAT_METADATA.sub("", metadata.name))
    return ProductFacts(name, product, plain_date(image.get("DATE_ACQUIRED", "")), bands, (CloudKind.QA, clouds) if clouds else None)


def landsat_metadata(places: Iterable[PurePosixPath]) -> list[PurePosixPath]:
    """The metadata files of products among these, one a product."""
    found: dict[PurePosixPath, PurePosixPath] = {}
    for place in sorted(places, key=lambda place: _ORDER.index(place.suffix.lower()) if place.suffix.lower() in _ORDER else len(_ORDER)):
        if LANDSAT_METADATA.search(place.name):
            found.setdefault(place.with_name(LANDSAT_METADATA.sub("", place.name)), place)
    return list(found.values())


def _bands(
    contents: Mapping[str, str], factors: Mapping[str, str], colours: Mapping[str, str], by_name: Mapping[str, Path], sun: float
) -> Iterator[BandFile]:
    for key, file in contents.items():
        found = _BAND.match(key)
        if found is None or file not in by_name:
            continue
        number = found[1]
        colour = colours.get(f"B{number}", "")
        scale, offset = (_number(factors.get(f"REFLECTANCE_{what}_BAND_{number}")) for what in ("MULT", "ADD"))
        if colour and colour not in _LEFT_OUT and scale is not None and offset is not None:
            yield BandFile(f"B{number}", colour, by_name[file], scale / sun, offset / sun, nodata=0.0)


def _evidence(name: str, level: str, factors: Mapping[str, str], elevation: str, is_surface: bool) -> Scaling:
    keys = [key for key in factors if key.startswith("REFLECTANCE_MULT_BAND_")]
    scale = _number(factors.get(keys[0])) if keys else None
    offset = _number(factors.get(keys[0].replace("MULT", "ADD"))) if keys else None
    scale, offset = scale or 0.0, offset or 0.0
    if is_surface:
        return Scaling(ScaleState.NEEDED, notice("product.landsat-surface", file=name, level=level, scale=scale, offset=offset))
    sun = _number(elevation) or 0.0
    return Scaling(ScaleState.NEEDED, notice("product.landsat-top", file=name, level=level, scale=scale, offset=offset, elevation=sun))


def _sine(elevation: str, metadata: Path) -> float:
    """Of the sun's elevation in degrees. Raises UnreadableFile where it is not told, or at night."""
    degrees = _number(elevation)
    if degrees is None or degrees <= 0.0:
        raise UnreadableFile(f"{metadata.name} tells no elevation of the sun above the horizon.", "Choose a scene taken by day.")
    return math.sin(math.radians(degrees))


def _groups(metadata: Path) -> Groups:
    """The groups of the metadata by name: key -> value, as text. Raises UnreadableFile, TooLarge."""
    ending = metadata.suffix.lower()
    if ending == ".xml":
        root = parsed_xml(metadata)
        return {group.tag: {entry.tag: (entry.text or "").strip() for entry in group} for group in root}
    text = metadata_text(metadata)
    if ending == ".txt":
        return _of_text(text)
    try:
        document: Any = json.loads(text)
        return {name: {key: str(value) for key, value in group.items()} for name, group in document["LANDSAT_METADATA_FILE"].items()}
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise UnreadableFile(f"{metadata.name} is no metadata file of Landsat Collection 2.", "Download the product again.") from error


def _of_text(text: str) -> Groups:
    groups: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in text.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        key, value = found[1], found[2].strip('"')
        if key == "GROUP":
            current = groups.setdefault(value, {})
        elif key != "END_GROUP":
            current[key] = value
    return groups


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
