"""Metadata of a Sentinel-2 product (MTD_MSIL1C.xml, MTD_MSIL2A.xml; ESA, Sentinel-2 Products Specification Document).

From processing baseline 04.00 an offset is added to the numbers, which the metadata tell band by band: RADIO_ADD_OFFSET (L1C) and
BOA_ADD_OFFSET (L2A). The date does not tell it, since old scenes were processed again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree as Xml

from core.errors import UnreadableFile
from core.readers.scenes.band_names import SENTINEL_2
from core.readers.scenes.dates import plain_date
from core.readers.scenes.product import BandFile, ProductFacts, parsed_xml
from core.types import CloudKind, Product, ScaleState, Scaling, notice

SENTINEL2_METADATA = re.compile(r"^MTD_MSIL(1C|2A)\.xml$", re.IGNORECASE)
_IMAGE = re.compile(r"_(B\d\d|B8A|SCL)(?:_(10|20|60)m)?\.(?:jp2|tiff?)$", re.IGNORECASE)
IMAGES = "IMG_DATA"
"""The folder of the bands; masks of the same names lie in QI_DATA."""
_NOT_GROUND = ("B10",)
"""Cirrus clouds: no band of the ground, and L2A has none."""
_OFFSETS_FROM = "04.00"
_BAND_IDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
"""By band_id, as the products count."""
_NATIVE = {"B01": 60, "B09": 60, **dict.fromkeys(("B02", "B03", "B04", "B08"), 10)}
"""Metres a pixel; 20 for the others."""


def read_sentinel2(metadata: Path, files: Mapping[PurePosixPath, Path]) -> ProductFacts:
    """What a product says of itself. files: all of its files by their place in it. Raises UnreadableFile, TooLarge."""
    root = parsed_xml(metadata)
    texts = {element.tag.rpartition("}")[2]: (element.text or "").strip() for element in root.iter()}
    level = "L1C" if "1C" in metadata.name.upper() else "L2A"
    baseline = texts.get("PROCESSING_BASELINE", "")
    quantification = _number(texts.get("QUANTIFICATION_VALUE" if level == "L1C" else "BOA_QUANTIFICATION_VALUE"))
    if quantification is None or quantification <= 0:
        raise UnreadableFile(f"{metadata.name} names no quantification value: its numbers cannot be read.", "Download the product again.")
    offsets = _offsets(root)
    is_told = bool(offsets) or (bool(baseline) and baseline < _OFFSETS_FROM)
    product = Product(
        sensor=f"{texts.get('SPACECRAFT_NAME', 'Sentinel-2')} MSI",
        level=level,
        baseline=baseline,
        scale=Scaling(ScaleState.NEEDED, notice("product.quantification", file=metadata.name, value=quantification)),
        offset=_offset_scaling(metadata.name, baseline, offsets, is_told),
    )
    bands, clouds = _bands(files, quantification, offsets if is_told else None)
    if not bands:
        raise UnreadableFile(f"{metadata.name} lies beside no image of a band.", "Give the whole product, IMG_DATA included.")
    taken = plain_date(texts.get("DATATAKE_SENSING_START", "")) or plain_date(texts.get("PRODUCT_START_TIME", ""))
    name = texts.get("PRODUCT_URI", "").removesuffix(".SAFE") or metadata.parent.name
    return ProductFacts(name, product, taken or plain_date(name), bands, (CloudKind.SCL, clouds) if clouds else None)


def _offset_scaling(name: str, baseline: str, offsets: Mapping[str, float], is_told: bool) -> Scaling:
    if offsets:
        told = sorted(set(offsets.values()))
        return Scaling(
            ScaleState.NEEDED, notice("product.offset-told", file=name, baseline=baseline, value=", ".join(f"{o:g}" for o in told))
        )
    if is_told:
        return Scaling(ScaleState.APPLIED, notice("product.offset-none", file=name, baseline=baseline))
    return Scaling(ScaleState.UNKNOWN, notice("product.offset-missing", file=name, baseline=baseline or "?"), True)


def _offsets(root: Xml.Element) -> dict[str, float]:
    """Digital numbers that were taken off (negative), by band."""
    found = {}
    for element in root.iter():
        if element.tag.rpartition("}")[2] in ("RADIO_ADD_OFFSET", "BOA_ADD_OFFSET"):
            place, value = element.get("band_id", ""), _number(element.text)
            if place.isdigit() and int(place) < len(_BAND_IDS) and value is not None:
                found[_BAND_IDS[int(place)]] = value
    return found


def _bands(
    files: Mapping[PurePosixPath, Path], quantification: float, offsets: Mapping[str, float] | None
) -> tuple[tuple[BandFile, ...], Path | None]:
    """The bands at their own resolution, else at the finest that is there; and the scene classification of L2A."""
    best: dict[str, tuple[int, Path]] = {}
    for place, path in files.items():
        found = _IMAGE.search(place.name) if IMAGES in place.parts else None
        if found is None:
            continue
        name, metres = found[1].upper(), int(found[2] or 0)
        distance = abs(metres - _NATIVE.get(name, 20)) if metres else 0
        if name not in best or distance < best[name][0]:
            best[name] = (distance, path)
    clouds = best.pop("SCL", (0, None))[1]
    return tuple(
        BandFile(name, SENTINEL_2[name], path, 1.0 / quantification, _scaled(offsets, name, quantification), nodata=0.0)
        for name, (_, path) in sorted(best.items(), key=lambda one: _BAND_IDS.index(one[0]))
        if name in SENTINEL_2 and name not in _NOT_GROUND
    ), clouds


def _scaled(offsets: Mapping[str, float] | None, name: str, quantification: float) -> float | None:
    """Reflectance; None where it is not known."""
    return None if offsets is None else offsets.get(name, 0.0) / quantification


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def sentinel2_metadata(places: Iterable[PurePosixPath]) -> list[PurePosixPath]:
    """The metadata files of products among these."""
    return [place for place in places if SENTINEL2_METADATA.match(place.name)]
