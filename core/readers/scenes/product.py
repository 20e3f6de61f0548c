"""Products as archives give them: what their metadata say, before any pixel is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as Xml

from core.errors import TooLarge, UnreadableFile
from core.types import CloudKind, Product

MOST_METADATA_BYTES = 20_000_000
"""Metadata of products have some 100 kB."""


@dataclass(frozen=True)
class BandFile:
    """One band of a product. scale, offset: reflectance = digital number * scale + offset; offset None where the product does not tell."""

    name: str
    common_name: str
    file: Path
    scale: float
    offset: float | None
    nodata: float | None


@dataclass(frozen=True)
class ProductFacts:
    """A product by its metadata. clouds: the raster that tells them, and how; None where the product brings none."""

    name: str
    product: Product
    date: date | None
    bands: tuple[BandFile, ...]
    clouds: tuple[CloudKind, Path] | None

    @property
    def files(self) -> tuple[Path, ...]:
        """Of its bands."""
        return tuple(band.file for band in self.bands)


def metadata_text(path: Path) -> str:
    """Raises TooLarge, UnreadableFile."""
    if path.stat().st_size > MOST_METADATA_BYTES:
        raise TooLarge(f"{path.name} is larger than metadata of a product are.", "Download the product again.")
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{path.name} cannot be read as text.", "Download the product again.") from error


def parsed_xml(path: Path) -> Xml.Element:
    """The root of an XML file that declares no entities: those could grow without end, or name other files.

    Raises UnreadableFile, TooLarge.
    """
    text = metadata_text(path)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise UnreadableFile(f"{path.name} declares entities, which metadata of products do not.", "Download the product again.")
    try:
        return Xml.fromstring(text)
    except Xml.ParseError as error:
        raise UnreadableFile(f"{path.name} is no whole XML file.", "Download the product again.") from error
