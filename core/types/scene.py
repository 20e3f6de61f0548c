"""Scenes as read: bands of one place at one date, on one grid."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from core.types.notice import Notice
from core.types.product import CloudMask, Product

if TYPE_CHECKING:
    from rasterio.crs import CRS
    from rasterio.transform import Affine

UNNAMED_DATE = "undated"
_TURNS = {
    turn: re.compile(rf"(?<![a-z])({words})(?![a-z])", re.IGNORECASE)
    for turn, words in (("before", "before|pre|earlier"), ("after", "after|post|later"))
}
"""Words in the name of a file that say which of two dates it is of."""


@dataclass(frozen=True)
class DataMask:
    """A band that says where the others of its file hold data: 0 nowhere, above 0 there.

    index: its number in the file, from 1. top: its largest value, that of a pixel that is data alone.
    """

    index: int
    top: float


@dataclass(frozen=True)
class ValueRange:
    """Smallest, median and largest digital number of a band, from a sample; the brightest thousandth is left out.

    is_mask: whether it holds two values alone, 0 and 1 or a maximum.
    """

    low: float
    middle: float
    high: float
    is_mask: bool = False


@dataclass(frozen=True)
class Band:
    """One band of a scene.

    name: the field's own name where known ("B04", "red"), else "band 1".
    common_name (STAC's, spelt out): "red", "green", "blue", "near infrared", "short-wave infrared 1", ... or "" where unknown.
    file, index: which GeoTIFF holds it and its number there, from 1.
    scale, offset: reflectance = digital number * scale + offset; None where the file does not tell.
    nodata: the digital number that means nothing, by the file or by the product, None where there is none.
    mask: of its file, None where it has none.
    is_sparse: whether the file lacks blocks, in whose place there is no data. values: None where no pixel of the sample held data.
    """

    name: str
    common_name: str
    file: Path
    index: int
    scale: float | None = None
    offset: float | None = None
    nodata: float | None = None
    mask: DataMask | None = None
    is_sparse: bool = False
    values: ValueRange | None = None


@dataclass(frozen=True)
class Scene:
    """One place at one date, on one grid. Pixels stay on disk and are read by window (core/prepare/grid/bands.py).

    width, height, crs, transform: the grid of the finest band; crs is None where the file has none.
    product: what metadata of a product say; None for a file that came without.
    clouds: where clouds are told, None where nothing tells them.
    given: what the user said of it: "bands", "scale", "offset", "date"; all of them where what was guessed was accepted.
    date: the first day where only a year or a month is known; date_text: that year or month ("1985", "2019-06"), "" where the day is known.
    footprint: (west, south, east, north) in degrees of longitude and latitude, None without a CRS.
    """

    name: str
    sha256: str
    bands: tuple[Band, ...]
    width: int
    height: int
    crs: CRS | None
    transform: Affine
    dtype: str
    date: date | None = None
    date_text: str = ""
    footprint: tuple[float, float, float, float] | None = None
    product: Product | None = None
    clouds: CloudMask | None = None
    given: frozenset[str] = frozenset()
    assumptions: tuple[Notice, ...] = ()

    @property
    def when(self) -> str:
        """The date as far as it is known: "2019-06-15", "1985", "" where nothing tells."""
        return self.date_text or (self.date.isoformat() if self.date else "")

    @property
    def turn(self) -> str:
        """ "before" or "after", where the name says which of two dates it is: "2024-before.tif", "town_post.tif"; else ""."""
        said = [turn for turn, word in _TURNS.items() if word.search(self.name)]
        return said[0] if len(said) == 1 else ""

    @property
    def called(self) -> str:
        """What to call it among others: its date, with what its name says of before and after where only a year or a month is known; its
        name where it has no date."""
        return f"{self.date_text}, {self.turn}" if self.date_text and self.turn else self.when or self.name

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of the scene, each once, in band order."""
        return tuple(dict.fromkeys(band.file for band in self.bands))
