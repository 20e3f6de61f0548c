"""Which blocks a GeoTIFF holds: one that was never written has an offset of 0 and no pixels, whatever size the header declares.

GDAL reads such a block as nodata, or as 0 where the file names no nodata, so that a file of a few kilobytes can claim billions of pixels.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from rasterio import DatasetReader
from rasterio.windows import Window

from core.errors import NoPixels, TooLarge
from core.settings import settings
from core.types import Mask

LEAST_HELD = 0.01
"""Share of its blocks that a raster above the largest decoded frame must hold."""
MOST_LOOKED_AT = 100_000
"""Blocks that are looked at, spread evenly, to know how many a raster holds."""

Block = tuple[int, int]


def refuse_what_is_not_there(dataset: DatasetReader, name: str) -> None:
    """Nothing where a raster holds the pixels that it declares, or some of them.

    Raises NoPixels where it holds none, TooLarge where it declares a large scene and holds hardly any of it.
    """
    if not has_blocks(dataset):
        return
    down, across = _shape(dataset)
    step = max(1, down * across // MOST_LOOKED_AT)
    looked = range(0, down * across, step)
    held = sum(_is_held(dataset, (number % across, number // across)) for number in looked)
    size = f"{dataset.width:,} x {dataset.height:,} pixels"
    if not held:
        raise NoPixels(f"{name} declares {size} and holds none of them.", "Copy or export it again.")
    is_large = dataset.width * dataset.height > settings().decoded_megapixels * 1_000_000
    if is_large and held < LEAST_HELD * len(looked):
        raise TooLarge(
            f"{name} declares {size} and holds {100 * held / len(looked):.2g} % of them.",
            "Cut it to the part that it holds, with gdal_translate -srcwin.",
        )


def has_blocks(dataset: DatasetReader) -> bool:
    """Whether its format may lack blocks, and tells which: a TIFF."""
    return bool(dataset.driver == "GTiff")


def is_sparse(dataset: DatasetReader) -> bool:
    """Whether a raster lacks some of its blocks, and does not say by nodata what stands in their place."""
    if dataset.nodata is not None or not has_blocks(dataset):
        return False
    down, across = _shape(dataset)
    step = max(1, down * across // MOST_LOOKED_AT)
    return not all(_is_held(dataset, (number % across, number // across)) for number in range(0, down * across, step))


def held_pixels(dataset: DatasetReader, window: Window) -> Mask:
    """bool [height, width] of a window: where a block lies that the file holds."""
    left, top = int(window.col_off), int(window.row_off)
    held = np.ones((int(window.height), int(window.width)), dtype=np.bool_)
    rows, columns = dataset.block_shapes[0]
    for block in _blocks(dataset, window):
        if not _is_held(dataset, block):
            x, y = block[0] * columns - left, block[1] * rows - top
            held[max(0, y) : max(0, y + rows), max(0, x) : max(0, x + columns)] = False
    return held


def _blocks(dataset: DatasetReader, window: Window) -> Iterator[Block]:
    """(column, row) of each block that a window touches."""
    rows, columns = dataset.block_shapes[0]
    for y in range(int(window.row_off) // rows, (int(window.row_off + window.height) - 1) // rows + 1):
        for x in range(int(window.col_off) // columns, (int(window.col_off + window.width) - 1) // columns + 1):
            yield x, y


def _shape(dataset: DatasetReader) -> tuple[int, int]:
    """(down, across): how many blocks there are."""
    rows, columns = dataset.block_shapes[0]
    return -(-dataset.height // rows), -(-dataset.width // columns)


def _is_held(dataset: DatasetReader, block: Block) -> bool:
    """In at least one band: a band that is 0 everywhere may be left out of a file that holds the others."""
    name = f"BLOCK_OFFSET_{block[0]}_{block[1]}"
    return any(dataset.get_tag_item(name, "TIFF", bidx=band) is not None for band in dataset.indexes)
