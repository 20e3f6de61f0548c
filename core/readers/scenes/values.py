"""What the values of a raster look like, told from a sample: enough to ask what they mean, and to tell a mask from a picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio import DatasetReader
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from core.types import DataMask, ValueRange

WHOLE_PIXELS = 1_000_000
"""A raster of up to so many pixels is read whole."""
PLACES_A_SIDE = 4
PLACE_PIXELS = 256
"""A larger one is read at 4 x 4 places, spread evenly, of at most 256 x 256 pixels each."""
BRIGHTEST_SHARE = 0.001
"""Share of the values that is left out at the bright end: glint and metal roofs saturate the sensor."""
_FULL = (1, 255, 65_535)
"""What stands beside 0 in a mask."""
_WITHOUT_A_MEANING = (ColorInterp.undefined, ColorInterp.gray)

Values = NDArray[Any]


@dataclass(frozen=True)
class _Sample:
    """bands: the digital numbers of each band that hold data, [count] each, in the order of the file."""

    bands: tuple[Values, ...]


def sample(dataset: DatasetReader) -> _Sample:
    """Values of every band, without nodata, what an alpha band masks, and what is not finite."""
    held: list[list[Values]] = [[] for _ in dataset.indexes]
    alphas = [index - 1 for index in dataset.indexes if dataset.colorinterp[index - 1] is ColorInterp.alpha]
    for read in _pieces(dataset):
        seen = np.ones(read.shape[1:], dtype=np.bool_)
        for alpha in alphas:
            seen &= read.data[alpha] > 0
        for place, band in enumerate(read):
            known = ~np.ma.getmaskarray(band) & (seen | (place in alphas)) & np.isfinite(band.data)
            held[place].append(band.data[known])
    return _Sample(tuple(np.concatenate(parts) for parts in held))


def _pieces(dataset: DatasetReader) -> Iterator[Any]:
    """Masked [bands, rows, columns] of each place that is looked at; of a large JPEG 2000 all of it, at a resolution soon decoded."""
    if dataset.driver != "GTiff" and dataset.width * dataset.height > WHOLE_PIXELS:
        reduction = (dataset.width * dataset.height / WHOLE_PIXELS) ** 0.5
        yield dataset.read(masked=True, out_shape=(dataset.count, int(dataset.height / reduction), int(dataset.width / reduction)))
        return
    for window in _windows(dataset.width, dataset.height):
        yield dataset.read(window=window, masked=True)


def value_range(values: Values) -> ValueRange | None:
    """Smallest, median and largest of digital numbers, the brightest thousandth apart; None where there are none."""
    if not values.size:
        return None
    return ValueRange(float(values.min()), float(np.median(values)), float(np.quantile(values, 1.0 - BRIGHTEST_SHARE)), is_mask(values))


def is_mask(values: Values) -> bool:
    """Whether a band holds two states and no picture: 0, and 1 or the most that its type or its product can hold."""
    return _is_full(values) and bool(values.min() == 0) and bool(values.max() > 0)


def _is_full(values: Values) -> bool:
    """Whether a band holds nothing but 0 and 1, or 0 and a maximum; either may be missing."""
    kinds = np.unique(values[:1000])  # soon told for a picture
    kinds = np.unique(values) if len(kinds) <= 2 else kinds
    if not 1 <= len(kinds) <= 2:
        return False
    top = kinds[-1]
    return bool(top in _FULL or _is_largest(top, values.dtype)) and (len(kinds) == 1 or bool(kinds[0] == 0))


def data_mask(dataset: DatasetReader, taken: _Sample) -> DataMask | None:
    """The band that says where the others hold data: an alpha band, or a last band without a name that holds 0 and a maximum alone.

    EO Browser writes such a band behind every band of a raw export, gdalwarp -dstalpha an alpha band behind any number of bands.
    """
    for index in dataset.indexes:
        if dataset.colorinterp[index - 1] is ColorInterp.alpha:
            return DataMask(index, float(taken.bands[index - 1].max(initial=1)))
    last = dataset.count  # a warped one has an alpha band, so that this is a file itself
    is_nameless = last > 1 and not dataset.descriptions[last - 1] and dataset.colorinterp[last - 1] in _WITHOUT_A_MEANING
    if is_nameless and _is_full(taken.bands[-1]) and not all(map(_is_full, taken.bands[:-1])):
        return DataMask(last, float(taken.bands[-1].max()))
    return None


def _windows(width: int, height: int) -> list[Window]:
    if width * height <= WHOLE_PIXELS:
        return [Window(0, 0, width, height)]
    columns, rows = min(PLACE_PIXELS, width), min(PLACE_PIXELS, height)
    share = np.linspace(0.0, 1.0, PLACES_A_SIDE)
    places = ((round(x * (width - columns)), round(y * (height - rows))) for y in share for x in share)
    return [Window(left, top, columns, rows) for left, top in dict.fromkeys(places)]


def _is_largest(value: Any, dtype: np.dtype[Any]) -> bool:
    return bool(np.issubdtype(dtype, np.integer)) and int(value) == np.iinfo(dtype).max
